"""StoredFeatures: features on the disk, read without the network that made them.

    features/<backbone>-<fingerprint>/about.json   which backbone, of how many dimensions; written
                                                   last, so that what it describes is whole
    features/<backbone>-<fingerprint>/rows.f32     n rows of d float32, appended
    features/<backbone>-<fingerprint>/rows.crc32   CRC-32 of each row, appended; earlier versions
                                                   wrote none, and it is made up when rows come
    features/<backbone>-<fingerprint>/keys.bin     n keys of 32 bytes (`pixel_keys`), appended

`FeatureCache` fills the folder of a network, an import that of own vectors. A row is written before
its key, so the shorter file says how many rows are whole.
"""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.backbones.vectors import PREFIX
from pipeline.augment import VERSION
from pipeline.datasets.dataset import KEY_BYTES, Keys, RetrievalDataset
from pipeline.files import DOCTOR, DamagedFile, check_room, reading, write_atomic
from pipeline.settings import Settings
from pipeline.sums import read_checked
from pipeline.wording import COMMAND

OWN_FOLDERS = PREFIX.rstrip(":") + "-"  # how the names of folders of own vectors begin
_SUM_BYTES = 4
_NO_KEYS = np.zeros((0, KEY_BYTES), np.uint8)
_BLOCK = 8192  # rows that are written at a time


class FeaturesMissing(LookupError):  # noqa: N818 - says what is missing
    """Features of some images are not stored; the message says of how many."""


