"""CVAT for images: one annotations.xml with an element per image."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.finding import Finder
from pipeline.ingest.layouts.reading import Reading, ReadOptions, reading
from pipeline.ingest.layouts.records import Named, found_records
from pipeline.ingest.layouts.voc import parse_xml
from pipeline.ingest.split_words import split_word
from pipeline.ingest.tree import File, FileTree

TITLE = "CVAT XML"


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Recognise an XML file that lists images."""
    exports = _exports(tree)
    n = sum(len(root.findall("image")) for _, root in exports)
    return (0.97, f"{n} images named in {exports[0][0].name}") if exports else None


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """Read images with the labels of their shapes and tags; a subset is a part of the split."""
    records, exports, finder = [], _exports(tree), Finder(tree)
    for file, root in exports:
        records += found_records(_named(root, file, tree), file, finder)
    return reading(
        tree,
        records,
        finder.problems,
        label_files=[file for file, _ in exports],
        kinds={"objects": "multi"},
        notes=finder.notes,
    )


def _exports(tree: FileTree) -> list[tuple[File, ElementTree.Element]]:
    files = [tree.main] if tree.main else tree.files
    parsed = [(file, tree.parsed(file, _parse)) for file in files if file.suffix == ".xml"]
    return [(file, root) for file, root in parsed if root is not None]


def why_unread(file: File) -> str:
    """Why an export of CVAT is not read: the one for videos names no images; empty for others."""
    root = _annotations(file)
    if root is None or root.find("image") is not None or root.find("track") is None:
        return ""
    return (
        "a CVAT export for video, with tracks over frames, which is not read; export it as "
        "'CVAT for images'"
    )


def _parse(file: File) -> ElementTree.Element | None:
    """The root of an export for images; None for any other file."""
    root = _annotations(file)
    return root if root is not None and root.find("image") is not None else None


def _annotations(file: File) -> ElementTree.Element | None:
    try:
        content = file.read()
        if b"<annotations" not in content.replace(b"\0", b""):
            return None
        root = parse_xml(content)
    except (DatasetError, OSError):
        return None
    return root if root.tag == "annotations" else None


def _named(root: ElementTree.Element, file: File, tree: FileTree) -> Iterator[Named]:
    for image in root.iter("image"):
        labels = [shape.get("label", "") for shape in image]
        names = tuple(sorted({label for label in labels if label}))
        part = split_word(image.get("subset", ""))
        yield Named(_path(image, file, tree), {"objects": names}, part)


def _path(image: ElementTree.Element, file: File, tree: FileTree) -> str:
    """The name of an image, in the folder of its subset where there is such a file.

    Names in different subsets may be equal, and CVAT saves images in folders called after these.
    """
    name, subset = image.get("name", ""), image.get("subset", "")
    for folder in dict.fromkeys((subset, subset.lower())) if subset else ():
        match = tree.names.find(f"{folder}/{name}", file.folder)
        if match is not None and match.file.name.endswith(f"{folder}/{name}"):
            return f"{folder}/{name}"
    return name
