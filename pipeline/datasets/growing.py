"""Adding images to a data set: old rows stay where they are, so runs and indexes stay valid."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pipeline.datasets.base import (
    DatasetError,
    DatasetInfo,
    RetrievalDataset,
    content_fingerprint,
    load_dataset,
)
from pipeline.datasets.importing import describe, label_sets, one_at_a_time, take_all
from pipeline.datasets.journal import Row
from pipeline.datasets.problems import read_problems, write_problems
from pipeline.datasets.source import Kind, Progress, Source, ignore_progress
from pipeline.datasets.split_choice import SplitChoice
from pipeline.decoding.value_range import ValueRange
from pipeline.files import check_room, write_atomic
from pipeline.settings import Settings


def add_images(
    name: str, source: Source, settings: Settings, on_progress: Progress = ignore_progress
) -> RetrievalDataset:
    """Append the images of a source that a data set does not have yet.

    All or nothing: one replaced file, dataset.json, switches to the new manifest. Images of a
    stopped addition stay in the folder unseen and are used by the next. New images keep the split
    that their source gives, else they join the database.

    Args:
        name: of the data set.
        source: with the same label sets; new classes are welcome.
        settings: where the library is.
        on_progress: called with images done and images in all.

    Raises:
        DatasetError: no such data set, other label sets, or no image is new.
        OSError: the disk has no room.
    """
    dataset = load_dataset(name, settings)
    kinds = {labels.name: labels.kind for labels in dataset.info.label_sets}
    if set(source.kinds) != set(kinds):
        raise DatasetError(
            f"{name!r} has the label sets {sorted(kinds)}, the new images {sorted(source.kinds)}; "
            "they must be the same"
        )
    work = settings.datasets_path / f".{name}.adding"
    with one_at_a_time(name, settings):
        shutil.rmtree(work, ignore_errors=True)
        check_room(dataset.folder, sum(item.size for item in source.items))
        work.mkdir()
        try:
            return _add(dataset, source, kinds, work, settings, on_progress)
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _add(
    dataset: RetrievalDataset,
    source: Source,
    kinds: dict[str, Kind],
    work: Path,
    settings: Settings,
    on_progress: Progress,
) -> RetrievalDataset:
    rows = list(take_all(source, work, False, on_progress))
    known = _known_ranges(dataset, rows)
    facts, added, problems = describe(source, rows, SplitChoice(), known or ())
    ranges = None if known is None else facts.value_ranges
    digests, names = set(dataset.manifest["sha256"]), set(dataset.manifest["image_id"])
    added = added[~added["sha256"].isin(digests)]
    if added.empty:
        raise DatasetError(f"no image of {source.title} is new to {dataset.info.name!r}")
    is_taken = added["image_id"].isin(names)
    added = added.assign(
        image_id=added["image_id"].where(~is_taken, source.name + ":" + added["image_id"]),
        split=added["split"].where(added["split"] != "", _default_split(dataset)),
    )
    grown = pd.concat([dataset.manifest, added], ignore_index=True)
    grown = grown.assign(numbers=grown["numbers"].fillna(""))  # missing in old manifests
    for path in added["path"]:
        target = dataset.folder / "images" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        (work / "images" / path).replace(target)
    _commit(dataset, grown, kinds, ranges)
    old = read_problems(dataset.folder / "problems.csv")
    write_problems(dataset.folder / "problems.csv", [*old, *problems])
    return load_dataset(dataset.info.name, settings)


def _default_split(dataset: RetrievalDataset) -> str:
    """Where images without a split go: nowhere, when the data set has none either."""
    return "database" if (dataset.manifest["split"] != "").any() else ""


def _known_ranges(dataset: RetrievalDataset, rows: Sequence[Row]) -> tuple[ValueRange, ...] | None:
    """The ranges of wide images that a data set has; None when each of them has its own.

    Raises:
        DatasetError: that is so, and wide images would be added by another rule.
    """
    if dataset.info.value_ranges is not None or not any(dataset.scaling):
        return dataset.info.value_ranges or ()
    if any(row["extent"] for row in rows):
        raise DatasetError(
            f"{dataset.info.name!r} was imported by an earlier version, which scaled each image of "
            "more than 8 bits per channel separately; import it again before adding such images"
        )
    return None


def _commit(
    dataset: RetrievalDataset,
    grown: pd.DataFrame,
    kinds: dict[str, Kind],
    ranges: tuple[ValueRange, ...] | None,
) -> None:
    """Write the new manifest beside the old, then point to it; the one before that goes."""
    info, fingerprint = dataset.info, content_fingerprint(grown)
    file = f"manifest-{fingerprint[:12]}.parquet"
    partial = dataset.folder / f".{file}.tmp"
    grown.to_parquet(partial, index=False)
    partial.replace(dataset.folder / file)
    changed = info.model_copy(
        update={
            "manifest": file,
            "n": len(grown),
            "fingerprint": fingerprint,
            "label_sets": tuple(label_sets(kinds, grown)),
            "value_ranges": ranges,
            "grown_from": (*info.grown_from, (info.fingerprint, info.n)),
        }
    )
    checked = DatasetInfo.model_validate(changed.model_dump())
    write_atomic(dataset.folder / "dataset.json", checked.model_dump_json(indent=2) + "\n")
    for path in dataset.folder.glob("manifest*.parquet"):
        if path.name not in (file, info.manifest):  # readers may be at the last one still
            path.unlink()
