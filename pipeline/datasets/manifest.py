"""Reading of manifests (parquet), whose label columns are lists of few distinct values."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.sums import check_sum

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


_NOT_CONTENT = ("path", "width", "height", "numbers")  # follow from the images


def read_manifest(path: Path) -> pd.DataFrame:
    """A manifest; the labels of an image are a tuple that all images with these labels share.

    An array for each image, as pandas would make, takes a third of a gigabyte at a million.

    Raises:
        ValueError, OSError: the file is damaged or missing.
    """
    import pandas as pd  # not for those who read the facts alone
    from pyarrow import parquet

    check_sum(path)
    names = parquet.read_schema(path).names
    labels = [name for name in names if name.startswith("labels:")]
    manifest: pd.DataFrame = pd.read_parquet(
        path, columns=[name for name in names if name not in labels]
    )
    for name in labels:
        column = parquet.read_table(path, columns=[name]).column(name)
        manifest[name] = pd.Series(_shared(column), manifest.index, object)
    return manifest.reindex(columns=names)


def content_fingerprint(manifest: pd.DataFrame) -> str:
    """A digest of images, labels and given splits, independent of row order and time."""
    columns = [name for name in manifest.columns if name not in _NOT_CONTENT]
    rows = sorted(
        json.dumps([_plain(value) for value in row], ensure_ascii=False)
        for row in manifest[columns].itertuples(index=False)
    )
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def _plain(value: object) -> object:
    return list(value) if isinstance(value, list | tuple | np.ndarray) else value


def _shared(column: pa.ChunkedArray) -> NDArray[np.object_]:
    """(n,) tuples; equal ones are one object."""
    import pyarrow as pa
    from pyarrow import compute

    lists = column.combine_chunks().cast(pa.list_(pa.string()))
    lengths = np.asarray(compute.list_value_length(lists))
    ends = pa.array(np.r_[0, np.cumsum(lengths)].astype(np.int32))
    sizes = compute.utf8_length(lists.flatten()).cast(pa.string())
    sizes = compute.binary_join(pa.ListArray.from_arrays(ends, sizes), " ")
    # Names and their lengths: equal lists have equal keys, and no others have.
    keys = compute.binary_join_element_wise(sizes, compute.binary_join(lists, ""), "|")
    numbers = keys.dictionary_encode().indices.to_numpy()
    _, first = np.unique(numbers, return_index=True)
    distinct = np.empty(len(first), object)
    for number, row in enumerate(first.tolist()):
        distinct[number] = tuple(lists[row].as_py())
    shared: NDArray[np.object_] = distinct[numbers]
    return shared
