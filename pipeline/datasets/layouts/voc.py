"""Pascal VOC: an XML file an image with the names of its objects, lists of the parts beside."""

from __future__ import annotations

from pathlib import PurePosixPath
from xml.etree import ElementTree

from pipeline.datasets.base import DatasetError
from pipeline.datasets.layouts.reading import Reading, ReadOptions, Record, reading
from pipeline.datasets.problems import Problem
from pipeline.datasets.tree import File, FileTree, split_word

TITLE = "Pascal VOC XML"


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Likely where a folder Annotations holds XML."""
    annotations = _annotations(tree)
    if not annotations:
        return None
    is_named = any("annotations" in file.name.lower() for file in annotations)
    return 0.95 if is_named else 0.6, f"{len(annotations)} XML files"


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """An image has the classes of its objects that are not marked difficult."""
    records, problems = [], []
    annotations, image_of = _annotations(tree), {file.stem: file for file in tree.images}
    parts, lists = _parts(tree)
    for file in annotations:
        try:
            named, classes = read_annotation(file.read())
        except (DatasetError, OSError) as error:
            problems.append(Problem(file.name, str(error)))
            continue
        image = image_of.get(PurePosixPath(named).stem) or image_of.get(file.stem)
        if image is None:
            problems.append(Problem(file.name, f"its image {named or file.stem!r} is not there"))
        else:
            records.append(Record(image, {"objects": classes}, parts.get(image.stem, "")))
    return reading(
        tree,
        records,
        problems,
        label_files=[*annotations, *lists],
        kinds={"objects": "multi"},
        unnamed="no annotation names it",
    )


def read_annotation(content: bytes) -> tuple[str, tuple[str, ...]]:
    """The image's file name and its classes, sorted; objects marked difficult do not count.

    Raises:
        DatasetError: not XML in UTF-8, or with a DTD or entities, which could be bombs.
    """
    try:
        text = content.decode("utf-8-sig")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise DatasetError("XML with a DTD or entities is not read")
        root = ElementTree.fromstring(text)
    except (UnicodeDecodeError, ElementTree.ParseError) as error:
        raise DatasetError(f"not readable XML ({error})") from error
    names = {
        (thing.findtext("name") or "").strip()
        for thing in root.iter("object")
        if (thing.findtext("difficult") or "0").strip() != "1"
    }
    return (root.findtext("filename") or "").strip(), tuple(sorted(names - {""}))


def _annotations(tree: FileTree) -> list[File]:
    return [file for file in tree.files if file.suffix == ".xml"]


def _parts(tree: FileTree) -> tuple[dict[str, str], list[File]]:
    """Split word of each image by stem, from the lists in ImageSets/Main, and these lists."""
    found: dict[str, str] = {}
    lists = [file for file in tree.files if "ImageSets" in file.parts and file.suffix == ".txt"]
    named = [file for file in lists if split_word(file.stem)]
    for file in sorted(named, key=lambda file: file.stem == "trainval"):  # the vaguest last
        for line in file.read().decode("utf-8", "replace").split("\n"):
            stem = line.split(maxsplit=1)[0] if line.strip() else ""
            found.setdefault(stem, split_word(file.stem))
    return found, lists
