"""Permalinks: everything a page needs, in one address, with the fingerprint of its index.

Links name all settings, also those at their default, since defaults may change. An uploaded query
is stored on Save or when its link is made, and only then, under its hash:

    queries/<sha256>        the image
    queries/<sha256>.name   what its file was called
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from dashboard.services.queries import Upload
from pipeline.files import write_atomic
from pipeline.images import load_rgb
from pipeline.index.publish import read_index
from pipeline.runs.run import Run
from pipeline.settings import Settings
from pipeline.sums import remove

VERSION = "1"
_SHORT, _SHA256 = re.compile(r"up:([0-9a-f]{12})"), re.compile(r"[0-9a-f]{64}")
_PRINT = re.compile(r"[0-9a-f]*(\.\w+\.\d+(\.[0-9a-f]{6}\.[0-9a-f]{6})?)?")
_VERSION, _PARTS = re.compile(r"v[0-9]+"), 5  # of the fingerprint of one run
_NAME = ".name"
Value = object


@dataclass(frozen=True)
class SavedQuery:
    """An uploaded query in the library: its link name, and what its file was called."""

    ref: str
    name: str


def fingerprint(*searched: tuple[str, Run | None]) -> str:
    """What was searched, for example `3f2a91c0.v2.1492.77aa01.0c55de`.

    That is data, version and size of the index, what the run was asked for, and its training. Older
    links end with the size; those without a run are of the data alone.

    Args:
        searched: fingerprint of the data set and each run on screen; None: of no run.
    """
    return "_".join(_fingerprint(*run) for run in searched)


def link(base: str, settings: Mapping[str, Value], searched: str) -> str:
    """Build the address of a page with its settings.

    Args:
        base: scheme, host and path of the page.
        settings: parameter -> value; empty ones are left out, lists are repeated.
        searched: fingerprint of the index.
    """
    given = [(name, value) for name, value in settings.items() if value not in (None, "", [])]
    return f"{base}?{urlencode([*given, ('ix', searched), ('v', VERSION)], doseq=True)}"


def what_changed(linked: str, now: str, effect: str = "results may differ") -> str:
    """What is different since a link was made, as a sentence; empty for nothing.

    Nothing is said about a link of other runs than those on screen.

    Args:
        linked: fingerprint in the link.
        now: of what is on screen.
        effect: what follows from a change.
    """
    if "." not in linked:
        now = now.split(".")[0]
    pairs = list(zip(linked.split("_"), now.split("_"), strict=False))
    if not linked or any(
        _run_asked_for(then) not in ("", _run_asked_for(ours)) for then, ours in pairs
    ):
        return ""
    if linked.count("_") != now.count("_") or not all(_PRINT.fullmatch(then) for then, _ in pairs):
        return "This link was made with another version of HashLens; results may differ."
    changes = [change for then, ours in pairs for change in _changes(then, ours)]
    sentence = " and ".join(dict.fromkeys(changes))
    return f"Since this link was made, {sentence}; {effect}." if sentence else ""


def version_then(linked: str, now: str) -> str:
    """The version of the index that a link was made with, for example `v2`; empty for this one.

    It is empty, too, where the link does not tell: one of several runs, of another training or
    without its mark, or of a run that had no index.
    """
    then, ours = linked.split("."), now.split(".")
    is_same_run = len(then) == len(ours) == _PARTS and then[3:] == ours[3:]
    is_other = is_same_run and then[1] != ours[1] and _VERSION.fullmatch(then[1])
    return then[1] if is_other else ""


def store_query(upload: Upload, settings: Settings) -> Path:
    """Keep an uploaded query under its hash, with the name of its file.

    Raises:
        ImageError: the bytes are not a usable image.
        OSError: it cannot be stored.
    """
    load_rgb(upload.content)
    path = _folder(settings) / upload.sha256
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path.with_suffix(_NAME), upload.name)
    write_atomic(path, upload.content)
    return path


def saved_queries(settings: Settings) -> list[SavedQuery]:
    """The uploaded queries in the library, newest first."""
    paths = [path for path in _folder(settings).glob("*") if _SHA256.fullmatch(path.name)]
    paths.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
    return [SavedQuery(f"up:{path.name[:12]}", _name(path)) for path in paths]


def remove_query(ref: str, settings: Settings) -> None:
    """Remove an uploaded query from the library; its links then ask for the image.

    Its name goes first: as long as the image is there, it can be removed again after a kill.

    Raises:
        OSError: the library cannot be written.
    """
    for path in _paths(ref, settings):
        remove(path.with_suffix(_NAME))
        remove(path)


def stored_query(ref: str, settings: Settings) -> Upload | None:
    """The upload that a link name means; None when it was never stored, or is damaged."""
    for path in _paths(ref, settings):
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() == path.name:
            return Upload(_name(path), content)
    return None


def _fingerprint(dataset_fingerprint: str, run: Run | None) -> str:
    if run is None:
        return dataset_fingerprint[:8]
    record = read_index(run)
    index = f"{record.collection.rsplit('__', 1)[-1]}.{record.count}" if record else "file.0"
    trained = hashlib.sha256(run.id.encode()).hexdigest()
    return f"{dataset_fingerprint[:8]}.{index}.{run.spec.digest[:6]}.{trained[:6]}"


def _run_asked_for(fingerprint: str) -> str:
    """The part of a fingerprint that tells runs of different specs apart; empty in older ones."""
    return "".join(fingerprint.split(".")[3:4])


def _changes(then: str, now: str) -> list[str]:
    """What differs between two fingerprints of one run, as far as the first one goes."""
    (data_then, *run_then), (data_now, *run_now) = then.split("."), now.split(".")
    changes = ["the content of the data set has changed"] if data_then != data_now else []
    if not run_then:
        return changes
    if len(run_then) > 2 and run_then[3:] != run_now[3:]:
        changes.append("the run was trained again")
    (version_then, count_then), (version_now, count_now) = run_then[:2], run_now[:2]
    if "file" in (version_then, version_now):
        is_same = version_then == version_now
        return changes if is_same else [*changes, "the run has been published or unpublished"]
    if version_then != version_now:
        changes.append(f"the index was built again ({version_then} then, {version_now} now)")
    if more := int(count_now) - int(count_then):
        changes.append(f"it holds {abs(more):,} {'more' if more > 0 else 'fewer'} images")
    return changes


def _name(path: Path) -> str:
    try:
        return path.with_suffix(_NAME).read_text("utf-8")
    except (OSError, ValueError):
        return "saved query"


def _paths(ref: str, settings: Settings) -> list[Path]:
    match = _SHORT.fullmatch(ref)
    matching = _folder(settings).glob(f"{match[1]}*") if match else ()
    return sorted(path for path in matching if _SHA256.fullmatch(path.name))


def _folder(settings: Settings) -> Path:
    return settings.home / "queries"
