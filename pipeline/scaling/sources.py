"""Images in parquet files or folders, on a disk or an object store, divided into shards.

A shard is what is encoded, written and repeated as a whole. The same source gives the same shards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq

from models.installation import extra
from pipeline.images import SUFFIXES


class ScaleError(ValueError):
    """A source, a target or what they need is wrong; the message says what and what to do."""


@dataclass(frozen=True)
class Shard:
    """Some images of a source.

    Attributes:
        number: place among the shards.
        files: image files, or the one parquet file.
        groups: row groups of it; empty for image files.
        columns: of ids and of images in it.
    """

    number: int
    files: tuple[str, ...]
    groups: tuple[int, ...] = ()
    columns: tuple[str, str] = ("", "")

    @property
    def name(self) -> str:
        """What its codes are called."""
        return f"codes-{self.number:06}.parquet"

    def images(self) -> Iterator[tuple[str, bytes | None]]:
        """Id and content of each image; no content where the source has none or cannot be read."""
        if self.groups:
            yield from self._rows()
            return
        fs, _ = _file_system(self.files[0])
        for path in self.files:
            try:
                yield path, bytes(fs.cat_file(path))
            except OSError:
                yield path, None

    def _rows(self) -> Iterator[tuple[str, bytes | None]]:
        fs, path = _file_system(self.files[0])
        ids, images = self.columns
        with fs.open(path, "rb") as file:
            table = pq.ParquetFile(file).read_row_groups(
                list(self.groups), columns=[name for name in (ids, images) if name]
            )
        contents = table[images].to_pylist()
        numbers = (f"{path}#{self.groups[0]}:{row}" for row in range(len(contents)))
        names = map(str, table[ids].to_pylist()) if ids else numbers
        for name, content in zip(names, contents, strict=True):
            yield name, content.get("bytes") if isinstance(content, dict) else content


def list_shards(
    source: str, size: int, *, id_column: str = "", image_column: str = ""
) -> list[Shard]:
    """Divide a source into shards of about `size` images.

    Args:
        source: a parquet file, or a folder of parquet files or of images, with folders in it; a
            path or an address such as `s3://bucket/photos`.
        size: images of a shard; one of parquet has at least one row group.
        id_column: of parquet; empty: `id`, `image_id`, `key` or `url` where there is one, else
            file and row.
        image_column: of parquet, bytes or Hugging Face's {bytes, path}; empty: the only such one.

    Raises:
        ScaleError: there is nothing, there is both, or no column fits.
    """
    fs, root = _file_system(source)
    if not fs.exists(root):
        raise ScaleError(f"{source} is not there")
    files = sorted(fs.find(root)) if fs.isdir(root) else [root]
    tables = [path for path in files if path.lower().endswith(".parquet")]
    pictures = [path for path in files if path.lower().endswith(SUFFIXES)]
    if tables and pictures:
        raise ScaleError(
            f"{source} has {len(tables):,} parquet files and {len(pictures):,} images; name a "
            "folder with one kind"
        )
    if not tables and not pictures:
        raise ScaleError(f"{source} has no parquet file and no image ({', '.join(SUFFIXES)})")
    if pictures:
        names = [fs.unstrip_protocol(path) for path in pictures]
        starts = range(0, len(names), size)
        return [
            Shard(number, tuple(names[start : start + size])) for number, start in enumerate(starts)
        ]
    shards = list(_of_tables(fs, tables, size, id_column, image_column))
    if not shards:
        raise ScaleError(f"{source} has parquet files without rows")
    return shards


def digest_of(shards: list[Shard]) -> str:
    """What tells one division of one source from others, by names and places, not by content."""
    return hashlib.sha256("\n".join(map(repr, shards)).encode()).hexdigest()


def _of_tables(
    fs: Any, tables: list[str], size: int, id_column: str, image_column: str
) -> Iterator[Shard]:
    number = 0
    for path in tables:
        with fs.open(path, "rb") as file:
            parquet = pq.ParquetFile(file)
            columns = _columns(parquet.schema_arrow, path, id_column, image_column)
            rows = [
                parquet.metadata.row_group(i).num_rows
                for i in range(parquet.metadata.num_row_groups)
            ]
        name, groups, total = fs.unstrip_protocol(path), [], 0
        for group, count in enumerate(rows):
            groups.append(group)
            total += count
            if total >= size or (total and group == len(rows) - 1):
                yield Shard(number, (name,), tuple(groups), columns)
                number, groups, total = number + 1, [], 0


def _columns(schema: Any, path: str, id_column: str, image_column: str) -> tuple[str, str]:
    for wanted in (id_column, image_column):
        if wanted and wanted not in schema.names:
            raise ScaleError(f"{path} has no column {wanted!r}; it has {', '.join(schema.names)}")
    usual = ("id", "image_id", "key", "url")
    ids = id_column or next((name for name in usual if name in schema.names), "")
    if image_column:
        if not _may_be_images(kind := schema.field(image_column).type):
            raise ScaleError(f"{path} has {kind} in {image_column!r}, not the bytes of images")
        return ids, image_column
    fitting = [field.name for field in schema if _may_be_images(field.type)]
    if len(fitting) != 1:
        found = ", ".join(fitting) or "none"
        raise ScaleError(
            f"{path} has several or no columns that may be images ({found}) among "
            f"{', '.join(schema.names)}; name one with --image-column"
        )
    return ids, fitting[0]


def _may_be_images(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return True
    return bool(pa.types.is_struct(kind)) and bool(kind.get_field_index("bytes") >= 0)


def file_system() -> ModuleType:
    """The package that reads disks and object stores alike.

    Raises:
        ScaleError: it is not installed.
    """
    try:
        import fsspec
    except ImportError as error:
        raise ScaleError(f"this needs fsspec; run: {extra('scale')}") from error
    module: ModuleType = fsspec
    return module


def _file_system(address: str) -> tuple[Any, str]:
    try:
        fs, path = file_system().core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise ScaleError(f"{address} cannot be opened: {error}") from error
    return fs, path
