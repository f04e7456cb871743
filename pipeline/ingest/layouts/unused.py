"""Label files beside images that the chosen layout does not use: each with the reason why.

A file that is not understood must not be passed over in silence: another layout would win, with
the names of folders as classes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree

from pipeline.datasets.dataset import DatasetError
from pipeline.images import SUFFIXES
from pipeline.ingest.layouts import cvat
from pipeline.ingest.layouts.reading import ReadOptions
from pipeline.ingest.layouts.table_columns import choose_columns, headed
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


def unused_labels(tree: FileTree, options: ReadOptions, used: frozenset[str]) -> dict[str, str]:
    """Label file -> why it is not used, for files that probably say something about the images.

    Args:
        tree: that was read.
        options: how.
        used: names of the label files that were used.
    """
    found = {}
    for file in tree.files if tree.main is None else ():
        if file.name in used or file.is_image:
            continue
        reason = _reason(file, tree, options)
        if reason:
            found[file.name] = reason
    return found


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


def _json_texts(file: File, options: ReadOptions) -> Iterator[str]:
    """All texts in a JSON file, keys too.

    Raises:
        DatasetError: it is damaged; the message has the line.
    """
    try:
        document = json.loads(decode_text(file.read(), file.name, options.encoding).content)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{file.name} cannot be read as JSON ({error})") from error
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
