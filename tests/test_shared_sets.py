"""The optional real image sets open as sources, where they are there."""

from collections import Counter

import pytest

from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.source import Source
from tests.shared_sets import open_shared


@pytest.mark.shared
def test_the_lossless_photographs_come_with_their_classes_and_split(settings):
    source = open_shared("cifar10-lossless")
    assert source is not None

    classes = Counter(item.labels["class"][0] for item in source.items)
    splits = Counter(item.split for item in source.items)
    few = Source(**{**vars(source), "items": source.items[::500]})
    dataset = import_dataset(few, settings)

    assert len(classes) == 10
    assert splits == {"train": 4000, "query": 1000}
    assert dataset.load_image(0).size == (32, 32)
    assert dataset.info.n_problems == 0
