"""The arrays and columns of a file, read without running anything that the file holds."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.layouts.cell_values import numbers_in
from pipeline.ingest.layouts.table_files import parse_table
from pipeline.ingest.text import decode_text
from pipeline.ingest.tree import File
from pipeline.vectors.arrow_columns import read_arrow, read_parquet
from pipeline.vectors.entry import Entries, Entry, Unusable, with_numbered
from pipeline.vectors.json_lists import read_json

_DAMAGED = (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error)


def read_entries(path: Path) -> Entries:
    """The arrays, columns or variables of a file by name; a file of one has its stem as the name.

    Raises:
        DatasetError: the file is missing, damaged, or of a kind that is not read.
    """
    suffix = path.suffix.lower()
    if not path.is_file():
        raise DatasetError(f"there is no file {path}")
    if suffix in _REFUSED:
        raise DatasetError(f"{path.name} is not read: {_REFUSED[suffix]}")
    if suffix not in _READERS:
        kinds = ", ".join(_READERS)
        raise DatasetError(f"{path.name} is of no known kind; vectors and ids come as {kinds}")
    try:
        entries = _READERS[suffix](path)
    except DatasetError:
        raise
    except _DAMAGED as error:
        raise DatasetError(f"{path.name} cannot be read as {suffix[1:]}: {error}") from error
    if not entries:
        raise DatasetError(f"{path.name} holds no array, column or list")
    return entries


def _objects(name: str) -> str:
    return (
        f"{name} holds Python objects (dtype object), which only pickle reads, and a pickle can "
        "run code; save plain numbers, np.save('vectors.npy', np.stack(list_of_vectors)), and ids "
        "as text, np.save('ids.npy', np.array(ids, dtype=str))"
    )


def _npy(path: Path) -> Entries:
    with path.open("rb") as file:
        begin = file.read(6)
    if begin != b"\x93NUMPY":
        raise DatasetError(f"{path.name} is no .npy file; save it with np.save")
    try:
        return {path.stem: np.load(path, mmap_mode="r", allow_pickle=False)}
    except ValueError as error:
        if "object" in str(error).lower():
            raise DatasetError(_objects(path.name)) from error
        raise


def _npz(path: Path) -> Entries:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return {name: _member(archive, name) for name in archive.files}


def _member(archive: Any, name: str) -> Entry:
    try:
        array: NDArray[Any] = archive[name]
    except ValueError as error:
        if "object" in str(error).lower():
            return Unusable(_objects(name))
        raise
    return array


def _safetensors(path: Path) -> Entries:
    from safetensors import SafetensorError
    from safetensors.torch import load_file  # NumPy has no bfloat16

    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise DatasetError(f"{path.name} is no readable safetensors file: {error}") from error
    return {
        name: tensor.float().numpy() if tensor.is_floating_point() else tensor.numpy()
        for name, tensor in tensors.items()
    }


def _mat(path: Path) -> Entries:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        variables = loadmat(path)
    except MatReadError as error:
        raise DatasetError(f"{path.name} is no readable MATLAB file: {error}") from error
    except NotImplementedError as error:
        raise DatasetError(
            f"{path.name} is a MATLAB file of version 7.3 (HDF5), which is not read; save it in "
            "MATLAB with save(file, variables, '-v7')"
        ) from error
    entries: dict[str, Entry] = {}
    for name, value in variables.items():
        if not name.startswith("__"):
            array = np.asarray(value.toarray() if hasattr(value, "toarray") else value)
            entries[name] = _cells(array) if array.dtype == object else array
    return entries


def _cells(array: NDArray[Any]) -> Entry:
    """A cell array of MATLAB: the value in each cell."""
    values = [np.asarray(cell).ravel() for cell in array.ravel()]
    if any(len(value) > 1 for value in values):
        return Unusable("its cells hold arrays; save the vectors as one matrix")
    return [value[0].item() if len(value) else None for value in values]


def _table(path: Path) -> Entries:
    table = parse_table(_file(path))
    if table is None:
        return {}
    if table.problems:
        raise DatasetError(f"{path.name}: {table.problems[0].reason}")
    cells = {str(name): column.tolist() for name, column in table.frame.items()}
    entries = with_numbered({name: _numbers_of(column) for name, column in cells.items()})
    return {  # an id keeps the zeros in front of it
        name: cells[name] if isinstance(entry, np.ndarray) and entry.ndim == 1 else entry
        for name, entry in entries.items()
    }


def _numbers_of(cells: list[Any]) -> Entry:
    """A column of a table: numbers, vectors that are written as text, or cells as they are."""
    numbers = [numbers_in(cell) for cell in cells]
    if any(row is None for row in numbers) or len({len(row or ()) for row in numbers}) != 1:
        return cells
    matrix = np.array(numbers, np.float64)
    if matrix.shape[1] == 1:
        return matrix[:, 0]
    is_whole = bool((matrix == np.round(matrix)).all())
    return cells if is_whole else matrix  # whole numbers are classes, or 0 and 1


def _lines(path: Path) -> Entries:
    text = decode_text(path.read_bytes(), path.name).content
    return {path.stem: [line for line in text.splitlines() if line.strip()]}


def _file(path: Path) -> File:
    def head() -> bytes:
        with path.open("rb") as file:
            return file.read(16)

    return File(path.name, path.stat().st_size, path.read_bytes, head, "", path)


_READERS: dict[str, Callable[[Path], Entries]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".parquet": read_parquet,
    ".arrow": read_arrow,
    ".feather": read_arrow,
    ".mat": _mat,
    ".safetensors": _safetensors,
    ".csv": _table,
    ".tsv": _table,
    ".json": read_json,
    ".jsonl": read_json,
    ".ndjson": read_json,
    ".txt": _lines,
}
_PICKLED = (
    "a pickle can run code when it is opened; save the vectors with np.save, "
    "np.save('vectors.npy', vectors), or as safetensors"
)
_HDF5 = "HDF5 is not read; save the array with np.save('vectors.npy', file['name'][:])"
_REFUSED = {
    **dict.fromkeys((".pkl", ".pickle", ".pt", ".pth", ".joblib"), _PICKLED),
    **dict.fromkeys((".h5", ".hdf5"), _HDF5),
}
