"""The optional real sets, unpacked as folders, tables and COCO JSON, give equal manifests."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.source import Source
from pipeline.ingest.sources import SourceRequest, open_source
from pipeline.settings import Settings
from tests.layout_writers import ANY, SINGLE, Picture, Writer
from tests.shared_sets import open_shared

N_IMAGES = 240  # of each set, evenly spread; enough to have every class of the small ones


def sample(source: Source) -> list[Picture]:
    """Images with their own bytes, under new names; train and test only."""
    items = source.items[:: max(1, len(source.items) // N_IMAGES)]
    return [
        Picture(
            f"{number:05d}.jpg",
            item.read(),
            item.labels["class"],
            "test" if item.split == "query" else "train",
        )
        for number, item in enumerate(items)
    ]


def manifest_of(path: Path, home: Path) -> pd.DataFrame:
    """Content, size, labels and part of every image, by content."""
    source = open_source("folder", SourceRequest(name="set", path=path))
    dataset = import_dataset(source, Settings(home=home))
    assert not dataset.info.n_problems
    assert dataset.info.default_protocol == "given"
    labels = dataset.label_names(dataset.label_set())
    own = dataset.manifest[["sha256", "width", "height", "split"]]
    return own.assign(labels=[tuple(sorted(n)) for n in labels]).sort_values(
        "sha256", ignore_index=True
    )


@pytest.mark.shared
@pytest.mark.parametrize("name", ["cifar10-lossless", "caltech99", "coco18"])
def test_every_layout_of_a_real_set_gives_the_same_manifest(tmp_path: Path, name: str) -> None:
    source = open_shared(name)
    assert source is not None
    some = sample(source)
    writers: dict[str, Writer] = {
        key: ANY[key][1] for key in ("csv", "one-hot", "parquet with images", "coco")
    }
    if name != "coco18":
        writers["class folders"] = SINGLE["class folders"][1]

    found = {
        key: manifest_of(write(tmp_path / key / "set", some), tmp_path / key / "home")
        for key, write in writers.items()
    }

    expected = sorted(
        (
            hashlib.sha256(one.content).hexdigest(),
            "query" if one.part == "test" else "train",
            tuple(sorted(one.classes)),
        )
        for one in some
    )
    first = found["csv"]
    assert list(zip(first["sha256"], first["split"], first["labels"], strict=True)) == expected
    for other in found.values():
        pd.testing.assert_frame_equal(other, first)
