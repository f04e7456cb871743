"""CIFAR-10, with a stand-in for torchvision's reader and for the network."""

import urllib.error
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.datasets.base import DatasetError
from pipeline.datasets.importing import import_dataset
from pipeline.datasets.sources import SourceRequest
from pipeline.datasets.sources.cifar10 import open_source
from pipeline.datasets.split import make_split
from pipeline.protocols import PROTOCOLS

CLASSES = ["airplane", "automobile", "bird"]


def factory(root, *, train, download):
    """A part of 30 or 9 images that looks as torchvision's does."""
    assert download
    n = 30 if train else 9
    pixels = np.random.default_rng(train).integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
    return SimpleNamespace(data=pixels, targets=[i % 3 for i in range(n)], classes=CLASSES)


def test_pixels_labels_and_parts_are_kept(tmp_path, settings):
    source = open_source(SourceRequest(downloads=tmp_path / "downloads"), factory)

    dataset = import_dataset(source, settings)

    assert (dataset.info.name, len(dataset)) == ("cifar10", 39)
    assert dataset.info.default_protocol == "cifar10-59k"
    assert list(dataset.label_set().classes) == CLASSES
    assert dataset.manifest["image_id"].iloc[30] == "test/00000"
    pixels = factory("", train=False, download=True).data
    assert np.array_equal(np.asarray(dataset.load_image(31)), pixels[1])
    split = make_split(dataset, PROTOCOLS["cifar10-50k-full"], dataset.label_set(), seed=0)
    assert split.query.tolist() == list(range(30, 39))
    assert split.train.tolist() == list(range(30))


def test_under_another_name_the_default_protocol_is_one_that_fits(tmp_path, settings):
    """The cifar10 protocols are for the data set of that name only."""
    source = open_source(SourceRequest(name="mine", downloads=tmp_path), factory)

    dataset = import_dataset(source, settings)

    protocol = PROTOCOLS[dataset.info.default_protocol]
    assert len(make_split(dataset, protocol, dataset.label_set(), seed=0).query) == 9


@pytest.mark.parametrize(
    "failure",
    [urllib.error.URLError("no route to host"), RuntimeError("Dataset not found or corrupted.")],
)
def test_without_a_network_the_error_says_what_to_do(tmp_path, failure):
    def fail(*_args, **_options):
        raise failure

    with pytest.raises(DatasetError) as error:
        open_source(SourceRequest(downloads=tmp_path / "downloads"), fail)

    message = str(error.value)
    assert "Go online once, put cifar-10-python.tar.gz into" in message
    assert str(tmp_path / "downloads") in message
    assert "datasets import openmoji" in message
