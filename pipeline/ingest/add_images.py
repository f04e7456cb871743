"""Adding images to a data set: old rows stay where they are, so runs and indexes stay valid."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipeline.datasets.dataset import (
    DatasetError,
    DatasetInfo,
    LabelSet,
    RetrievalDataset,
    load_dataset,
)
from pipeline.datasets.manifest import content_fingerprint
from pipeline.datasets.problems import Problem, read_problems, write_problems
from pipeline.datasets.split_choice import SplitChoice
from pipeline.decoding.value_range import ValueRange
from pipeline.files import check_room, write_atomic
from pipeline.ingest.description import describe, label_sets
from pipeline.ingest.ingest import ingest_items, one_at_a_time
from pipeline.ingest.journal import Row
from pipeline.ingest.source import Kind, Source
from pipeline.progress import Progress, ignore_progress
from pipeline.settings import Settings
from pipeline.sums import swap_in


def add_images(
    name: str, source: Source, settings: Settings, on_progress: Progress = ignore_progress
) -> RetrievalDataset:
    """Append the images of a source that a data set does not have yet.

    All or nothing: one replaced file, dataset.json, switches to the new manifest. Images of a
    stopped addition stay in the folder unseen and are used by the next. New images keep the split
    that their source gives, else they join the database.

    Args:
        name: name of the data set.
        source: source with the same label sets; new classes are welcome, labels of known images
            stay and are listed where they differ.
        settings: say where the library is.
        on_progress: called with images done and images in all.

    Raises:
        DatasetError: no such data set, other label sets, or no image is new.
        OSError: the disk has no room.
    """
    dataset = load_dataset(name, settings)
    _check_label_sets(dataset, source.kinds)
    work = settings.datasets_path / f".{name}.adding"
    with one_at_a_time(name, settings):
        shutil.rmtree(work, ignore_errors=True)
        check_room(dataset.folder, sum(item.size for item in source.items))
        work.mkdir()
        try:
            return _add(dataset, source, work, settings, on_progress)
        finally:
            shutil.rmtree(work, ignore_errors=True)


@dataclass(frozen=True)
class Growth:
    """Changes that adding images to a data set would make.

    Attributes:
        new: rows of the images that it does not have.
        kinds: kinds of the label sets afterwards.
        relabelled: images that it has with other labels, which stay as they are.
        warnings: other ways in which the images do not fit those that are there.
    """

    new: pd.DataFrame
    kinds: dict[str, Kind]
    relabelled: list[Problem]
    warnings: list[str]


def compare(dataset: RetrievalDataset, rows: pd.DataFrame, kinds: dict[str, Kind]) -> Growth:
    """Compare images that are to be added with those that are there, by content and labels.

    Args:
        dataset: data set to add to.
        rows: rows as in a manifest.
        kinds: kinds of the label sets of these rows.

    Raises:
        DatasetError: the label sets are others.
    """
    _check_label_sets(dataset, kinds)
    lacking = {f"labels:{labels.name}" for labels in dataset.info.label_sets} - {*rows.columns}
    for name in lacking:  # labels that came after the import; the new images have none
        rows = rows.assign(**{name: pd.Series([[]] * len(rows), rows.index, dtype=object)})
    is_known = rows["sha256"].isin(set(dataset.manifest["sha256"]))
    new = rows[~is_known]
    after = {labels.name: labels.kind for labels in dataset.info.label_sets}
    warnings = []
    for labels in dataset.info.label_sets:
        column = new[f"labels:{labels.name}"]
        n_several = sum(len(names) > 1 for names in column)
        if labels.kind == "single" and n_several:
            after[labels.name] = "multi"
            warnings.append(
                f"label set {labels.name!r} becomes multi-label: new images with several labels: "
                f"{n_several:,}"
            )
        classes = {name for names in column for name in names}
        warnings += _class_warnings(dataset.info.name, labels, classes)
    if (new["split"] != "").any() and not (dataset.manifest["split"] != "").any():
        warnings.append(
            "the new images have parts of a split and those of the data set have none: "
            "the split stays as it is drawn"
        )
    return Growth(new, after, _relabelled(dataset, rows[is_known]), warnings)


def _class_warnings(name: str, labels: LabelSet, classes: set[str]) -> list[str]:
    """What is odd about the classes of new images beside those of a label set."""
    if classes and classes.isdisjoint(labels.classes):
        return [
            f"label set {labels.name!r}: no class of the new images ({_some(classes)}) is one "
            f"of {name!r} ({_some(labels.classes)})"
        ]
    known = {known.casefold(): known for known in labels.classes}
    alike = {label: known[label.casefold()] for label in classes if label.casefold() in known}
    odd = sorted(f"{label} beside {known}" for label, known in alike.items() if label != known)
    return [f"label set {labels.name!r}: classes that differ in case: {_some(odd)}"] if odd else []


def _check_label_sets(dataset: RetrievalDataset, kinds: dict[str, Kind]) -> None:
    names = {labels.name for labels in dataset.info.label_sets}
    later = names - {labels.name for labels in dataset.info.imported_labels}
    if set(kinds) | later != names:
        raise DatasetError(
            f"{dataset.info.name!r} has the label sets {sorted(names)}, the new images "
            f"{sorted(kinds)}; they must be the same"
        )


def _relabelled(dataset: RetrievalDataset, known: pd.DataFrame) -> list[Problem]:
    """A line for each known image that now has other labels or another part of the split."""
    old = dataset.manifest.set_index("sha256")
    problems = []
    for row in known.to_dict("records"):
        was = old.loc[row["sha256"]]
        if row["split"] and row["split"] != was["split"]:
            reason = (
                f"already here as {was['image_id']} in another part of the split "
                f"({was['split'] or 'none'}; now {row['split']}); kept as here"
            )
            problems.append(Problem(row["image_id"], reason, "noted", "relabelled"))
        for labels in dataset.info.label_sets:
            column = f"labels:{labels.name}"
            before, now = sorted(was[column]), sorted(row[column])
            if before != now and (now or not labels.came_later):
                reason = (
                    f"already here as {was['image_id']} with other {labels.name} labels "
                    f"({', '.join(before) or 'none'}; now {', '.join(now) or 'none'}); kept as here"
                )
                problems.append(Problem(row["image_id"], reason, "noted", "relabelled"))
    return problems


def _some(names: Iterable[str]) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:3]) + (", ..." if len(ordered) > 3 else "")


def _add(
    dataset: RetrievalDataset,
    source: Source,
    work: Path,
    settings: Settings,
    on_progress: Progress,
) -> RetrievalDataset:
    rows = list(ingest_items(source, work, False, settings.threads, on_progress))
    known = _known_ranges(dataset, rows)
    facts, added, problems = describe(source, rows, SplitChoice(), known or ())
    ranges = None if known is None else facts.value_ranges
    growth = compare(dataset, added, source.kinds)
    announced = [Problem(source.title, text, "noted") for text in growth.warnings]
    problems = [*problems, *growth.relabelled, *announced]
    if growth.new.empty:
        _note(dataset, growth.relabelled)
        raise DatasetError(
            f"no image of {source.title} is new to {dataset.info.name!r}; those with other labels "
            f"there: {len(growth.relabelled)}, which stay and are listed in problems.csv"
        )
    is_taken = growth.new["image_id"].isin(set(dataset.manifest["image_id"]))
    own_names = growth.new["image_id"]
    added = growth.new.assign(
        image_id=own_names.where(~is_taken, source.name + ":" + own_names),
        split=growth.new["split"].where(growth.new["split"] != "", _default_split(dataset)),
    )
    grown = pd.concat([dataset.manifest, added], ignore_index=True)
    grown = grown.assign(numbers=grown["numbers"].fillna(""))  # missing in old manifests
    for path in added["path"]:
        target = dataset.folder / "images" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        (work / "images" / path).replace(target)
    commit_manifest(dataset, grown, _with_kinds(dataset, growth.kinds, grown), ranges)
    _note(dataset, problems)
    return load_dataset(dataset.info.name, settings)


def _note(dataset: RetrievalDataset, problems: Sequence[Problem]) -> None:
    """Add lines to problems.csv, each once however often images are added."""
    path = dataset.folder / "problems.csv"
    old = read_problems(path)
    write_problems(path, list(dict.fromkeys([*old, *problems])))


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


def _with_kinds(
    dataset: RetrievalDataset, kinds: dict[str, Kind], grown: pd.DataFrame
) -> tuple[LabelSet, ...]:
    """The label sets with the classes of a grown manifest; how splits are drawn stays."""
    known = {labels.name: labels for labels in dataset.info.label_sets}
    return tuple(
        known[now.name].model_copy(update={"kind": now.kind, "classes": now.classes})
        for now in label_sets(kinds, grown)
    )


def commit_manifest(
    dataset: RetrievalDataset,
    grown: pd.DataFrame,
    labels: tuple[LabelSet, ...],
    ranges: tuple[ValueRange, ...] | None,
) -> None:
    """Write a new manifest beside the old, then point to it; the one before that goes.

    Args:
        dataset: data set to change.
        grown: manifest with more rows or label sets; the old rows come first.
        labels: its label sets.
        ranges: value ranges, as in `DatasetInfo`.
    """
    info, fingerprint = dataset.info, content_fingerprint(grown)
    file = f"manifest-{fingerprint[:12]}.parquet"
    partial = dataset.folder / f".{file}.tmp"
    grown.to_parquet(partial, index=False)
    swap_in(partial, dataset.folder / file)
    changed = info.model_copy(
        update={
            "manifest": file,
            "n": len(grown),
            "fingerprint": fingerprint,
            "label_sets": labels,
            "value_ranges": ranges,
            "grown_from": (*info.grown_from, (info.fingerprint, info.n)),
        }
    )
    checked = DatasetInfo.model_validate(changed.model_dump())
    write_atomic(dataset.folder / "dataset.json", checked.model_dump_json(indent=2) + "\n")
    for path in dataset.folder.glob("manifest*.parquet"):
        if path.name not in (file, info.manifest):  # readers may be at the last one still
            path.unlink()
