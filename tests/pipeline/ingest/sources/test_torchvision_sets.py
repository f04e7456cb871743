"""Data sets of torchvision, with stand-ins for its readers and for the network."""

import urllib.error
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torchvision

from pipeline.datasets.dataset import DatasetError
from pipeline.datasets.protocols import PROTOCOLS
from pipeline.datasets.split import make_split
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.sources import SourceRequest, list_sources
from pipeline.ingest.sources.torchvision_sets import BUILT_INS, open_source
from tests.factories import png
from tests.layout_writers import put

CLASSES = ["airplane", "automobile", "bird"]


def cifar(root, *, train, download):
    """A part of 30 or 9 images that looks as torchvision's does."""
    assert download
    n = 30 if train else 9
    pixels = np.random.default_rng(train).integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
    return SimpleNamespace(data=pixels, targets=[i % 3 for i in range(n)], classes=CLASSES)


def files(root, part, n=6):
    """Images of a part on disk, different in every part."""
    for i in range(n):
        put(Path(root), f"{part}/{i}.png", png((20 * i, len(part), 200)))
    return [Path(root) / part / f"{i}.png" for i in range(n)]


class Loaded:
    """Flowers102, Food101 and Imagenette: indexable, through a loader."""

    classes = (("airplane", "plane"), "automobile", ("bird",))

    def __init__(self, root, *, split, loader, download, size="full"):
        assert download
        self.paths, self.loader = files(root, split), loader

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        return self.loader(str(self.paths[index])), index % 3


def pets(root, *, split, download):
    return SimpleNamespace(
        _images=files(root, split), _labels=[i % 3 for i in range(6)], classes=CLASSES
    )


def caltech(root, *, download):
    for name in CLASSES:
        for number in (1, 2):
            content = png((len(name) * 9, number, 0))
            put(Path(root), f"101_ObjectCategories/{name}/image_{number:04d}.jpg", content)
    return SimpleNamespace(root=root, categories=CLASSES, y=[0, 0, 1, 1, 2, 2], index=[1, 2] * 3)


def voc(root, *, year, image_set, download):
    assert year == "2007"
    images = files(root, image_set)
    for i in range(6):
        things = "".join(f"<object><name>{name}</name></object>" for name in CLASSES[: 1 + i % 3])
        put(Path(root), f"{image_set}/{i}.xml", f"<annotation>{things}</annotation>")
    annotations = [str(path.with_suffix(".xml")) for path in images]
    return SimpleNamespace(images=[str(path) for path in images], annotations=annotations)


STANDINS = SimpleNamespace(
    CIFAR10=cifar,
    CIFAR100=cifar,
    Caltech101=caltech,
    Flowers102=Loaded,
    OxfordIIITPet=pets,
    Food101=Loaded,
    Imagenette=Loaded,
    VOCDetection=voc,
)


def test_pixels_labels_and_parts_are_kept(tmp_path, settings):
    source = open_source("cifar10", SourceRequest(downloads=tmp_path / "downloads"), STANDINS)

    dataset = import_dataset(source, settings)

    assert (dataset.info.name, len(dataset)) == ("cifar10", 39)
    assert dataset.info.default_protocol == "cifar10-59k"
    assert list(dataset.label_set().classes) == CLASSES
    assert dataset.manifest["image_id"].iloc[30] == "test/00000"
    pixels = cifar("", train=False, download=True).data
    assert np.array_equal(np.asarray(dataset.load_image(31)), pixels[1])
    split = make_split(dataset, PROTOCOLS["cifar10-50k-full"], dataset.label_set(), seed=0)
    assert split.query.tolist() == list(range(30, 39))
    assert split.train.tolist() == list(range(30))


@pytest.mark.parametrize("name", BUILT_INS)
def test_every_built_in_set_is_imported_with_its_parts(tmp_path, settings, name):
    source = open_source(name, SourceRequest(downloads=tmp_path / "downloads"), STANDINS)

    dataset = import_dataset(source, settings)

    parts = {split for split, _ in BUILT_INS[name].parts}
    assert {*dataset.manifest["split"]} == parts
    assert len(dataset) == len(source.items)
    assert set(dataset.label_set().classes) == {*CLASSES}
    assert dataset.label_set().kind == ("multi" if name == "voc2007" else "single")
    assert dataset.info.n_problems == 0
    assert "cite" in dataset.info.licence
    assert name in list_sources()


@pytest.mark.parametrize("name", BUILT_INS)
def test_torchvision_has_what_the_stand_ins_stand_for(name):
    one = BUILT_INS[name]
    factory = getattr(torchvision.datasets, one.factory)
    code = factory.__init__.__code__

    assert {"download", *one.parts[0][1]} <= {*code.co_varnames[: code.co_argcount]}


def test_under_another_name_the_default_protocol_is_one_that_fits(tmp_path, settings):
    """The cifar10 protocols are for the data set of that name only."""
    source = open_source("cifar10", SourceRequest(name="mine", downloads=tmp_path), STANDINS)

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
        open_source(
            "cifar10",
            SourceRequest(downloads=tmp_path / "downloads"),
            SimpleNamespace(CIFAR10=fail),
        )

    message = str(error.value)
    assert "Go online once, put cifar-10-python.tar.gz into" in message
    assert str(tmp_path / "downloads") in message
    assert "or import the built-in openmoji" in message
