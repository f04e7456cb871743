"""Pascal VOC: one XML file per image with the names of its objects, lists of the parts beside."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath
from xml.etree import ElementTree

from pipeline.datasets.base import DatasetError
from pipeline.datasets.layouts.reading import Reading, ReadOptions, reading
from pipeline.datasets.layouts.records import Record
from pipeline.datasets.problems import Problem
from pipeline.datasets.split_words import split_word
from pipeline.datasets.tree import File, FileTree

TITLE = "Pascal VOC XML"


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Likely where a folder Annotations holds XML."""
    annotations = _xml_files(tree)
    if not any(map(_is_annotation, annotations)):
        return None
    is_named = any("annotations" in file.name.lower() for file in annotations)
    return 0.95 if is_named else 0.92, f"{len(annotations)} XML files"


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """An image has the classes of its objects that are not marked difficult."""
    records, problems = [], []
    files, images = _xml_files(tree), _Images(tree.images)
    parts, lists = _parts(tree)
    for file in files:
        try:
            named, classes = read_annotation(file.read())
            image = images.of(file, named)
        except (DatasetError, OSError) as error:
            problems.append(Problem(file.name, str(error)))
            continue
        part = parts.get((_above(file), image.stem), "")
        records.append(Record(image, {"objects": classes}, part, named=file.name))
    return reading(
        tree,
        records,
        problems,
        label_files=[*files, *lists],
        kinds={"objects": "multi"},
        unnamed="no annotation names it",
    )


def read_annotation(content: bytes) -> tuple[str, tuple[str, ...]]:
    """The image's file name and its classes, sorted; objects marked difficult do not count.

    Raises:
        DatasetError: not XML in UTF-8, with a DTD or entities, which could be bombs, or of
            another kind.
    """
    root = parse_xml(content)
    if root.tag != "annotation":
        raise DatasetError(f"XML of another kind: <{root.tag}> where <annotation> is expected")
    names = {
        (thing.findtext("name") or "").strip()
        for thing in root.iter("object")
        if (thing.findtext("difficult") or "0").strip() != "1"
    }
    return (root.findtext("filename") or "").strip(), tuple(sorted(names - {""}))


def parse_xml(content: bytes) -> ElementTree.Element:
    """The root of an XML file.

    Raises:
        DatasetError: not XML in UTF-8, or with a DTD or entities, which could be bombs.
    """
    try:
        text = content.decode("utf-8-sig")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise DatasetError("XML with a DTD or entities is not read")
        return ElementTree.fromstring(text)
    except (UnicodeDecodeError, ElementTree.ParseError) as error:
        raise DatasetError(f"not readable XML ({error})") from error


class _Images:
    """Images by stem: an annotation's image is the one in its folder or the folder beside it."""

    def __init__(self, images: Sequence[File]) -> None:
        self._by_stem: dict[str, list[File]] = defaultdict(list)
        for image in images:
            self._by_stem[image.stem].append(image)

    def of(self, annotation: File, named: str) -> File:
        """The image of an annotation.

        Args:
            annotation: its file.
            named: the file name inside, which may have lost its suffix or folder.

        Raises:
            DatasetError: it is not there, or several images could be meant.
        """
        name = PurePosixPath(named.replace("\\", "/")).name
        alike = self._by_stem.get(PurePosixPath(name).stem) or self._by_stem.get(
            annotation.stem, []
        )
        for near in (
            [image for image in alike if image.folder == annotation.folder],
            [image for image in alike if _above(image) == _above(annotation)],
            alike,
        ):
            exact = [image for image in near if image.parts[-1] == name]
            if len(near) == 1 or len(exact) == 1:
                return (near if len(near) == 1 else exact)[0]
            if near:
                names = ", ".join(image.name for image in near[:3])
                raise DatasetError(f"its image {named or annotation.stem!r} may be any of {names}")
        raise DatasetError(f"its image {named or annotation.stem!r} is not there")


def _is_annotation(file: File) -> bool:
    """By the first bytes: other programs write XML too."""
    try:
        return re.search(rb"<annotation[\s>]", file.read()[:2000]) is not None
    except OSError:
        return False


def _xml_files(tree: FileTree) -> list[File]:
    return [file for file in tree.files if file.suffix == ".xml"]


def _above(file: File) -> str:
    """The folder that holds the folders of images, annotations and lists."""
    return "/".join(file.parts[:-2])


def _parts(tree: FileTree) -> tuple[dict[tuple[str, str], str], list[File]]:
    """Split word of each image by folder and stem, from the lists in ImageSets/Main."""
    found: dict[tuple[str, str], str] = {}
    lists = [file for file in tree.files if "ImageSets" in file.parts and file.suffix == ".txt"]
    named = [file for file in lists if split_word(file.stem)]
    for file in sorted(named, key=lambda file: file.stem == "trainval"):  # the vaguest last
        above = "/".join(file.parts[: file.parts.index("ImageSets")])
        for line in file.read().decode("utf-8", "replace").split("\n"):
            stem = line.split(maxsplit=1)[0] if line.strip() else ""
            found.setdefault((above, stem), split_word(file.stem))
    return found, lists
