"""The columns of parquet and Arrow files, as pandas and Hugging Face's datasets write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.vectors.entry import Entries, Entry, Unusable, matrix_of, with_numbered


def read_parquet(path: Path) -> Entries:
    """The columns of a parquet file."""
    return _columns(pq.read_table(path))


def read_arrow(path: Path) -> Entries:
    """The columns of an Arrow file or stream; feather is one."""
    with pa.memory_map(str(path)) as source:
        try:
            return _columns(pa.ipc.open_file(source).read_all())
        except pa.ArrowInvalid:
            return _columns(pa.ipc.open_stream(source).read_all())


def _columns(table: pa.Table) -> Entries:
    entries: dict[str, Entry] = {}
    for name in table.column_names:
        values = table.column(name).combine_chunks()
        if isinstance(values, pa.ChunkedArray):  # of no rows
            values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([])
        if isinstance(values, pa.ExtensionArray):
            values = values.storage
        entries[name] = _column(values)
    return with_numbered(entries)


def _column(values: Any) -> Entry:
    kind = values.type
    is_list = (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )
    if is_list and _is_number(kind.value_type):
        return matrix_of(values.to_pylist() if values.null_count else _lists(values))
    if _is_number(kind) and not values.null_count:
        array: NDArray[Any] = values.to_numpy(zero_copy_only=False)
        return array
    if pa.types.is_struct(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return Unusable("it holds objects or bytes, no numbers or texts")
    rows: list[Any] = values.to_pylist()
    return rows


def _lists(values: Any) -> Any:
    """The lists of a column as a matrix without a Python number for each value."""
    flat = values.flatten().to_numpy(zero_copy_only=False)
    width = len(flat) // max(len(values), 1)
    fixed = pa.types.is_fixed_size_list(values.type)
    if fixed or (np.diff(values.offsets.to_numpy()) == width).all():
        return flat.reshape(len(values), width)
    return values.to_pylist()


def _is_number(kind: Any) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))
