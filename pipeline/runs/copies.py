"""Copies: edited images of the database as queries, each of which has its original to find.

Same thing instead of same kind: what a code that serves as a fingerprint must keep. Features of the
edited images are computed once per data set, backbone and database:

    baselines/copies-<key>.npz   features, rows of the originals, numbers of the edits
"""

from __future__ import annotations

import hashlib
import io
import logging
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.backbones.base import Backbone
from models.codes import HashCodes
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.datasets.split import Indices
from pipeline.edits import ALL_SIZES, VERSION, edited
from pipeline.evaluation.ranking import Labels
from pipeline.evaluation.relevance import neighbour_labels
from pipeline.files import keep
from pipeline.images import ImageError
from pipeline.progress import Progress, ignore_progress
from pipeline.runs.results import RunError, RunResults
from pipeline.settings import Settings
from pipeline.sums import check_sum
from pipeline.wording import COMMAND

N_COPIES = 20 * len(ALL_SIZES)
CODES = f"copies-{VERSION}"  # part of a run's codes
_BATCH = 32
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Copies:
    """Which images of a database are edited, and how.

    Attributes:
        rows: (n,) manifest rows of the originals, each once.
        edits: (n,) numbers of their edits in `ALL_SIZES`.
    """

    rows: Indices
    edits: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, some: NDArray[np.int64] | NDArray[np.bool_]) -> Copies:
        return Copies(self.rows[some], self.edits[some])

    def places(self, database: Indices) -> NDArray[np.int64]:
        """Places (n,) of the originals in a database that has them all."""
        order = np.argsort(database, kind="stable")
        return order[np.searchsorted(database, self.rows, sorter=order)]

    def labels(self, database: Indices) -> tuple[Labels, Labels]:
        """Labels of the copies and of the database: only its original is relevant to a copy."""
        return neighbour_labels(self.places(database)[:, None], len(database))

    def images(self, dataset: RetrievalDataset) -> Iterator[tuple[int, Image.Image]]:
        """The place of each copy with its image; those that cannot be read are left out, logged."""
        for place, (row, edit) in enumerate(zip(self.rows, self.edits, strict=True)):
            try:
                yield place, edited(dataset.load_image(int(row)), int(edit))
            except ImageError as error:
                _log.warning("it has no copy to search with: %s", error)


def draw_copies(dataset: RetrievalDataset, database: Indices) -> Copies:
    """At most 480 images of a database, 20 for each edit and strength, in a fixed random order.

    Images that the database holds twice are left out: nothing tells which is the original.
    """
    keys = dataset.pixel_keys(database)
    _, first, counts = np.unique(keys, axis=0, return_index=True, return_counts=True)
    single = np.sort(database[first[counts == 1]])
    rows = np.random.default_rng(0).permutation(single)[:N_COPIES]
    return Copies(rows, np.arange(len(rows)) % len(ALL_SIZES))


def copy_features(
    dataset: RetrievalDataset,
    database: Indices,
    backbone: Backbone,
    settings: Settings,
    features_name: str,
    on_progress: Progress = ignore_progress,
) -> tuple[Copies, NDArray[np.float32]]:
    """The copies of a database that can be read, and their features (n, d).

    Args:
        dataset: whose images.
        database: manifest rows of the database.
        backbone: that computes the features.
        settings: say where they are kept.
        features_name: tells the features of backbones apart; empty: keep none.
        on_progress: called with images done and images in all.

    Raises:
        ImageError: no image can be read.
    """
    copies = draw_copies(dataset, database)
    path = copies_path(dataset, copies, settings, features_name)
    if features_name and (stored := _read(path)) is not None:
        return stored
    copies, features = _embed(copies, dataset, backbone, on_progress)
    if features_name:
        content = io.BytesIO()
        np.savez(content, features=features, rows=copies.rows, edits=copies.edits)
        keep(path, content.getvalue())
    return copies, features


def encoded_copies(
    run: RunResults, dataset: RetrievalDataset, database: Indices
) -> tuple[Copies, HashCodes]:
    """The copies that a run was measured on, and their codes.

    Raises:
        RunError: it was not measured on copies, or they cannot be read.
    """
    codes, rows = run.load_codes(CODES)
    drawn = draw_copies(dataset, database)
    edit_of = dict(zip(drawn.rows.tolist(), drawn.edits.tolist(), strict=True))
    try:
        return Copies(rows, np.array([edit_of[row] for row in rows.tolist()], np.int64)), codes
    except KeyError as error:
        raise RunError(
            f"run {run.id} was measured on copies of other images: "
            f"{COMMAND} evaluate {run.id} --relevance copies"
        ) from error


def copies_path(dataset: RetrievalDataset, copies: Copies, settings: Settings, kind: str) -> Path:
    """Where something of a kind is kept about the copies of a data set."""
    key = hashlib.sha256(f"{dataset.info.fingerprint}|{VERSION}|{kind}|".encode())
    key.update(np.asarray(copies.rows, np.int64).tobytes())
    return settings.home / "baselines" / f"copies-{key.hexdigest()[:24]}.npz"


def _embed(
    copies: Copies, dataset: RetrievalDataset, backbone: Backbone, on_progress: Progress
) -> tuple[Copies, NDArray[np.float32]]:
    places: list[int] = []
    features = np.empty((len(copies), backbone.dim), np.float32)
    images = copies.images(dataset)
    while batch := list(islice(images, _BATCH)):
        start = len(places)
        places.extend(place for place, _ in batch)
        features[start : len(places)] = backbone.embed([image for _, image in batch]).numpy()
        on_progress(len(places), len(copies))
    if not places:
        raise ImageError(f"none of the {len(copies)} database images that were drawn can be read")
    return copies[np.array(places)], features[: len(places)]


def _read(path: Path) -> tuple[Copies, NDArray[np.float32]] | None:
    try:
        check_sum(path)
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return Copies(stored["rows"], stored["edits"]), stored["features"]
    except FileNotFoundError:
        return None
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        _log.warning("the copies in %s cannot be read and are made again: %s", path, error)
        return None
