"""Which image a Pascal VOC annotation is about: by its own name and place, or the name inside."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.tree import File

_MASKS = ("SegmentationClass", "SegmentationObject")  # have the stems of the photographs


class AnnotatedImages:
    """Images by stem, for annotations to find theirs."""

    def __init__(self, images: Sequence[File]) -> None:
        self._by_stem: dict[str, list[File]] = defaultdict(list)
        for image in images:
            if not {*_MASKS} & {*image.parts}:
                self._by_stem[_composed(image.stem)].append(image)
        self._differing: list[str] = []

    def of(self, annotation: File, named: str) -> File:
        """The image of an annotation.

        An image beside it, or in a folder parallel to its own, that has its name comes before
        the one that is named inside: files are renamed or made from a template, and the name
        inside stays.

        Args:
            annotation: file of the annotation.
            named: the file name inside, which may have lost its suffix or folder.

        Raises:
            DatasetError: it is not there, or several images could be meant.
        """
        path = _composed(named.replace("\\", "/"))
        doubtful: list[File] = []
        for alike in self._alike(annotation, path):
            narrowed = _narrowed(alike, path)
            if len(narrowed) == 1:
                self._compare(annotation, path, narrowed[0])
                return narrowed[0]
            doubtful = doubtful or narrowed
        meant = repr(named or annotation.stem)
        if doubtful:
            names = ", ".join(image.name for image in doubtful[:3])
            raise DatasetError(f"its image {meant} may be any of {names}")
        raise DatasetError(f"its image {meant} is not there")

    @property
    def warnings(self) -> list[str]:
        """Warnings about names inside that are those of other images."""
        if not self._differing:
            return []
        return [
            "annotations that are named like one image and name another inside belong to the one "
            f"that they are named like: {len(self._differing):,}, such as {self._differing[0]}"
        ]

    def _alike(self, annotation: File, path: str) -> Iterator[list[File]]:
        """Images that could be meant, the likeliest first: in one place, of one stem."""
        same_stem = self._by_stem.get(_composed(annotation.stem), [])
        named = self._by_stem.get(PurePosixPath(path).stem, [])
        yield next(filter(None, _near(same_stem, annotation)), [])
        yield next(filter(None, (*_near(named, annotation), named)), [])
        yield same_stem

    def _compare(self, annotation: File, path: str, image: File) -> None:
        """Remember an annotation whose name inside is that of another image."""
        other = self._by_stem.get(PurePosixPath(path).stem, [])
        if other and image not in other:
            self._differing.append(f"{annotation.name}, which names {path!r}")


def _near(alike: Sequence[File], annotation: File) -> Iterator[list[File]]:
    """Images in the annotation's folder; images whose folders differ from it in one name."""
    above = annotation.parts[:-1]
    yield [image for image in alike if image.parts[:-1] == above]
    yield [image for image in alike if _is_parallel(image.parts[:-1], above)]


def _is_parallel(path: Sequence[str], other: Sequence[str]) -> bool:
    pairs = zip(path, other, strict=False)
    return len(path) == len(other) and sum(first != second for first, second in pairs) == 1


def _narrowed(alike: list[File], path: str) -> list[File]:
    """Images whose path ends like the one that is named, as far as that tells them apart."""
    ends = ["/".join(PurePosixPath(path).parts[start:]) for start in range(path.count("/") + 1)]
    for end in filter(None, ends):
        exact = [image for image in alike if f"/{_composed(image.name)}".endswith(f"/{end}")]
        if exact:
            return exact
    return alike


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)
