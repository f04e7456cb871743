"""Checks of data sets, their images and the features of these."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.datasets.dataset import KEY_BYTES, RetrievalDataset, load_dataset
from pipeline.datasets.manifest import content_fingerprint
from pipeline.datasets.problems import read_problems
from pipeline.doctor.checkup import Checkup
from pipeline.stored_features import OWN_FOLDERS, AboutFeatures, StoredFeatures
from pipeline.sums import check_sum
from pipeline.wording import plural

_ROWS = 65_536  # of features that are read at a time
_RESTORE = "restore it from a backup, or delete the data set and import it again"
_OWN = "import the vectors again, or restore them from a backup"


def check_datasets(checkup: Checkup) -> None:
    """Facts, manifest and images of all data sets, each by its SHA-256."""
    for folder in sorted(checkup.settings.datasets_path.glob("[!.]*")):
        if not folder.is_dir():
            continue
        before = len(checkup.problems)
        with checkup.looking_at(folder / "dataset.json", _RESTORE):
            checkup.check_sum(folder / "dataset.json")
        dataset: RetrievalDataset | None = None
        if before == len(checkup.problems):
            with checkup.looking_at(folder, _RESTORE):
                dataset = load_dataset(folder.name, checkup.settings)
        if dataset is not None:
            _check_manifest(dataset, checkup)
            if dataset.has_pictures:
                _check_images(dataset, checkup)
        with checkup.looking_at(folder / "problems.csv", "remove it: it lists skipped files alone"):
            if (folder / "problems.csv").is_file():
                checkup.check_sum(folder / "problems.csv")
                read_problems(folder / "problems.csv")


def _check_manifest(dataset: RetrievalDataset, checkup: Checkup) -> None:
    path = dataset.folder / dataset.info.manifest
    with checkup.looking_at(path, _RESTORE):
        checkup.check_sum(path)
        if content_fingerprint(dataset.manifest) != dataset.info.fingerprint:
            raise ValueError("its content is not that of dataset.json, by their fingerprint")


def _check_images(dataset: RetrievalDataset, checkup: Checkup) -> None:
    wrong: dict[str, list[Path]] = {}
    digests = dataset.manifest["sha256"].tolist()
    for row, digest in enumerate(digests):
        path = dataset.image_path(row)
        checkup.count(path)
        try:
            if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                wrong.setdefault("their bytes are not those of the import", []).append(path)
        except OSError as error:
            wrong.setdefault(f"they cannot be read: {error.strerror}", []).append(path)
    for reason, paths in wrong.items():
        which = f"{len(paths):,} of {len(digests):,} images, such as {checkup.name(paths[0])}"
        checkup.add(dataset.folder / "images", f"{which}: {reason}", _RESTORE)


def check_features(checkup: Checkup) -> None:
    """Features by block: their shape, that all are numbers, and that each row has a key of its own.

    Those of a network are computed again where they are damaged; own vectors cannot be.
    """
    for folder in sorted(checkup.settings.features_path.glob("[!.]*")):
        if not folder.is_dir():
            continue
        about_path = folder / "about.json"
        if not about_path.is_file() and not (folder / "rows.f32").is_file():
            continue  # a lock alone
        is_own = folder.name.startswith(OWN_FOLDERS)
        todo = _OWN if is_own else "it is removed and computed again when it is needed"
        remove: Callable[[], object] | None = None if is_own else partial(shutil.rmtree, folder)
        about: AboutFeatures | None = None
        with checkup.looking_at(about_path, todo, remove):
            if about_path.is_file() or is_own:
                about = AboutFeatures.model_validate_json(checkup.checked_bytes(about_path))
        if about is not None:
            with checkup.looking_at(folder / "keys.bin", todo, remove):
                check_sum(folder / "keys.bin")
            with checkup.looking_at(folder / "rows.f32", todo, remove):
                check_stored(folder, about.dim)


def check_stored(folder: Path, dim: int) -> None:
    """Check a folder of features, block by block.

    Args:
        folder: of `StoredFeatures`.
        dim: d, the width of a row.

    Raises:
        ValueError: rows lack keys or keys rows beyond what a kill leaves, two rows have one key, or
            a value is no number, or a row is not as it was written.
        OSError: a file cannot be read.
    """
    content = (folder / "keys.bin").read_bytes()
    n_rows = (folder / "rows.f32").stat().st_size // (4 * dim)
    n_keys = len(content) // KEY_BYTES
    if n_rows < n_keys:  # rows are written first: keys never run ahead
        raise ValueError(f"{n_keys:,} keys, but {n_rows:,} rows of {dim} values")
    keys = np.frombuffer(content[: n_keys * KEY_BYTES], f"V{KEY_BYTES}")
    if len(np.unique(keys)) != n_keys:
        raise ValueError("two rows have the same key")
    if not n_keys:
        return
    rows = np.memmap(folder / "rows.f32", np.float32, "r", shape=(n_keys, dim))
    for start in range(0, n_keys, _ROWS):
        if not np.isfinite(block := rows[start : start + _ROWS]).all():
            first = start + int(np.argmin(np.isfinite(block).all(axis=1)))
            raise ValueError(f"row {first:,} has values that are no numbers")
    if len(changed := StoredFeatures(folder, dim).damaged()):
        raise ValueError(
            f"{plural(len(changed), 'row')} have changed since they were written, the first is row "
            f"{changed[0]:,} (rows.crc32)"
        )
