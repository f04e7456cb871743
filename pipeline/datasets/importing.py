"""Import a source into the library: resumable, all or nothing, every refused file with a reason."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypedDict

import pandas as pd
from filelock import FileLock, Timeout

from pipeline.datasets.base import (
    NAME_PATTERN,
    DatasetError,
    DatasetInfo,
    LabelSet,
    RetrievalDataset,
    content_fingerprint,
    load_dataset,
)
from pipeline.files import write_atomic
from pipeline.images import ImageError, load_rgb
from pipeline.settings import Settings

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Item:
    """One image of a source; its bytes are read when they are needed."""

    image_id: str
    read: Callable[[], bytes]
    labels: dict[str, tuple[str, ...]]
    suffix: str
    text: str = ""
    group: str = ""
    split: Literal["", "query", "database", "train"] = ""
    path: Path | None = None  # set when the image may be linked instead of copied


@dataclass(frozen=True)
class Source:
    """Something that can be imported.

    Attributes:
        kinds: label-set name -> whether images carry one or several labels, in display order.
        items: all images; cheap to hold, since bytes are read lazily.
        identity: digest of what the items are made from; a half-done import of another identity
            is thrown away.
    """

    name: str
    title: str
    summary: str
    licence: str
    attribution: str
    kinds: dict[str, Literal["single", "multi"]]
    items: Sequence[Item]
    identity: str
    default_protocol: str = "holdout"
    problems: list[tuple[str, str]] = field(default_factory=list)


class Row(TypedDict):
    """One line of the journal: a taken image, or a problem when `problem` is not empty."""

    image_id: str
    problem: str
    sha256: str
    path: str
    width: int
    height: int


def ignore_progress(_done: int, _total: int) -> None:
    """The progress callback that does nothing."""


def import_dataset(
    source: Source,
    settings: Settings,
    *,
    link: bool = False,
    on_progress: Progress = ignore_progress,
) -> RetrievalDataset:
    """Import `source`, or return the data set when the same content is already there.

    Works in a hidden folder that is renamed at the end, with a journal of what is done: after a
    kill the library is as before, and the same call goes on where it stopped.

    Args:
        source: what to import.
        settings: where the library is.
        link: keep references to the files instead of copies, where the source has files.
        on_progress: called with images done and images in all.

    Raises:
        DatasetError: the name is not usable, taken by other content, being imported by another
            process, or no image could be taken.
    """
    if not re.fullmatch(NAME_PATTERN, source.name):
        raise DatasetError(
            f"data set name {source.name!r} must be 1 to 41 of a-z, 0-9, - and _, "
            "starting with a letter or digit"
        )
    settings.datasets_path.mkdir(parents=True, exist_ok=True)
    final = settings.datasets_path / source.name
    work = settings.datasets_path / f".{source.name}.part"
    identity = f"{source.identity}{'-linked' if link else ''}"
    try:
        with FileLock(settings.datasets_path / f".{source.name}.lock", timeout=0):
            if final.exists():
                return _already_there(source.name, identity, settings)
            _prepare(work, identity)
            rows = list(_take_all(source, work, link, on_progress))
            _finish(source, rows, work)
            work.rename(final)
    except Timeout as error:
        raise DatasetError(f"{source.name!r} is being imported by another process") from error
    return load_dataset(source.name, settings)


def _already_there(name: str, identity: str, settings: Settings) -> RetrievalDataset:
    dataset = load_dataset(name, settings)
    if (dataset.folder / "identity.txt").read_text(encoding="utf-8") != identity:
        raise DatasetError(
            f"a data set {name!r} with other content exists; choose another --name, "
            f"or delete it first: python -m pipeline datasets delete {name}"
        )
    return dataset


def _prepare(work: Path, identity: str) -> None:
    """Keep a half-done import of the same identity, drop any other."""
    mark = work / "identity.txt"
    if work.exists() and not (mark.is_file() and mark.read_text(encoding="utf-8") == identity):
        shutil.rmtree(work)
    work.mkdir(exist_ok=True)
    if not mark.exists():
        write_atomic(mark, identity)


def _take_all(source: Source, work: Path, link: bool, on_progress: Progress) -> Iterator[Row]:
    """Journal rows of all items, in order, taking only those that the journal has not as taken."""
    journaled = _read_journal(work / "journal.jsonl")
    done = {row["image_id"]: row for row in journaled if not row["problem"]}  # others: try again
    first_of = {row["sha256"]: name for name, row in done.items()}
    total = len(source.items)
    with (work / "journal.jsonl").open("a", encoding="utf-8") as journal:
        for number, item in enumerate(source.items, 1):
            row = done.get(item.image_id)
            if row is None:
                row = _take(item, work, link, first_of)
                journal.write(json.dumps(row) + "\n")
                journal.flush()
            on_progress(number, total)
            yield row


def _read_journal(path: Path) -> list[Row]:
    """The complete lines; a last line torn by a kill is cut off the file."""
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        os.truncate(path, len(whole))
    return [json.loads(line) for line in whole.splitlines()]


def _take(item: Item, work: Path, link: bool, first_of: dict[str, str]) -> Row:
    """Check, store and describe one image, or say why not."""
    row = Row(image_id=item.image_id, problem="", sha256="", path="", width=0, height=0)
    try:
        content = item.read()
        image = load_rgb(content)
    except (ImageError, OSError) as error:
        row["problem"] = str(error)
        return row
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 in first_of:
        row["problem"] = f"same content as {first_of[sha256]}; kept once"
        return row
    first_of[sha256] = item.image_id
    row["sha256"], row["width"], row["height"] = sha256, image.width, image.height
    if link and item.path is not None:
        row["path"] = str(item.path.resolve())
    else:
        row["path"] = f"{sha256[:2]}/{sha256}{item.suffix}"
        target = work / "images" / row["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)  # torn by a kill: not in the journal, so written again
    return row


def _finish(source: Source, rows: Sequence[Row], work: Path) -> None:
    """Write manifest, problems and facts into the work folder."""
    taken = [(item, row) for item, row in zip(source.items, rows, strict=True) if row["sha256"]]
    refused = [(row["image_id"], row["problem"]) for row in rows if row["problem"]]
    problems = [*source.problems, *refused]
    if not taken:
        raise DatasetError(f"no image of {source.title} could be taken; first: {problems[:1]}")
    manifest = _manifest(source, taken)
    manifest.to_parquet(work / "manifest.parquet", index=False)
    with (work / "problems.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("file", "reason"), *problems])
    info = DatasetInfo(
        name=source.name,
        title=source.title,
        summary=source.summary,
        licence=source.licence,
        attribution=source.attribution,
        default_protocol=source.default_protocol,
        label_sets=tuple(_label_sets(source, manifest)),
        n=len(manifest),
        n_problems=len(problems),
        fingerprint=content_fingerprint(manifest),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    (work / "dataset.json").write_text(info.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (work / "journal.jsonl").unlink()


def _manifest(source: Source, taken: Sequence[tuple[Item, Row]]) -> pd.DataFrame:
    records = []
    for item, row in taken:
        record: dict[str, object] = {
            "image_id": item.image_id,
            "sha256": row["sha256"],
            "path": row["path"],
            "width": row["width"],
            "height": row["height"],
            "text": item.text,
            "group": item.group or item.image_id,
            "split": item.split,
        }
        for name in source.kinds:
            record[f"labels:{name}"] = list(item.labels.get(name, ()))
        records.append(record)
    return pd.DataFrame.from_records(records)


def _label_sets(source: Source, manifest: pd.DataFrame) -> Iterator[LabelSet]:
    for name, kind in source.kinds.items():
        classes = sorted({label for labels in manifest[f"labels:{name}"] for label in labels})
        yield LabelSet(name=name, kind=kind, classes=tuple(classes))
