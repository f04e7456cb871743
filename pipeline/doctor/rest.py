"""Checks of everything else: what can be computed again, what people said, jobs, and leftovers."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import TypeAdapter

from pipeline import sums
from pipeline.analysis.judging_rounds import JudgingRound
from pipeline.annotations.verdicts import Verdict
from pipeline.deletions import finish_deletions, unfinished_deletions
from pipeline.doctor.checkup import RECORD, Checkup
from pipeline.index.store.base import CodeStore
from pipeline.settings import Settings
from pipeline.sums import SUMS, noted_sums

_KEPT_S = 600  # a hidden file that no one has touched for so long was left by a kill
_GONE = "put it back from a backup, or move it away: what people said in it is lost then"
_TAGS = TypeAdapter(dict[str, list[str]])
_BIT_NAMES = TypeAdapter(dict[str, str])
_LEFT = re.compile(r"[.].+[.](deleted|new|tmp)$|.+[.]tmp([.]np[yz])?$|(making|dropped)-.+")


def check_computed(checkup: Checkup) -> None:
    """Baselines, hashes and thumbnails: damaged ones are removed, and made again when needed."""
    home, again = checkup.settings.home, "it is removed and computed again when it is needed"
    computed = ("baselines", "duplicates")
    for path in sorted(path for name in computed for path in (home / name).glob("[!.]*.*")):
        with checkup.looking_at(path, again, partial(sums.remove, path)):
            checkup.check_sum(path)
            _read_computed(path)
    for path in sorted((home / "thumbs").rglob("[!.]*.webp")):
        with (
            checkup.looking_at(path, again, partial(sums.remove, path)),
            Image.open(path) as image,
        ):
            image.load()


def _read_computed(path: Path) -> None:
    if path.suffix == ".json":
        if not isinstance(json.loads(path.read_bytes()), dict):
            raise ValueError("it holds no object")
    elif path.suffix in (".npy", ".npz"):
        loaded = np.load(path, allow_pickle=False)
        for name in getattr(loaded, "files", ()):
            loaded[name]
        if hasattr(loaded, "close"):
            loaded.close()


def check_said(checkup: Checkup) -> None:
    """Tags, names of bits, verdicts, judging rounds, reports and kept queries."""
    home = checkup.settings.home
    readers: tuple[tuple[str, Callable[[bytes], object]], ...] = (
        ("tags/*.json", _TAGS.validate_json),
        ("judging/*/*.json", JudgingRound.model_validate_json),
        ("reports/*.json", json.loads),
        ("runs/*/bit_names.json", _BIT_NAMES.validate_json),
        ("verdicts/*/*.jsonl", _verdicts),
    )
    for pattern, read in readers:
        for path in sorted(home.glob(pattern)):
            with checkup.looking_at(path, _GONE):
                read(checkup.checked_bytes(path))
    for path in sorted((home / "queries").glob("[!.]*")):
        with checkup.looking_at(path, "remove it; its links then ask for the image"):
            checkup.check_sum(path)


def _verdicts(content: bytes) -> None:
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            try:
                Verdict.model_validate_json(line)
            except ValueError as error:
                raise ValueError(f"line {number} is no verdict; the others are read") from error


def check_jobs(checkup: Checkup) -> None:
    """Requests and results of jobs, which are of no use once they are damaged."""
    home = checkup.settings.home
    for path in sorted(home.glob("imports/[!.]*/*.json")):
        remove = partial(shutil.rmtree, path.parent, ignore_errors=True)
        with checkup.looking_at(path, "the job is removed; ask for it again", remove):
            json.loads(path.read_bytes())
    for path in sorted(home.glob("publish-best/[!.]*.json")):
        remove = partial(sums.remove, path)
        with checkup.looking_at(path, "the request is removed; ask for it again", remove):
            json.loads(path.read_bytes())


def check_leftovers(checkup: Checkup) -> None:
    """What kills have left: half-deleted and half-made things that nobody will ever look at."""
    settings = checkup.settings
    for name in unfinished_deletions(settings):
        finish = partial(finish_deletions, settings, partial(_opened, settings))
        reason = f"the deletion of data set {name} was interrupted"
        checkup.add(settings.datasets_path / name, reason, "it is finished", finish)
    for path in _leftovers(checkup.settings.home):
        todo = "it is removed"
        checkup.add(path, "a process that was killed has left it", todo, partial(_remove, path))


def _leftovers(home: Path) -> Iterator[Path]:
    patterns = (
        *("datasets/.*", "runs/.*", "runs/*/*.tmp*", "runs/*/.*.tmp", "runs/*/codes/*.tmp*"),
        *("features/.*", "features/*/.*.tmp", "index/*-*", "index/.*.tmp", "*/.*.tmp", ".*.tmp"),
    )
    for path in sorted({path for pattern in patterns for path in home.glob(pattern)}):
        if _LEFT.fullmatch(path.name) and _is_old(path):
            yield path


def _is_old(path: Path) -> bool:
    """Whether nobody can be at work on it; what was being deleted is never wanted again."""
    if path.name.endswith(".deleted"):
        return True
    try:
        return time.time() - path.stat().st_mtime > _KEPT_S
    except FileNotFoundError:
        return False


def _opened(settings: Settings) -> CodeStore:
    from pipeline.index.store.opening import store_of

    return store_of(settings)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        sums.remove(path)


def check_other_sums(checkup: Checkup) -> None:
    """Every file whose sum was noted and that no other check has looked at."""
    home = checkup.settings.home
    for noted in sorted(home.rglob(SUMS)):
        for name in sorted(noted_sums(noted.parent)):
            path = noted.parent / name
            if path.is_file() and not checkup.is_seen(path) and name != RECORD:
                with checkup.looking_at(path, "restore it from a backup"):
                    checkup.check_sum(path)
