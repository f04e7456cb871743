"""Public data sets through torchvision, which downloads them once."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.layouts.voc import read_annotation
from pipeline.ingest.source import Item, Kind, Source
from pipeline.ingest.sources import SourceRequest

_Split = Literal["", "query", "database", "train"]
# A part -> its images, as pixels (h, w, 3) uint8 or files, with their class names.
_Pairs = Callable[[Any], Iterator[tuple[Any, tuple[str, ...]]]]
_USE = "research use"


def _arrays(part: Any) -> Iterator[tuple[Any, tuple[str, ...]]]:
    for pixels, target in zip(part.data, part.targets, strict=True):
        yield pixels, (part.classes[target],)


def _loaded(part: Any) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Parts made with `loader=Path` give their files instead of pixels."""
    for number in range(len(part)):
        path, target = part[number]
        name = part.classes[target]
        yield path, (name if isinstance(name, str) else name[0],)  # some list several names


def _caltech(part: Any) -> Iterator[tuple[Any, tuple[str, ...]]]:
    root = Path(part.root) / "101_ObjectCategories"
    for target, number in zip(part.y, part.index, strict=True):
        name = part.categories[target]
        yield root / name / f"image_{number:04d}.jpg", (name,)


def _pets(part: Any) -> Iterator[tuple[Any, tuple[str, ...]]]:
    # there is no public way to the files; going through pixels would store each as a PNG
    for path, target in zip(part._images, part._labels, strict=True):
        yield path, (part.classes[target],)


def _voc(part: Any) -> Iterator[tuple[Any, tuple[str, ...]]]:
    for path, annotation in zip(part.images, part.annotations, strict=True):
        yield path, read_annotation(Path(annotation).read_bytes())[1]


@dataclass(frozen=True)
class BuiltIn:
    """A data set of torchvision.

    Attributes:
        factory: name of the class in `torchvision.datasets`.
        parts: split of the manifest -> options of the factory for that part.
        pairs: reads a part.
        protocol: the default under its own name.
        archive: file to fetch by hand when there is no network.
    """

    title: str
    sentence: str
    factory: str
    parts: tuple[tuple[_Split, dict[str, Any]], ...]
    pairs: _Pairs
    cite: str
    archive: str
    protocol: str = "given"
    kind: Kind = "single"


_TRAIN_TEST: tuple[tuple[_Split, dict[str, Any]], ...] = (
    ("train", {"train": True}),
    ("query", {"train": False}),
)
_FILES = {"loader": Path}
BUILT_INS = {
    "cifar10": BuiltIn(
        "CIFAR-10",
        "60,000 photographs of 32 x 32 pixels in 10 classes; downloads 163 MB once.",
        "CIFAR10",
        _TRAIN_TEST,
        _arrays,
        "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.",
        "cifar-10-python.tar.gz",
        "cifar10-59k",
    ),
    "cifar100": BuiltIn(
        "CIFAR-100",
        "60,000 photographs of 32 x 32 pixels in 100 classes; downloads 161 MB once.",
        "CIFAR100",
        _TRAIN_TEST,
        _arrays,
        "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.",
        "cifar-100-python.tar.gz",
    ),
    "caltech101": BuiltIn(
        "Caltech-101",
        "8,677 photographs in 101 classes; downloads 132 MB once.",
        "Caltech101",
        (("", {}),),
        _caltech,
        "L. Fei-Fei, R. Fergus, P. Perona, Caltech 101, 2004.",
        "caltech101/101_ObjectCategories.tar.gz",
        "holdout",
    ),
    "flowers102": BuiltIn(
        "Oxford Flowers 102",
        "8,189 photographs in 102 kinds of flowers; downloads 345 MB once.",
        "Flowers102",
        (
            ("train", {"split": "train", **_FILES}),
            ("database", {"split": "val", **_FILES}),
            ("query", {"split": "test", **_FILES}),
        ),
        _loaded,
        "M.-E. Nilsback, A. Zisserman, Automated Flower Classification, 2008.",
        "flowers-102/102flowers.tgz",
    ),
    "oxfordpets": BuiltIn(
        "Oxford-IIIT Pets",
        "7,349 photographs of 37 breeds of cats and dogs; downloads 811 MB once.",
        "OxfordIIITPet",
        (("train", {"split": "trainval"}), ("query", {"split": "test"})),
        _pets,
        "O. Parkhi et al., Cats and Dogs, CVPR 2012.",
        "oxford-iiit-pet/images.tar.gz and annotations.tar.gz",
    ),
    "food101": BuiltIn(
        "Food-101",
        "101,000 photographs of 101 dishes; downloads 5 GB once.",
        "Food101",
        (("train", {"split": "train", **_FILES}), ("query", {"split": "test", **_FILES})),
        _loaded,
        "L. Bossard, M. Guillaumin, L. Van Gool, Food-101, ECCV 2014.",
        "food-101.tar.gz",
    ),
    "imagenette": BuiltIn(
        "Imagenette",
        "13,394 photographs of 10 ImageNet classes, 160 pixels; downloads 99 MB once.",
        "Imagenette",
        (
            ("train", {"split": "train", "size": "160px", **_FILES}),
            ("query", {"split": "val", "size": "160px", **_FILES}),
        ),
        _loaded,
        "J. Howard, Imagenette, 2019.",
        "imagenette2-160.tgz",
    ),
    "voc2007": BuiltIn(
        "Pascal VOC 2007",
        "9,963 photographs with several of 20 classes each; downloads 0.9 GB once.",
        "VOCDetection",
        (
            ("train", {"year": "2007", "image_set": "trainval"}),
            ("query", {"year": "2007", "image_set": "test"}),
        ),
        _voc,
        "M. Everingham et al., The PASCAL Visual Object Classes Challenge 2007.",
        "VOCtrainval_06-Nov-2007.tar and VOCtest_06-Nov-2007.tar",
        kind="multi",
    ),
}
SOURCES = {name: built_in.sentence for name, built_in in BUILT_INS.items()}


