"""Which entries of a source are the vectors, the ids and the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.wording import unknown
from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.layouts.table_files import PATHS
from pipeline.ingest.split_words import split_word
from pipeline.vectors.checking import shaped
from pipeline.vectors.entries import read_entries
from pipeline.vectors.entry import Entries, Entry, Unusable, described
from pipeline.vectors.matching import id_text

_VECTORS = ("vectors", "vector", "embeddings", "embedding", "features", "feature", "feats", "emb")
_IDS = (
    *PATHS,
    *("ids", "paths", "files", "filenames", "file_names", "image_paths", "image_ids"),
    *("images", "names", "name", "key", "keys", "url", "uri"),
)
_LABELS = (
    *("labels", "label", "classes", "class", "categories", "category", "tags", "targets"),
    *("target", "gnd", "y"),
)
_BEGINNINGS = ("train", "test", "query", "retrieval", "database", "val")


@dataclass(frozen=True)
class Chosen:
    """What a source holds, put together.

    Attributes:
        vectors: (n, d), as they lie there.
        ids: n of them; None where there are none.
        labels: a cell of n each, as labels are read of a table; None where there are none.
        label_name: what the labels are called.
        splits: part of the split of each vector, where the names of arrays or a column say it.
        notes: what was taken for what.
    """

    vectors: NDArray[Any]
    ids: list[str] | None
    labels: list[Any] | None
    label_name: str
    splits: list[str] | None
    notes: tuple[str, ...]


def choose(
    entries: Entries,
    *,
    vectors: Sequence[str] = (),
    ids: Sequence[str] = (),
    id_column: str = "",
    labels: Sequence[str] = (),
    label_column: str = "",
) -> Chosen:
    """Vectors, ids and labels of a source; what is not named is looked for by the usual names.

    Args:
        entries: of the source.
        vectors: names of entries, put one below the other.
        ids: names of entries or files of ids, likewise.
        id_column: column of files of ids.
        labels: names of entries or files of labels, likewise.
        label_column: column of files of labels.

    Raises:
        DatasetError: an entry is not there or cannot be read, several could be meant, or their
            numbers differ.
    """
    names = list(vectors) or [_only_vectors(entries)]
    parts = [_array(entries, name) for name in names]
    notes = [note for _, found in parts for note in found]
    stacked, n_of = _stacked([part for part, _ in parts], names)
    id_names = list(ids) or _usual(entries, _IDS, names, (len(stacked), stacked.shape[1]))
    found_ids = [_column(entries, name, id_column, _IDS, "ids") for name in id_names]
    known_ids = [id_text(v) for _, rows in found_ids for v in _flat(rows)] if id_names else None
    if known_ids is not None and len(known_ids) != len(stacked):
        if len(names) > 1 or len(known_ids) != stacked.shape[1]:
            raise DatasetError(_differ("ids", len(known_ids), stacked, names))
        stacked = stacked.T
        notes.append(f"{names[0]}: one vector per column, turned round")
    label_names = list(labels) or _usual(entries, _LABELS, [*names, *id_names], (len(stacked),))
    found = [_column(entries, name, label_column, _LABELS, "labels") for name in label_names]
    cells = [cell for _, rows in found for cell in _label_cells(rows, len(stacked))]
    if label_names and len(cells) != len(stacked):
        raise DatasetError(_differ("labels", len(cells), stacked, names))
    taken = {"vectors": names, "ids": [name for name, _ in found_ids]}
    taken |= {"labels": [name for name, _ in found]} if found else {}
    notes.insert(0, "; ".join(f"{k} from {', '.join(v)}" for k, v in taken.items() if v))
    return Chosen(
        stacked,
        known_ids,
        cells if found else None,
        found[0][0] if len(found) == 1 else "class",
        _splits(entries, names, n_of),
        tuple(notes),
    )


def _only_vectors(entries: Entries) -> str:
    """The entry that must be the vectors.

    Raises:
        DatasetError: none can be, or several.
    """
    fitting = [name for name, entry in entries.items() if _may_be_vectors(entry)]
    usual = [name for name in fitting if name.lower() in _VECTORS]
    if len(usual or fitting) == 1:
        return (usual or fitting)[0]
    unusable = [entry.reason for entry in entries.values() if isinstance(entry, Unusable)]
    if not fitting:
        reason = f" {unusable[0]}" if unusable else ""
        raise DatasetError(
            f"no vectors among {described(entries)}; they are real numbers, a row of two or more "
            f"per image.{reason}"
        )
    raise DatasetError(
        f"several could be the vectors: {', '.join(fitting)}; name one with --vectors, or several "
        "that belong together"
    )


def _may_be_vectors(entry: Entry) -> bool:
    if not isinstance(entry, np.ndarray) or entry.ndim < 2 or entry.dtype.kind not in "fiu":
        return False
    if entry.size == len(entry):
        return False
    return entry.dtype.kind == "f" or not np.isin(entry[:100], (-1, 0, 1)).all()


def _array(entries: Entries, name: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    entry = _entry(entries, name, "array or column")
    if not isinstance(entry, np.ndarray):
        raise DatasetError(
            f"{name} holds no vectors of one length: {described({name: entry})}; all vectors have "
            "as many numbers"
        )
    return shaped(entry, name)


def _entry(entries: Entries, name: str, kind: str) -> Entry:
    if name not in entries:
        raise DatasetError(unknown(kind, name, tuple(entries)))
    entry = entries[name]
    if isinstance(entry, Unusable):
        raise DatasetError(f"{name}: {entry.reason}")
    return entry


def _stacked(parts: Sequence[NDArray[Any]], names: Sequence[str]) -> tuple[NDArray[Any], list[int]]:
    widths = {part.shape[1] for part in parts}
    if len(widths) > 1:
        each = zip(names, parts, strict=True)
        shown = ", ".join(f"{name} {part.shape[1]:,}" for name, part in each)
        raise DatasetError(f"the vectors have different dimensions: {shown}")
    return parts[0] if len(parts) == 1 else np.concatenate(parts), [len(part) for part in parts]


def _usual(
    entries: Entries, usual: Sequence[str], taken: Sequence[str], sizes: Sequence[int]
) -> list[str]:
    """The entry with the most telling usual name, if it has a value for each vector."""
    by_name = {name.lower().rpartition(".")[2]: name for name in entries if name not in taken}
    for name in usual:
        entry = entries.get(by_name.get(name, ""), Unusable(""))
        n = 0 if isinstance(entry, Unusable) else len(entry)
        if isinstance(entry, np.ndarray) and len(entry) == 1:
            n = entry.size  # MATLAB has rows where others have lists
        if n in sizes and n:
            return [by_name[name]]
    return []


def _column(
    entries: Entries, name: str, column: str, usual: Sequence[str], what: str
) -> tuple[str, Entry]:
    """An entry of the source, or of a file of its own, with what to call it."""
    if name in entries:
        return name, _entry(entries, name, "array or column")
    path = Path(name)
    if not path.is_file():
        inside = ", ".join(entries)
        raise DatasetError(f"{name!r} is neither a file of {what} nor in the source ({inside})")
    own = read_entries(path)
    if column:
        return column, _entry(own, column, f"column of {path.name}")
    usable = {key: entry for key, entry in own.items() if not isinstance(entry, Unusable)}
    if len(own) == 1:
        key = next(iter(own))
        return (path.name if key == path.stem else key), _entry(own, key, "column")
    by_name = {key.lower().rpartition(".")[2]: key for key in usable}
    key = next((by_name[word] for word in usual if word in by_name), "")
    if not key:
        option = {"ids": "--id-column", "labels": "--label-column"}[what]
        raise DatasetError(f"{path.name} has {described(own)}; name the column with {option}")
    return key, usable[key]


def _flat(entry: Entry) -> list[Any]:
    if isinstance(entry, np.ndarray):
        values: list[Any] = entry.ravel().tolist()
        return values
    assert isinstance(entry, list)
    return entry


def _label_cells(entry: Entry, n: int) -> list[Any]:
    """A cell for each vector: a value, or the row of a matrix of classes."""
    if isinstance(entry, list):
        return entry
    assert isinstance(entry, np.ndarray)
    matrix = entry.reshape(-1, 1) if 1 in entry.shape or entry.ndim == 1 else entry
    if matrix.ndim == 2 and len(matrix) != n and matrix.shape[1] == n:
        matrix = matrix.T  # a column per image
    if matrix.shape[1:] == (1,):
        return [id_text(value) for value in matrix[:, 0].tolist()]
    return [list(row) for row in matrix.astype(np.int64).tolist()]


def _splits(entries: Entries, names: Sequence[str], n_of: Sequence[int]) -> list[str] | None:
    """The part of each vector, by a column `split` or the names of the arrays."""
    column = next((entries[name] for name in entries if name.lower() == "split"), None)
    if column is not None and not isinstance(column, Unusable) and len(column) == sum(n_of):
        return _manifest_splits([split_word(id_text(value)) for value in _flat(column)])
    words = [split_word(name) or _split_before(name) for name in names]
    if len(names) > 1 and all(words):
        every = [word for word, n in zip(words, n_of, strict=True) for _ in range(n)]
        return _manifest_splits(every)
    return None


def _split_before(name: str) -> str:
    """The part that a name such as `traindata` begins with."""
    return next((split_word(word) for word in _BEGINNINGS if name.lower().startswith(word)), "")


def _manifest_splits(words: list[str]) -> list[str]:
    """Parts as a manifest has them: validation is the query set where there is no other."""
    held_out = "database" if "query" in words else "query"
    return [held_out if word == "held out" else word for word in words]


def _differ(what: str, n: int, vectors: NDArray[Any], names: Sequence[str]) -> str:
    return (
        f"there are {n:,} {what} and {len(vectors):,} vectors in {', '.join(names)}; each vector "
        "needs one"
    )
