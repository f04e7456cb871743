"""Pascal VOC: one XML file per image with the names of its objects, lists of the parts beside."""

from __future__ import annotations

import codecs
import re
from xml.etree import ElementTree

from pipeline.datasets.dataset import DatasetError
from pipeline.datasets.problems import Problem
from pipeline.ingest.layouts.reading import Reading, ReadOptions, reading
from pipeline.ingest.layouts.records import Record
from pipeline.ingest.layouts.voc_images import AnnotatedImages
from pipeline.ingest.layouts.voc_sets import ImageSets, set_lists
from pipeline.ingest.tree import File, FileTree

TITLE = "Pascal VOC XML"
_ANNOTATION = re.compile(rb"<annotation[\s>]")
_DECLARED = re.compile(rb"""(?:\xef\xbb\xbf)?\s*<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]+)["']""")
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030"}  # what Windows calls so has more characters


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Likely where a folder Annotations holds XML; certain with the lists of ImageSets.

    Lists such as `cat_train.txt` name images with 1 and -1, as those of hashing do.
    """
    annotations = _xml_files(tree)
    if not any(map(_is_annotation, annotations)):
        return None
    is_named = any("annotations" in file.name.lower() for file in annotations)
    certainty = 0.98 if set_lists(tree) else 0.95 if is_named else 0.92
    return certainty, f"{len(annotations)} XML files"


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """An image has the classes of its objects that are not marked difficult."""
    records, problems = [], []
    files, images, sets = _xml_files(tree), AnnotatedImages(tree.images), ImageSets(tree)
    for file in files:
        try:
            named, classes = read_annotation(file.read())
            image = images.of(file, named)
        except (DatasetError, OSError) as error:
            problems.append(Problem(file.name, str(error)))
            continue
        records.append(Record(image, {"objects": classes}, sets.part_of(file), named=file.name))
    return reading(
        tree,
        records,
        problems,
        label_files=[*files, *set_lists(tree)],
        kinds={"objects": "multi"},
        unnamed="no annotation names it",
        warnings=images.warnings,
    )


def read_annotation(content: bytes) -> tuple[str, tuple[str, ...]]:
    """The image's file name and its classes, sorted; objects marked difficult do not count.

    Raises:
        DatasetError: it is not XML, is of another kind, or has a DTD or entities, possible bombs.
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
    """The root of an XML file, in the encoding that it declares.

    Raises:
        DatasetError: it is not XML, or has a DTD or entities, which could be bombs.
    """
    try:
        text = _decoded(content)
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise DatasetError("XML with a DTD or entities is not read")
        return ElementTree.fromstring(text)
    except (LookupError, UnicodeError, ElementTree.ParseError) as error:
        raise DatasetError(f"not readable XML ({error})") from error


def _decoded(content: bytes) -> str:
    """The text without byte order mark and declaration, which only says the encoding.

    Programs for Windows declare UTF-16 for a text and then save it as UTF-8; what begins with
    single bytes cannot be UTF-16.

    Raises:
        LookupError: there is no such encoding.
        UnicodeError: the bytes are no text in it.
    """
    declared = _DECLARED.match(content)
    encoding = declared[1].decode() if declared else "utf-8"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif content[:2] in (b"<\0", b"\0<"):
        encoding = "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"
    elif content.startswith(codecs.BOM_UTF8) or encoding.lower().startswith("utf-16"):
        encoding = "utf-8"
    text = content.decode(_WIDER.get(encoding.lower(), encoding)).lstrip("\ufeff \t\r\n")
    return re.sub(r"^<\?xml\s.*?\?>", "", text, count=1, flags=re.DOTALL)


def _is_annotation(file: File) -> bool:
    """Whether the element is there: other programs write XML too."""
    try:
        return _ANNOTATION.search(file.read().replace(b"\0", b"")) is not None
    except OSError:
        return False


def _xml_files(tree: FileTree) -> list[File]:
    return [file for file in tree.files if file.suffix == ".xml"]