def open_source(kind: str, request: SourceRequest, factories: Any = None) -> Source:
    """The official images and labels; the test part is marked as queries.

    Args:
        kind: one of `BUILT_INS`.
        request: says where downloads are kept.
        factories: has the classes that read the sets; None: `torchvision.datasets`.

    Raises:
        DatasetError: the files are not there and cannot be downloaded.
    """
    if factories is None:
        import torchvision  # slow and large; only these sets need it

        factories = torchvision.datasets
    built_in, name = BUILT_INS[kind], request.name or kind
    items: list[Item] = []
    for split, options in built_in.parts:
        part = _open_part(
            built_in, getattr(factories, built_in.factory), options, request.downloads
        )
        items += _items(built_in, part, split, _part_name(split, options))
    return Source(
        name=name,
        title=built_in.title,
        summary=f"{len(items):,} images; {built_in.sentence.split(';')[0]}.",
        licence=f"{_USE}; cite {built_in.cite}",
        attribution=built_in.cite,
        kinds={"class": built_in.kind},
        items=items,
        identity=f"{kind}:official:{len(items)}",
        default_protocol=built_in.protocol
        if name == kind or built_in.protocol != "cifar10-59k"
        else "given",
    )


def _open_part(built_in: BuiltIn, factory: Any, options: dict[str, Any], downloads: Path) -> Any:
    downloads.mkdir(parents=True, exist_ok=True)
    try:
        return factory(str(downloads), download=True, **options)
    except (OSError, RuntimeError) as error:  # no network, or a damaged archive
        raise DatasetError(
            f"{built_in.title} cannot be downloaded ({error}). Go online once, put "
            f"{built_in.archive} into {downloads.resolve()}, or import the built-in openmoji"
        ) from error


def _part_name(split: str, options: dict[str, Any]) -> str:
    """What the part is called in image ids: its official name."""
    return str(
        options.get("split", options.get("image_set", "test" if split == "query" else split))
    )


def _items(built_in: BuiltIn, part: Any, split: _Split, part_name: str) -> Iterator[Item]:
    for index, (image, names) in enumerate(built_in.pairs(part)):
        path = Path(image) if isinstance(image, str | Path) else None
        folder = names[0] if built_in.kind == "single" else ""
        number = f"{index:05d}" if path is None else f"{folder}/{path.name}".lstrip("/")
        yield Item(
            image_id="/".join(filter(None, (part_name, number))),
            read=_png_of(image) if path is None else path.read_bytes,
            labels={"class": names},
            text=", ".join(names),
            split=split,
            path=path,
            size=0 if path is None else path.stat().st_size,
        )


def _png_of(pixels: Any) -> Callable[[], bytes]:
    def encode() -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        return buffer.getvalue()

    return encode
