"""Reading of manifests (parquet), whose label columns are lists of few distinct values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def read_manifest(path: Path) -> pd.DataFrame:
    """A manifest; the labels of an image are a tuple that all images with these labels share.

    An array for each image, as pandas would make, takes a third of a gigabyte at a million.

    Raises:
        ValueError, OSError: the file is damaged or missing.
    """
    import pandas as pd  # not for those who read the facts alone
    from pyarrow import parquet

    names = parquet.read_schema(path).names
    labels = [name for name in names if name.startswith("labels:")]
    manifest: pd.DataFrame = pd.read_parquet(
        path, columns=[name for name in names if name not in labels]
    )
    for name in labels:
        column = parquet.read_table(path, columns=[name]).column(name)
        manifest[name] = pd.Series(_shared(column), manifest.index, object)
    return manifest.reindex(columns=names)


def _shared(column: pa.ChunkedArray) -> list[tuple[str, ...]]:
    known: dict[tuple[str, ...], tuple[str, ...]] = {}
    shared = []
    for start in range(0, len(column), 1 << 14):
        for names in column.slice(start, 1 << 14).to_pylist():
            key = tuple(names)
            shared.append(known.setdefault(key, key))
    return shared
