"""describe(): facts, manifest and problems of a source whose images were checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from pipeline.datasets.dataset import (
    DatasetError,
    DatasetInfo,
    LabelSet,
    RetrievalDataset,
)
from pipeline.datasets.manifest import content_fingerprint
from pipeline.datasets.problems import Problem, reasons_in_words
from pipeline.datasets.split_choice import SplitChoice, chosen_split
from pipeline.decoding.value_range import ValueRange
from pipeline.ingest.journal import Row
from pipeline.ingest.scaling import conversions, ranges_of
from pipeline.ingest.source import Item, Kind, Source


def describe(
    source: Source, rows: Sequence[Row], split: SplitChoice, known: Sequence[ValueRange] = ()
) -> tuple[DatasetInfo, pd.DataFrame, list[Problem]]:
    """Facts, manifest and problems of a source whose items gave these rows.

    Args:
        source: source of the items.
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
