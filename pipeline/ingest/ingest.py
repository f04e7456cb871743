"""Import a source into the library: resumable, all or nothing, every refused file with a reason."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.datasets.dataset import (
    NAME_PATTERN,
    DatasetError,
    DatasetInfo,
    RetrievalDataset,
    list_datasets,
    load_dataset,
)
from pipeline.datasets.problems import write_problems
from pipeline.datasets.split_choice import SplitChoice
from pipeline.files import check_room, write_atomic
from pipeline.ingest.checking import Checked, checked_images
from pipeline.ingest.description import describe
from pipeline.ingest.journal import Row, read_journal
from pipeline.ingest.source import Source
from pipeline.progress import Progress, ignore_progress
from pipeline.settings import Settings
from pipeline.sums import note_sums


def import_dataset(
    source: Source,
    settings: Settings,
    *,
    link: bool = False,
    split: SplitChoice = SplitChoice(),
    again: bool = False,
    on_progress: Progress = ignore_progress,
) -> RetrievalDataset:
    """Import `source`, or return the data set when the same content is already there.

    Works in a hidden folder that is renamed at the end, with a journal of what is done: after a
    kill the library is as before, and the same call resumes where it stopped.

    Args:
        source: source to import.
        settings: say where the library is.
        link: keep references to the files instead of copies, where the source has files.
        split: how queries, database and training set are chosen.
        again: import even when the same content is there under another name.
        on_progress: called with images done and images in all.

    Raises:
        DatasetError: the name is not usable, taken by other content, being imported by another
            process, the content is there under another name, the split does not fit, or no image
            could be taken.
        OSError: the disk has no room.
    """
    check_name(source.name)
    settings.datasets_path.mkdir(parents=True, exist_ok=True)
    final = settings.datasets_path / source.name
    work = settings.datasets_path / f".{source.name}.part"
    identity = f"{source.identity}{'-linked' if link else ''}{split.identity}"
    with one_at_a_time(source.name, settings):
        if final.exists():
            return _already_there(source.name, identity, settings)
        if not again:
            _refuse_twin(identity, settings)
        if not link:
            check_room(settings.datasets_path, sum(item.size for item in source.items))
        _prepare(work, identity)
        rows = list(ingest_items(source, work, link, settings.threads, on_progress))
        info = _finish(source, rows, work, split)
        if not again and (twin := same_content_as(info.fingerprint, settings)):
            discard_import(source.name, settings)
            raise DatasetError(_TWIN.format(twin))
        work.rename(final)
    return load_dataset(source.name, settings)


_TWIN = (
    "the same images and labels are already here as {0!r}; nothing was imported. "
    "For a second copy add --again"
)


def check_name(name: str) -> None:
    """Refuse what cannot name a data set.

    Raises:
        DatasetError: the name breaks the rule, which the message states.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise DatasetError(
            f"data set name {name!r} must be 1 to 41 of a-z, 0-9, - and _, "
            "starting with a letter or digit"
        )


@contextmanager
def one_at_a_time(name: str, settings: Settings) -> Iterator[None]:
    """Keep other processes from importing or changing the same data set meanwhile.

    Raises:
        DatasetError: one does already.
    """
    try:
        with FileLock(settings.datasets_path / f".{name}.lock", timeout=0):
            yield
    except Timeout as error:
        raise DatasetError(f"{name!r} is being imported by another process") from error


def discard_import(name: str, settings: Settings) -> None:
    """Remove what a stopped import has left."""
    shutil.rmtree(settings.datasets_path / f".{name}.part", ignore_errors=True)


def same_content_as(fingerprint: str, settings: Settings) -> str:
    """The name of the data set with this content; empty for none."""
    names = (info.name for info in list_datasets(settings) if info.fingerprint == fingerprint)
    return next(names, "")


def _refuse_twin(identity: str, settings: Settings) -> None:
    """Refuse what was made from the very same files, after a quick look."""
    for info in list_datasets(settings):
        mark = settings.datasets_path / info.name / "identity.txt"
        if mark.is_file() and mark.read_text(encoding="utf-8") == identity:
            raise DatasetError(_TWIN.format(info.name))


def _already_there(name: str, identity: str, settings: Settings) -> RetrievalDataset:
    dataset = load_dataset(name, settings)
    mark = dataset.folder / "identity.txt"  # one that is gone leaves the content unknown
    if not mark.is_file() or mark.read_text(encoding="utf-8") != identity:
        raise DatasetError(
            f"a data set {name!r} with other content exists; choose another name, "
            "or delete that data set first"
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


def ingest_items(
    source: Source,
    work: Path,
    link: bool,
    threads: int,
    on_progress: Progress = ignore_progress,
) -> Iterator[Row]:
    """Journal rows of all items, in order, taking only those that the journal has not as taken.

    Args:
        source: whose items.
        work: folder of the journal and of the images taken.
        link: keep references to the files instead of copies, where the source has files.
        threads: that decode.
        on_progress: called with images done and images in all.
    """
    journaled = read_journal(work / "journal.jsonl")
    done = {  # others, and those of a version that did not measure wide images: try again
        row["image_id"]: row for row in journaled if not row["problem"] and "extent" in row
    }
    item_of = {item.image_id: item for item in source.items} if done else {}
    first_of = {row["sha256"]: item_of[name] for name, row in done.items() if name in item_of}
    waiting = (item for item in source.items if item.image_id not in done)
    checked = checked_images(waiting, first_of, threads)
    total = len(source.items)
    with (work / "journal.jsonl").open("a", encoding="utf-8") as journal:
        for number, item in enumerate(source.items, 1):
            row = done.get(item.image_id)
            if row is None:
                row = _take(next(checked), work, link)
                journal.write(json.dumps(row) + "\n")
                journal.flush()
            on_progress(number, total)
            yield row


def _take(checked: Checked, work: Path, link: bool) -> Row:
    """Store one image that is taken; its row."""
    row, path = checked.row, checked.item.path
    if checked.decoded is None:
        return row
    if link and path is not None:
        row["path"] = str(path.resolve())
    else:
        row["path"] = f"{row['sha256'][:2]}/{row['sha256']}{checked.decoded.suffix}"
        target = work / "images" / row["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(checked.content)  # torn by a kill: not in the journal, so written again
    return row


def _finish(source: Source, rows: Sequence[Row], work: Path, split: SplitChoice) -> DatasetInfo:
    """Write manifest, problems and facts into the work folder."""
    info, manifest, problems = describe(source, rows, split)
    manifest.to_parquet(work / "manifest.parquet", index=False)
    write_problems(work / "problems.csv", problems)
    (work / "dataset.json").write_text(info.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (work / "journal.jsonl").unlink()
    note_sums(work)
    return info
