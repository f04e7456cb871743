"""Import a source into the library: resumable, all or nothing, every refused file with a reason."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from filelock import FileLock, Timeout

from pipeline.datasets.dataset import (
    NAME_PATTERN,
    DatasetError,
    DatasetInfo,
    LabelSet,
    RetrievalDataset,
    content_fingerprint,
    list_datasets,
    load_dataset,
)
from pipeline.datasets.problems import Problem, reasons_in_words, write_problems
from pipeline.datasets.split_choice import SplitChoice, chosen_split
from pipeline.decoding.value_range import ValueRange
from pipeline.files import check_room, write_atomic
from pipeline.images import Decoded, ImageError, decode
from pipeline.ingest.journal import Row, new_row, read_journal
from pipeline.ingest.scaling import conversions, ranges_of
from pipeline.ingest.source import Item, Kind, Source
from pipeline.progress import Progress, ignore_progress
from pipeline.settings import Settings


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
    kill the library is as before, and the same call goes on where it stopped.

    Args:
        source: what to import.
        settings: where the library is.
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
        rows = list(ingest_items(source, work, link, on_progress))
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
        DatasetError: with the rule.
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
    found = (info.name for info in list_datasets(settings) if info.fingerprint == fingerprint)
    return next(found, "")


def _refuse_twin(identity: str, settings: Settings) -> None:
    """The quick look: something made from the very same files."""
    for info in list_datasets(settings):
        mark = settings.datasets_path / info.name / "identity.txt"
        if mark.is_file() and mark.read_text(encoding="utf-8") == identity:
            raise DatasetError(_TWIN.format(info.name))


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


def ingest_items(
    source: Source, work: Path, link: bool, on_progress: Progress = ignore_progress
) -> Iterator[Row]:
    """Journal rows of all items, in order, taking only those that the journal has not as taken.

    Args:
        source: whose items.
        work: folder of the journal and of the images taken.
        link: as for `import_dataset`.
        on_progress: called with images done and images in all.
    """
    journaled = read_journal(work / "journal.jsonl")
    done = {  # others, and those of a version that did not measure wide images: try again
        row["image_id"]: row for row in journaled if not row["problem"] and "extent" in row
    }
    item_of = {item.image_id: item for item in source.items} if done else {}
    first_of = {row["sha256"]: item_of[name] for name, row in done.items() if name in item_of}
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


def check_image(item: Item, first_of: dict[str, Item]) -> tuple[Row, bytes, Decoded | None]:
    """Read and check one image, storing nothing.

    Args:
        item: to look at.
        first_of: the first item with each content; this one is added when it is taken.

    Returns:
        Its row, its bytes, and the decoded image; None when it is not taken.
    """
    row = new_row(item.image_id)
    try:
        content = item.read()
        decoded = decode(content)
    except (ImageError, OSError) as error:
        row["problem"] = str(error)
        return row, b"", None
    sha256 = hashlib.sha256(content).hexdigest()
    first = first_of.setdefault(sha256, item)
    if first is not item:
        difference, row["kind"] = _difference(first, item)
        row["problem"] = f"same content as {first.image_id}{difference}; kept once"
        return row, content, None
    row["sha256"], row["note"] = sha256, ", ".join(decoded.notes)
    row["width"], row["height"] = decoded.rgb.size
    row["extent"] = decoded.scaling.extent if decoded.scaling else None
    return row, content, decoded


def _difference(first: Item, second: Item) -> tuple[str, str]:
    """What to know about two files with the same content, and their kind of problem."""
    parts = {first.split, second.split} - {""}
    is_leak = "query" in parts and len(parts) > 1
    is_conflict = first.labels != second.labels
    text = f" (leak: {first.split} and {second.split})" if is_leak else ""
    text += " with other labels" if is_conflict else ""
    kind = "duplicate" + (" leak" if is_leak else "") + (" conflict" if is_conflict else "")
    return text, kind


def _take(item: Item, work: Path, link: bool, first_of: dict[str, Item]) -> Row:
    """Check, store and describe one image, or say why not."""
    row, content, decoded = check_image(item, first_of)
    if decoded is None:
        return row
    if link and item.path is not None:
        row["path"] = str(item.path.resolve())
    else:
        row["path"] = f"{row['sha256'][:2]}/{row['sha256']}{decoded.suffix}"
        target = work / "images" / row["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)  # torn by a kill: not in the journal, so written again
    return row


def _finish(source: Source, rows: Sequence[Row], work: Path, split: SplitChoice) -> DatasetInfo:
    """Write manifest, problems and facts into the work folder."""
    info, manifest, problems = describe(source, rows, split)
    manifest.to_parquet(work / "manifest.parquet", index=False)
    write_problems(work / "problems.csv", problems)
    (work / "dataset.json").write_text(info.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (work / "journal.jsonl").unlink()
    return info


def describe(
    source: Source, rows: Sequence[Row], split: SplitChoice, known: Sequence[ValueRange] = ()
) -> tuple[DatasetInfo, pd.DataFrame, list[Problem]]:
    """Facts, manifest and problems of a source whose items gave these rows.

    Args:
        source: of the items.
        rows: one for each of its items.
        split: how it is split.
        known: ranges of wide images that the data set has already.

    Raises:
        DatasetError: no image could be taken, or the split does not fit.
    """
    taken = [(item, row) for item, row in zip(source.items, rows, strict=True) if row["sha256"]]
    refused = [
        Problem(row["image_id"], row["problem"], kind=row["kind"]) for row in rows if row["problem"]
    ]
    ranges = ranges_of(rows, known)
    converted = [
        Problem(row["image_id"], note, "converted")
        for item, row in taken
        if (note := conversions(item, row, ranges))
    ]
    problems = [*source.problems, *refused, *converted]
    if not taken:
        raise DatasetError(
            f"no image of {source.title} could be taken: {reasons_in_words(problems)}"
        )
    manifest = _manifest(source, taken)
    info = DatasetInfo(
        name=source.name,
        title=source.title,
        summary=source.summary,
        licence=source.licence,
        attribution=source.attribution,
        default_protocol=source.default_protocol,
        label_sets=tuple(label_sets(source.kinds, manifest)),
        n=len(manifest),
        n_problems=sum(problem.action == "skipped" for problem in problems),
        fingerprint="",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        value_ranges=ranges,
    )
    made = chosen_split(RetrievalDataset(info, manifest, Path()), split)
    manifest = manifest.assign(split=made.column)
    changes = {"fingerprint": content_fingerprint(manifest), **made.facts}
    return info.model_copy(update=changes), manifest, problems


def _manifest(source: Source, taken: Sequence[tuple[Item, Row]]) -> pd.DataFrame:
    records = []
    for item, row in taken:
        record: dict[str, object] = {
            "image_id": item.image_id,
            "sha256": row["sha256"],
            "path": row["path"],
            "width": row["width"],
            "height": row["height"],
            "numbers": row["extent"][0] if row["extent"] else "",
            "text": item.text,
            "group": item.group or item.image_id,
            "split": item.split,
        }
        for name in source.kinds:
            record[f"labels:{name}"] = list(item.labels.get(name, ()))
        records.append(record)
    return pd.DataFrame.from_records(records)


def label_sets(kinds: dict[str, Kind], manifest: pd.DataFrame) -> Iterator[LabelSet]:
    """The label sets of a manifest, with the classes that occur."""
    for name, kind in kinds.items():
        classes = sorted({label for labels in manifest[f"labels:{name}"] for label in labels})
        yield LabelSet(name=name, kind=kind, classes=tuple(classes))
