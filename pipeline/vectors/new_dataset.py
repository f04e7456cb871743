"""A data set made of vectors: rows with ids, labels and splits, and without pictures."""

from __future__ import annotations

import hashlib
import shutil
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.dataset import DatasetError, RetrievalDataset
from pipeline.datasets.problems import write_problems
from pipeline.datasets.split_choice import SplitChoice
from pipeline.ingest.description import describe
from pipeline.ingest.ingest import check_name, one_at_a_time
from pipeline.ingest.journal import Row, new_row
from pipeline.ingest.layouts.cells import Labelling, read_labels
from pipeline.ingest.source import Item, Kind, Source
from pipeline.settings import Settings
from pipeline.sums import note_sums
from pipeline.vectors.choosing import Chosen
from pipeline.vectors.matching import check_distinct
from pipeline.vectors.request import VectorsRequest
from pipeline.wording import plural

_Split = Literal["", "query", "database", "train"]


def as_dataset(
    request: VectorsRequest, chosen: Chosen, rows: NDArray[np.float32], settings: Settings
) -> RetrievalDataset:
    """The data set of some vectors, not stored yet.

    Args:
        request: gives its name.
        chosen: ids, labels and splits.
        rows: (n, d) the vectors.
        settings: say where the library is.

    Raises:
        DatasetError: the name is taken or not usable, or ids occur twice.
    """
    check_name(request.dataset)
    folder = settings.datasets_path / request.dataset
    if folder.exists():
        raise DatasetError(
            f"a data set {request.dataset!r} is here already; leave out --new to import vectors of "
            "its images, or choose another name"
        )
    width = len(str(len(rows) - 1))
    ids = chosen.ids or [f"{number:0{width}d}" for number in range(len(rows))]
    check_distinct(ids)
    labelling = _labelling(chosen)
    kinds: dict[str, Kind] = {}
    if labelling is not None:
        kinds = {chosen.label_name: "multi" if labelling.is_multi else "single"}
    items, made = [], []
    for number, name in enumerate(ids):
        labels = {} if labelling is None else {chosen.label_name: labelling.names[number]}
        split = cast(_Split, chosen.splits[number] if chosen.splits else "")
        items.append(Item(name, _no_bytes, labels, split=split))
        made.append(_row(name, rows[number]))
    source = Source(
        name=request.dataset,
        title=request.dataset,
        summary=f"{plural(len(rows), 'vector')} without pictures, of {request.source}",
        licence="not stated",
        attribution="",
        kinds=kinds,
        items=items,
        identity="",
    )
    info, manifest, _ = describe(source, made, SplitChoice())
    return RetrievalDataset(info, manifest, folder)


def store_dataset(dataset: RetrievalDataset, settings: Settings) -> None:
    """Put a data set into the library, whole or not at all.

    Raises:
        DatasetError: one of its name has come meanwhile.
    """
    settings.datasets_path.mkdir(parents=True, exist_ok=True)
    name = dataset.info.name
    work = settings.datasets_path / f".{name}.part"
    with one_at_a_time(name, settings):
        if dataset.folder.exists():
            raise DatasetError(f"a data set {name!r} is here already")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        dataset.manifest.to_parquet(work / dataset.info.manifest, index=False)
        write_problems(work / "problems.csv", [])
        facts = dataset.info.model_dump_json(indent=2) + "\n"
        (work / "dataset.json").write_text(facts, encoding="utf-8")
        note_sums(work)
        work.rename(dataset.folder)


def _labelling(chosen: Chosen) -> Labelling | None:
    return None if chosen.labels is None else read_labels(chosen.labels, chosen.label_name)


def _row(name: str, vector: NDArray[np.float32]) -> Row:
    row = new_row(name)
    row["sha256"] = hashlib.sha256(f"{name}\0".encode() + vector.tobytes()).hexdigest()
    return row


def _no_bytes() -> bytes:
    raise OSError("a vector has no picture")