class AboutFeatures(BaseModel):
    """What lies in a folder of features.

    Attributes:
        backbone: its name.
        dim: d, the width of a row.
        view: 0 for the plain images; from 1, an augmented view of each.
        fingerprint: of the first content of own vectors, which later ones only add to; empty for
            what a network computes.
        imported: when own vectors came (ISO 8601), and from what file.
        source: name of that file.
        is_unit: whether each of the own vectors has length 1.
        network: fingerprint of the network that was seen to compute these vectors; empty for none.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    backbone: str
    dim: int
    view: int = 0
    fingerprint: str = ""
    imported: str = ""
    source: str = ""
    is_unit: bool = False
    network: str = ""


class StoredFeatures:
    """The features of one backbone in one folder, keyed by image content and memory-mapped.

    Args:
        folder: that `FeatureCache` fills.
        dim: d, the width of a row.
    """

    def __init__(self, folder: Path, dim: int) -> None:
        self.folder, self.dim = folder, dim
        self.rows_path, self.keys_path = folder / "rows.f32", folder / "keys.bin"
        self._sums_path = folder / "rows.crc32"
        self._known: tuple[tuple[int, int], _SortedKeys] = (0, 0), _SortedKeys(_NO_KEYS)

    def __len__(self) -> int:
        """Rows that are whole: those with a key."""
        return min(_size(self.keys_path) // KEY_BYTES, _size(self.rows_path) // (4 * self.dim))

    @property
    def keys(self) -> Keys:
        """The keys (n, 32) of the rows, mapped from the disk."""
        if not len(self):
            return _NO_KEYS
        return np.memmap(self.keys_path, np.uint8, "r", shape=(len(self), KEY_BYTES))

    @property
    def row_bytes(self) -> int:
        """What a row takes on the disk: its values, its checksum and its key."""
        return 4 * self.dim + _SUM_BYTES + KEY_BYTES

    def find(self, keys: Keys) -> NDArray[np.int64]:
        """Row numbers (n,) of keys (n, 32); -1 for those that are not stored."""
        whole = len(self)
        stamp = whole, self.keys_path.stat().st_mtime_ns if whole else 0
        if stamp != self._known[0]:
            self._known = stamp, _SortedKeys(self.keys)
        return self._known[1].find(keys)

    def read(self, dataset: RetrievalDataset, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Features (n, d) of images of a data set, in the order of their manifest rows (n,).

        The array is read-only; a memory map when the rows lie in order, else a copy.

        Raises:
            FeaturesMissing: some images have none.
        """
        places = self.find(dataset.pixel_keys(rows))
        if n_missing := np.count_nonzero(places < 0):
            raise FeaturesMissing(
                f"{n_missing:,} of {len(rows):,} images have no stored features; run a method on "
                "this data set again to compute them"
            )
        return self.at(places)

    def at(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """The rows (n, d) with these row numbers (n,)."""
        if not len(places):
            return np.zeros((0, self.dim), np.float32)
        shape = (len(self), self.dim)
        stored = np.memmap(self.rows_path, np.float32, "r", shape=shape)
        if np.array_equal(places, np.arange(places[0], places[0] + len(places))):
            return stored[places[0] : places[0] + len(places)]
        features: NDArray[np.float32] = stored[places]
        features.flags.writeable = False
        return features

    def cut(self) -> None:
        """Cut off what a kill has left of rows without a key; for the only writer.

        Checksums that earlier versions did not write are made of the rows as they are.
        """
        whole = len(self)
        widths = {self.rows_path: 4 * self.dim, self._sums_path: _SUM_BYTES}
        for path, width in (widths | {self.keys_path: KEY_BYTES}).items():
            if _size(path) > whole * width:
                os.truncate(path, whole * width)
        if (known := _size(self._sums_path) // _SUM_BYTES) < whole:
            with self._sums_path.open("ab") as sums:
                sums.truncate(known * _SUM_BYTES)
                for start in range(known, whole, _BLOCK):
                    sums.write(_sums(self.at(np.arange(start, min(start + _BLOCK, whole)))))

    def append(self, rows: NDArray[np.float32], keys: Keys) -> None:
        """Add rows (n, d) under keys (n, 32); after `cut`, by the only writer."""
        with self.rows_path.open("ab") as file:
            file.write(np.ascontiguousarray(rows).tobytes())
            file.flush()
            os.fsync(file.fileno())
        for path, content in ((self._sums_path, _sums(rows)), (self.keys_path, keys.tobytes())):
            with path.open("ab") as file:
                file.write(content)

    def damaged(self) -> NDArray[np.int64]:
        """Numbers (m,) of the rows that are not as they were written, as far as that is known."""
        n = min(len(self), _size(self._sums_path) // _SUM_BYTES)
        if not n:
            return np.zeros(0, np.int64)
        known = np.memmap(self._sums_path, np.uint32, "r", shape=(n,))
        found = [np.zeros(0, np.int64)]
        for start in range(0, n, _BLOCK):
            block = np.arange(start, min(start + _BLOCK, n))
            now = np.frombuffer(_sums(self.at(block)), np.uint32)
            found.append(block[now != known[block]])
        return np.concatenate(found)

    def replace_with(self, rows: NDArray[np.float32], keys: Keys) -> None:
        """Replace the rows (n, d) and keys (n, 32) by others that begin with the same ones.

        For own vectors. Readers see the old rows until the keys are there, and a kill leaves the
        old ones.

        Raises:
            OSError: the disk cannot hold both.
        """
        check_room(self.folder, len(rows) * self.row_bytes)
        partial = self.rows_path.with_name(f".{self.rows_path.name}.tmp")
        with partial.open("wb") as file:
            for start in range(0, len(rows), _BLOCK):
                file.write(np.ascontiguousarray(rows[start : start + _BLOCK]).tobytes())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.rows_path)
        self._sums_path.unlink(missing_ok=True)  # of the old rows
        write_atomic(self._sums_path, _sums(rows), is_noted=False)
        write_atomic(self.keys_path, keys.tobytes())

    def describe(self, about: AboutFeatures, *, again: bool = False) -> None:
        """Say in the folder what lies in it, so that it is found without the network.

        Args:
            about: what lies in it.
            again: also where that is said already.
        """
        path = self.folder / "about.json"
        if again or not path.is_file():
            write_atomic(path, about.model_dump_json())


class _SortedKeys:
    """Keys (n, 32) sorted by their first 8 bytes, which nearly always tell them apart."""

    def __init__(self, keys: Keys) -> None:
        self._keys, heads = keys, _heads(keys)
        self._order = np.argsort(heads, kind="stable")
        self._heads = heads[self._order]

    def find(self, wanted: Keys) -> NDArray[np.int64]:
        """Places (n,) of the first keys that are equal; -1 where none is."""
        heads = _heads(wanted)
        found = np.full(len(wanted), -1, np.int64)
        at = np.searchsorted(self._heads, heads)
        left = np.arange(len(wanted))
        while len(left := left[at[left] < len(self._heads)]):
            left = left[self._heads[at[left]] == heads[left]]
            places = self._order[at[left]]
            is_equal = (self._keys[places] == wanted[left]).all(axis=1)
            found[left[is_equal]] = places[is_equal]
            left = left[~is_equal]
            at[left] += 1
        return found


def _sums(rows: NDArray[np.float32]) -> bytes:
    sums = [zlib.crc32(row.tobytes()) for row in rows]
    return np.array(sums, np.uint32).tobytes()


def _heads(keys: Keys) -> NDArray[np.uint64]:
    return np.ascontiguousarray(keys[:, :8]).view(np.uint64)[:, 0]


def features_folder(backbone: str, fingerprint: str, settings: Settings, view: int = 0) -> Path:
    """Folder of the features of a backbone.

    Args:
        backbone: its name.
        fingerprint: of its weights and preprocessing, or of own vectors.
        settings: where the cache is.
        view: 0 for the plain images; from 1, an augmented view of each.
    """
    key, name = f"{backbone}|{fingerprint}", backbone
    if view:
        key, name = f"{key}|augmented {VERSION}|{view}", f"{name}-view{view}"
    digest = hashlib.sha256(key.encode()).hexdigest()
    name = re.sub(r"[^a-z0-9_]+", "-", name.lower())
    return settings.features_path / f"{name}-{digest[:12]}"


def find_stored(backbone: str, settings: Settings) -> StoredFeatures | None:
    """The plain features of a backbone; None unless exactly one folder is known to hold them.

    There are several after its weights or its preprocessing have changed; folders of early versions
    do not say what they hold until `FeatureCache` opens them.
    """
    found = [
        StoredFeatures(folder, about.dim)
        for folder, about in _described(settings)
        if about.backbone == backbone and not about.view
    ]
    return found[0] if len(found) == 1 else None


def own_vectors(settings: Settings) -> dict[str, tuple[StoredFeatures, AboutFeatures]]:
    """All own vectors of a library with what is known of them, by the name of the backbone."""
    return {
        about.backbone: (StoredFeatures(folder, about.dim), about)
        for folder, about in sorted(_described(settings), key=lambda pair: pair[1].backbone)
        if about.fingerprint
    }


def features_name(backbone: str, settings: Settings) -> str:
    """What tells the features of backbones apart where figures about them are kept.

    That of a network is its name. Own vectors of one name may come again with other content.
    """
    own = own_vectors(settings).get(backbone)
    return backbone if own is None else f"{backbone} {own[1].fingerprint}"


def lacking_vectors(backbone: str, dataset: RetrievalDataset, rows: Sequence[int]) -> str:
    """The sentence for images, by manifest rows, that own vectors leave out."""
    name = dataset.info.name
    example = dataset.manifest["image_id"].iloc[rows[0]]
    return (
        f"{len(rows):,} of {len(dataset):,} images of {name!r} have no vector in {backbone}, such "
        f"as {example}; import theirs under the same name: "
        f"{COMMAND} features import {name} FILE --name {backbone.partition(':')[2]}"
    )


def _described(settings: Settings) -> Iterator[tuple[Path, AboutFeatures]]:
    for path in settings.features_path.glob("[!.]*/about.json"):
        with suppress(DamagedFile):
            yield path.parent, _read_about(path)


def damaged_features(settings: Settings) -> dict[str, str]:
    """Why it cannot be read what features a folder holds, by the folder's name."""
    reasons = {}
    for folder in sorted(settings.features_path.glob("[!.]*")):
        try:
            if (folder / "rows.f32").is_file():
                _read_about(folder / "about.json")
        except DamagedFile as error:
            is_old = isinstance(error.__cause__, FileNotFoundError)  # it did not say what it holds
            if not is_old or folder.name.startswith(OWN_FOLDERS):
                reasons[folder.name] = str(error)
    return reasons


def _read_about(path: Path) -> AboutFeatures:
    own = f"import the vectors again: {COMMAND} features import"
    with reading(path, own if path.parent.name.startswith(OWN_FOLDERS) else DOCTOR):
        return AboutFeatures.model_validate_json(read_checked(path))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
