"""The optional real image sets beside the checkout, as sources for import; absent ones are None."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pandas as pd
import pyarrow.parquet as pq

from pipeline.ingest.source import Item, Source

ROOT = Path(__file__).resolve().parents[2] / "shared" / "data"
CASES = ROOT.parent / "cases"
NAMES = ("cifar10-lossless", "cifar10-jpeg", "caltech99", "coco18")


def open_shared(name: str) -> Source | None:
    """The set called `name` with its own split, None when it is not there."""
    folder = {
        "cifar10-lossless": "cifar10",
        "cifar10-jpeg": "cifar10",
        "coco18": "coco18_multilabel",
    }.get(name, name)
    if not (ROOT / folder).is_dir():
        return None
    items = {
        "cifar10-lossless": _cifar10_lossless,
        "cifar10-jpeg": _cifar10_jpeg,
        "caltech99": _caltech99,
        "coco18": _coco18,
    }[name](ROOT / folder)
    kind: Literal["single", "multi"] = "multi" if name == "coco18" else "single"
    taken = list(items)
    return Source(
        name=name,
        title=name,
        summary=f"{len(taken):,} images for development.",
        licence="see the README beside the data",
        attribution="",
        kinds={"class": kind},
        items=taken,
        identity=f"{name}:{len(taken)}",
        default_protocol="given",
    )


def _cifar10_lossless(folder: Path) -> Iterator[Item]:
    table = pq.read_table(folder / "lossless_subset" / "cifar10_lossless_5000.parquet")
    for row in table.to_pylist():
        split: Literal["train", "query"] = "train" if row["split"] == "train" else "query"
        yield _item(f"{row['split']}/{row['index']}", row["image"], (row["label_name"],), split)


def _cifar10_jpeg(folder: Path) -> Iterator[Item]:
    """All 60,000: 1,000 queries, 59,000 in the database, of which 5,000 train."""
    parts = pd.read_csv(folder / "labels.csv").set_index(["split", "index"])["protocol1"]
    splits: dict[str, Literal["train", "query", "database"]] = {
        "query": "query",
        "train_db": "train",
        "db": "database",
    }
    for part in ("train", "test"):
        table = pq.read_table(folder / f"cifar10_{part}.parquet")
        for row in table.to_pylist():
            split = splits[parts[row["split"], row["index"]]]
            image_id = f"{row['split']}/{row['index']}"
            yield _item(image_id, row["image"], (row["label_name"],), split)


def _caltech99(folder: Path) -> Iterator[Item]:
    for row in _rows(folder):
        split: Literal["train", "query"] = "query" if row["split"] == "query" else "train"
        yield _item(str(row["id"]), row["image"], (row["label_name"],), split)


def _coco18(folder: Path) -> Iterator[Item]:
    labels = pd.read_csv(folder / "labels.csv", dtype={"id": str}).set_index("id").filter(like="y_")
    names = [column.removeprefix("y_") for column in labels.columns]
    for row in _rows(folder):
        own = labels.loc[str(row["id"])].to_numpy(bool)
        chosen = tuple(name for name, has in zip(names, own, strict=True) if has)
        split: Literal["train", "query", "database"] = (
            "query" if row["split"] == "query" else "train" if row["in_train"] else "database"
        )
        yield _item(str(row["id"]), row["image"], chosen, split)


def _rows(folder: Path) -> Iterator[dict]:
    for path in sorted(folder.glob("images-*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(256):
            yield from batch.to_pylist()


def _item(
    image_id: str,
    content: bytes,
    labels: tuple[str, ...],
    split: Literal["query", "database", "train"],
) -> Item:
    return Item(image_id, lambda: content, {"class": labels}, split=split)
