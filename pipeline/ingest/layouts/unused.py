"""Label files beside images that the chosen layout does not use: each with the reason why.

A file that is not understood must not be passed over in silence: another layout would win, with
the names of folders as classes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from xml.etree import ElementTree

from pipeline.datasets.dataset import DatasetError
from pipeline.images import SUFFIXES
from pipeline.ingest.layouts import cvat
from pipeline.ingest.layouts.reading import ReadOptions
from pipeline.ingest.layouts.split_lists import image_named
from pipeline.ingest.layouts.table_columns import choose_columns, found_share, headed
from pipeline.ingest.layouts.table_files import TABLE_SUFFIXES, parse_table
from pipeline.ingest.layouts.voc import parse_xml
from pipeline.ingest.text import decode_text
from pipeline.ingest.tree import File, FileTree

_LISTS = (".txt", ".lst")
_UNREAD = {  # what people keep labels in that no layout reads
    ".mat": "MATLAB data",
    ".h5": "HDF5",
    ".hdf5": "HDF5",
    ".npz": "numpy arrays",
    ".npy": "a numpy array",
    ".pkl": "a Python pickle",
    ".pickle": "a Python pickle",
    ".tfrecord": "TensorFlow records",
    ".tfrecords": "TensorFlow records",
    ".rec": "MXNet records",
    ".mdb": "an LMDB database",
    ".xls": "an Excel table; save it as CSV",
    ".xlsx": "an Excel table; save it as CSV",
    ".ods": "a spreadsheet; save it as CSV",
}
_IMAGE = re.compile(rf".*?(?:{'|'.join(map(re.escape, SUFFIXES))})", re.IGNORECASE)
_MOST_NAMES = 20_000  # texts of a document, or lines of a list, that are looked up


class Unused(NamedTuple):
    """Why a file stays unused, and whether it probably labels the images."""

    reason: str
    is_likely: bool = True


def unused_labels(tree: FileTree, options: ReadOptions, used: frozenset[str]) -> dict[str, Unused]:
    """Label file -> why it is not used, for files that may say something about the images.

    Args:
        tree: tree that was read.
        options: how.
        used: names of the label files that were used.
    """
    left = [f for f in tree.files if f.name not in used and not f.is_image]
    unused = {}
    for file in left if tree.main is None else ():
        reason = _reason(file, tree, options)
        if reason:
            unused[file.name] = Unused(reason, _is_likely(file, tree, options))
    return unused or _one_per_image(left, tree)


def _one_per_image(left: Sequence[File], tree: FileTree) -> dict[str, Unused]:
    """Files that lie beside at least half of the images under their names, and are not read."""
    stems = {(image.folder, image.stem) for image in tree.images}
    for suffix in (*_LISTS, ".json", ".xml"):
        beside = [f for f in left if f.suffix == suffix and (f.folder, f.stem) in stems]
        if stems and 2 * len(beside) >= len(stems):
            reason = f"is one of {len(beside):,} beside images of their names, in a form not read"
            return {beside[0].name: Unused(reason)}
    return {}


def _is_likely(file: File, tree: FileTree, options: ReadOptions) -> bool:
    """Whether an unused file probably labels the images: not what models and lists leave behind.

    A table does when its cells look like file names, or it has a row for half of the images.
    """
    if file.suffix in _UNREAD:
        return False
    if file.suffix in _LISTS:
        return not _has_only_names(file, tree, options)
    if file.suffix not in TABLE_SUFFIXES or file.suffix == ".json":
        return True
    try:
        table = tree.parsed(file, parse_table, options.encoding)
    except DatasetError:
        return True
    if table is None or table.frame.empty:
        return bool(table and table.problems)
    first = " ".join(map(str, table.frame.iloc[0])).lower()
    return 2 * len(table.frame) >= len(tree.images) or any(mark in first for mark in SUFFIXES)


def _has_only_names(file: File, tree: FileTree, options: ReadOptions) -> bool:
    """Whether a text file lists images and says nothing else about them."""
    text = decode_text(file.read(), file.name, options.encoding).content
    lines = [line.strip() for line in text.splitlines() if line.strip()][:_MOST_NAMES]
    return all(image_named(line, file, tree) for line in lines)


def _reason(file: File, tree: FileTree, options: ReadOptions) -> str:
    """Why a file stays unused; empty for one that says nothing about the images."""
    if file.suffix in _UNREAD:
        return f"{_UNREAD[file.suffix]}, which is not read"
    try:
        if file.suffix in (".json", ".xml", *_LISTS):
            return _of_document(file, tree, options)
        return _of_table(file, tree, options) if file.suffix in TABLE_SUFFIXES else ""
    except (DatasetError, OSError) as error:
        return str(error).removeprefix(f"{file.name} ")


def _of_table(file: File, tree: FileTree, options: ReadOptions) -> str:
    table = tree.parsed(file, parse_table, options.encoding)
    if table is None:
        return "holds no rows"
    table, _ = headed(table, tree, file.folder, options.header)
    chosen = choose_columns(table, tree, file.folder, options.model_copy(update=_NO_COLUMNS))
    columns = ", ".join(repr(str(name)) for name in table.frame.columns[:8])
    if chosen is None:
        return f"no column of {columns} names images"
    if table.problems and table.frame.empty:
        return table.problems[0].reason
    if not found_share(table.frame, chosen.path_column, tree, file.folder):
        return f"no cell of {columns} names one image"
    first = table.frame[chosen.path_column].head(1).tolist()
    shown = f", such as {first[0]!r}" if first else ""
    return f"was not read; its paths are in the column {chosen.path_column!r}{shown}"


_NO_COLUMNS: dict[str, object] = {
    "path_column": "",
    "label_columns": (),
    "split_column": "",
    "text_column": "",
}


def _of_document(file: File, tree: FileTree, options: ReadOptions) -> str:
    """The reason for a document or list that names images, or cannot be read at all."""
    known = cvat.why_unread(file) if file.suffix == ".xml" else ""
    if known:
        return known
    read: Callable[[File, ReadOptions], Iterator[str]] = {
        ".json": _json_texts,
        ".xml": _xml_texts,
    }.get(file.suffix, _lines)
    n_seen = n_named = 0
    for text in read(file, options):
        n_seen += 1
        n_named += tree.names.find(text, file.folder) is not None
        if n_seen == _MOST_NAMES:
            break
    is_list = file.suffix in _LISTS
    if not n_named or (is_list and 2 * n_named < n_seen):
        return ""
    return f"names {n_named:,} images, in a form that this layout does not read"


def _is_without_labels(document: Any) -> bool:
    """Whether a document is COCO's for captions, or for images without annotations."""
    if not isinstance(document, dict) or not isinstance(document.get("images"), list):
        return False
    marks = document.get("annotations") or []
    return all(isinstance(mark, dict) and "caption" in mark for mark in marks)


def _json_texts(file: File, options: ReadOptions) -> Iterator[str]:
    """All texts in a JSON file, keys too.

    Raises:
        DatasetError: it is damaged; the message has the line.
    """
    try:
        document = json.loads(decode_text(file.read(), file.name, options.encoding).content)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{file.name} cannot be read as JSON ({error})") from error
    if _is_without_labels(document):
        return
    stack: list[Any] = [document]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            stack += [*value, *value.values()]
        elif isinstance(value, list):
            stack += value
        elif isinstance(value, str):
            yield value


def _xml_texts(file: File, options: ReadOptions) -> Iterator[str]:
    """Texts and attributes of an XML file.

    Raises:
        DatasetError: it is damaged.
    """
    root: ElementTree.Element = parse_xml(file.read())
    for element in root.iter():
        yield from (element.text or "", *element.attrib.values())


def _lines(file: File, options: ReadOptions) -> Iterator[str]:
    """What stands first on each line of a text file; nothing for one that is no text."""
    try:
        text = decode_text(file.read(), file.name, options.encoding).content
    except DatasetError:
        return
    for line in text.splitlines():
        if line.strip():
            named = _IMAGE.match(line)
            yield named[0] if named else line.split(maxsplit=1)[0]
