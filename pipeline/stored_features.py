"""StoredFeatures: features on the disk, read without the network that made them.

    features/<backbone>-<fingerprint>/about.json   which backbone, of how many dimensions
    features/<backbone>-<fingerprint>/rows.f32     n rows of d float32, appended
    features/<backbone>-<fingerprint>/keys.bin     n keys of 32 bytes (`pixel_keys`), appended

`FeatureCache` fills the folder. A row is written before its key, so the shorter file says how many
rows are whole.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.datasets.dataset import RetrievalDataset
from pipeline.files import write_atomic
from pipeline.settings import Settings

KEY_BYTES = 32


class FeaturesMissing(LookupError):  # noqa: N818 - says what is missing
    """Features of some images are not stored; the message says of how many."""


class AboutFeatures(BaseModel):
    """What lies in a folder of features."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    backbone: str
    dim: int
    view: int = 0


class StoredFeatures:
    """The features of one backbone in one folder, keyed by image content and memory-mapped.

    Args:
        folder: that `FeatureCache` fills.
        dim: d, the width of a row.
    """

    def __init__(self, folder: Path, dim: int) -> None:
        self.folder, self.dim = folder, dim
        self.rows_path, self.keys_path = folder / "rows.f32", folder / "keys.bin"
        self._known: tuple[tuple[int, int], dict[bytes, int]] = (0, 0), {}

    def positions(self) -> dict[bytes, int]:
        """Row number of every stored key; rows without a key do not count."""
        whole = min(_size(self.keys_path) // KEY_BYTES, _size(self.rows_path) // (4 * self.dim))
        stamp = whole, self.keys_path.stat().st_mtime_ns if whole else 0
        if stamp != self._known[0]:
            content = self.keys_path.read_bytes()
            keys = (content[i * KEY_BYTES : (i + 1) * KEY_BYTES] for i in range(whole))
            self._known = stamp, {key: i for i, key in enumerate(keys)}
        return self._known[1]

    def read(self, dataset: RetrievalDataset, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Features (n, d) of images of a data set, in the order of their manifest rows (n,).

        The array is read-only; a memory map when the rows lie in order, else a copy.

        Raises:
            FeaturesMissing: some images have none.
        """
        position = self.positions()
        keys = dataset.pixel_keys(rows.tolist())
        if n_missing := sum(key not in position for key in keys):
            raise FeaturesMissing(
                f"{n_missing:,} of {len(keys):,} images have no stored features; run a method on "
                "this data set again to compute them"
            )
        return self.at(np.array([position[key] for key in keys], np.int64))

    def at(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """The rows (n, d) with these row numbers (n,)."""
        if not len(places):
            return np.zeros((0, self.dim), np.float32)
        shape = (len(self.positions()), self.dim)
        stored = np.memmap(self.rows_path, np.float32, "r", shape=shape)
        if np.array_equal(places, np.arange(places[0], places[0] + len(places))):
            return stored[places[0] : places[0] + len(places)]
        features: NDArray[np.float32] = stored[places]
        features.flags.writeable = False
        return features

    def describe(self, about: AboutFeatures) -> None:
        """Say in the folder what lies in it, so that it is found without the network."""
        path = self.folder / "about.json"
        if not path.is_file():
            write_atomic(path, about.model_dump_json())


def find_stored(backbone: str, settings: Settings) -> StoredFeatures | None:
    """The plain features of a backbone; None unless exactly one folder is known to hold them.

    There are several after its weights or its preprocessing have changed; folders of early versions
    do not say what they hold until `FeatureCache` opens them.
    """
    folders = []
    for path in settings.features_path.glob("*/about.json"):
        try:
            about = AboutFeatures.model_validate_json(path.read_text("utf-8"))
        except (OSError, ValidationError):
            continue
        if about.backbone == backbone and not about.view:
            folders.append(StoredFeatures(path.parent, about.dim))
    return folders[0] if len(folders) == 1 else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
