"""Import own vectors: checked as a whole, then stored as a whole, and only ever added to."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from models.backbones.registry import check_backbone
from pipeline.backbones import network_named_like
from pipeline.datasets.dataset import DatasetError, Keys, RetrievalDataset, load_dataset
from pipeline.files import check_room
from pipeline.settings import Settings
from pipeline.stored_features import (
    AboutFeatures,
    StoredFeatures,
    features_folder,
    own_vectors,
)
from pipeline.vectors.agreement import agreeing_network
from pipeline.vectors.checking import Checked, checked
from pipeline.vectors.choosing import Chosen, choose
from pipeline.vectors.collections import read_collection
from pipeline.vectors.entries import read_entries
from pipeline.vectors.matching import Matched, by_id, by_order
from pipeline.vectors.new_dataset import as_dataset, store_dataset
from pipeline.vectors.request import VectorsRequest
from pipeline.wording import COMMAND, plural

_SHOWN = 3


@dataclass(frozen=True)
class VectorsPlan:
    """What an import would store; nothing is stored yet.

    Attributes:
        request: what was asked for.
        dataset: whose images the vectors are of; not in the library yet where it is new.
        rows: (n, d) vectors.
        images: (n,) their manifest rows.
        lacking: manifest rows of images that have no vector, here or from before.
        n_known: vectors that are stored already, and equal.
        about: facts of the backbone.
        notes: how the source was understood, and what is good to know.
    """

    request: VectorsRequest
    dataset: RetrievalDataset
    rows: NDArray[np.float32]
    images: NDArray[np.int64]
    lacking: NDArray[np.int64]
    n_known: int
    about: AboutFeatures
    notes: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What is stored, and what is missing."""
        vectors = f"{plural(len(self.rows), 'vector')} of {self.about.dim:,} dimensions"
        of = f"{vectors} for {plural(len(self.dataset), 'image')} of {self.dataset.info.name!r}"
        known = f"; {self.n_known:,} of them were here before" if self.n_known else ""
        return f"{self.about.backbone}: {of}{known}"

    @property
    def missing(self) -> str:
        """Which images have no vector, in a sentence; empty for none."""
        if not len(self.lacking):
            return ""
        names = self.dataset.manifest["image_id"].iloc[self.lacking[:_SHOWN]]
        more = ", ..." * (len(self.lacking) > _SHOWN)
        return (
            f"{plural(len(self.lacking), 'image')} without a vector: {', '.join(names)}{more}; a "
            "run on these vectors needs them all, so import the others under the same name"
        )


def plan_vectors(request: VectorsRequest, settings: Settings) -> VectorsPlan:
    """Read and check everything about an import; nothing is stored.

    Raises:
        DatasetError: the source cannot be read, or does not fit the data set or the vectors that
            are here under the name.
        ValueError: the name breaks the rule.
    """
    check_backbone(request.backbone)
    chosen = _chosen(request, settings)
    if request.new:
        check = _checked(chosen, chosen.ids, request)
        dataset = as_dataset(request, chosen, check.rows, settings)
        every = np.arange(len(dataset))
        matched = Matched(every, every, np.zeros(0, np.int64), (), ())
    else:
        dataset = load_dataset(request.dataset, settings)
        chosen, matched = _oriented(chosen, dataset)
        check = _checked(_only(chosen, matched), None, request, dataset, matched)
    rows = check.rows
    known = own_vectors(settings).get(request.backbone)
    keys = dataset.pixel_keys(matched.rows)
    n_known = _check_known(known, rows, keys, matched.rows, dataset, request)
    about, more = _about(request, dataset, rows, matched.rows, check, keys, known)
    notes = (*chosen.notes, *matched.notes, *check.notes, *more)
    lacking = matched.lacking
    if known is not None and len(lacking):
        lacking = lacking[known[0].find(dataset.pixel_keys(lacking)) < 0]
    return VectorsPlan(request, dataset, rows, matched.rows, lacking, n_known, about, notes)


def store_vectors(plan: VectorsPlan, settings: Settings) -> None:
    """Store what was planned, whole or not at all; the same import again changes nothing.

    Raises:
        DatasetError: other vectors came under the name since the plan, or the data set exists.
        OSError: the disk has no room.
    """
    settings.features_path.mkdir(parents=True, exist_ok=True)
    check_room(settings.features_path, plan.rows.nbytes)
    with _one_at_a_time(settings):
        known = own_vectors(settings).get(plan.about.backbone)
        keys = plan.dataset.pixel_keys(plan.images)
        _check_known(known, plan.rows, keys, plan.images, plan.dataset, plan.request)
        about = plan.about
        if known is not None:  # its content began with another import
            about = about.model_copy(update={"fingerprint": known[1].fingerprint})
        folder = features_folder(about.backbone, about.fingerprint, settings)
        folder.mkdir(exist_ok=True)
        stored = StoredFeatures(folder, about.dim)
        if known is None:
            stored.replace_with(plan.rows, keys)
        else:
            _add(stored, plan.rows, keys)
        stored.describe(about, again=True)
        if plan.request.new:
            store_dataset(plan.dataset, settings)


def _add(stored: StoredFeatures, rows: NDArray[np.float32], keys: Keys) -> None:
    is_new = stored.find(keys) < 0
    if is_new.any():
        before = stored.at(np.arange(len(stored)))
        stored.replace_with(
            np.concatenate([before, rows[is_new]]), np.concatenate([stored.keys, keys[is_new]])
        )


def _chosen(request: VectorsRequest, settings: Settings) -> Chosen:
    if request.is_qdrant:
        return read_collection(request, settings)
    return choose(
        read_entries(Path(request.source)),
        vectors=request.vectors,
        ids=request.ids,
        id_column=request.id_column,
        labels=request.labels,
        label_column=request.label_column,
    )


def _oriented(chosen: Chosen, dataset: RetrievalDataset) -> tuple[Chosen, Matched]:
    """The vectors with their images; without ids, and with a vector per column, turned round."""
    if chosen.ids is not None:
        return chosen, by_id(chosen.ids, dataset)
    n, width = chosen.vectors.shape
    if n != len(dataset) and width == len(dataset):
        turned = "one vector per column, turned round"
        chosen = replace(chosen, vectors=chosen.vectors.T, notes=(*chosen.notes, turned))
    return chosen, by_order(len(chosen.vectors), dataset)


def _only(chosen: Chosen, matched: Matched) -> Chosen:
    """The vectors that are of an image."""
    if np.array_equal(matched.places, np.arange(len(chosen.vectors))):
        return chosen
    return replace(chosen, vectors=chosen.vectors[matched.places])


def _checked(
    chosen: Chosen,
    ids: list[str] | None,
    request: VectorsRequest,
    dataset: RetrievalDataset | None = None,
    matched: Matched | None = None,
) -> Checked:
    def name_of(row: int) -> str:
        if dataset is not None and matched is not None:
            return str(dataset.manifest["image_id"].iloc[matched.rows[row]])
        return ids[row] if ids else f"row {row:,}"

    return checked(chosen.vectors, name_of, to_unit=request.unit)


def _check_known(
    known: tuple[StoredFeatures, AboutFeatures] | None,
    rows: NDArray[np.float32],
    keys: Keys,
    images: NDArray[np.int64],
    dataset: RetrievalDataset,
    request: VectorsRequest,
) -> int:
    """How many of the vectors are stored already under the name.

    Raises:
        DatasetError: other ones are, which runs may have been made from.
    """
    if known is None:
        return 0
    stored, about = known
    ways = "give these another name with --name, or remove the others first: "
    ways += f"{COMMAND} features remove {about.backbone}"
    if about.dim != rows.shape[1]:
        raise DatasetError(
            f"{about.backbone} has {about.dim:,} dimensions, and these vectors have "
            f"{rows.shape[1]:,}; {ways}"
        )
    places = stored.find(keys)
    here = np.flatnonzero(places >= 0)
    before = stored.at(places[here])
    other = here[(before != rows[here]).any(axis=1)]
    if len(other):
        name = dataset.manifest["image_id"].iloc[images[other[0]]]
        raise DatasetError(
            f"{about.backbone} holds other vectors of {plural(len(other), 'image')}, such as "
            f"{name}, and runs may have been made from them; {ways}"
        )
    return len(here)


def _about(
    request: VectorsRequest,
    dataset: RetrievalDataset,
    rows: NDArray[np.float32],
    images: NDArray[np.int64],
    check: Checked,
    keys: Keys,
    known: tuple[StoredFeatures, AboutFeatures] | None,
) -> tuple[AboutFeatures, tuple[str, ...]]:
    """Facts of the backbone, and what to say of a network that its name stands for too."""
    digest = hashlib.sha256()
    texts = [key.tobytes() for key in keys]
    for place in sorted(range(len(texts)), key=texts.__getitem__):
        digest.update(texts[place] + rows[place].tobytes())
    about = AboutFeatures(
        backbone=request.backbone,
        dim=rows.shape[1],
        fingerprint=f"own-{digest.hexdigest()[:16]}",
        imported=datetime.now(UTC).isoformat(timespec="seconds"),
        source=request.source.replace("\\", "/").rpartition("/")[2],
        is_unit=check.is_unit,
    )
    if known is not None:
        about = about.model_copy(update={"is_unit": about.is_unit and known[1].is_unit})
    bare = network_named_like(request.backbone)
    if not bare or not dataset.has_pictures:
        return about, ()
    network, note = agreeing_network(bare, dataset, rows, images, is_unit=about.is_unit)
    return about.model_copy(update={"network": network}), (note,)


@contextmanager
def _one_at_a_time(settings: Settings) -> Iterator[None]:
    """Keep two imports from seeing each other half done."""
    with FileLock(settings.features_path / ".vectors.lock"):
        yield


RunsOf = Callable[[str], list[str]]


def remove_vectors(name: str, settings: Settings, runs_on: RunsOf) -> AboutFeatures:
    """Remove own vectors, unless runs were made from them.

    Args:
        name: of the backbone, or of the vectors alone.
        settings: where they are.
        runs_on: ids of the runs on a backbone.

    Raises:
        DatasetError: there are none, or runs depend on them.
    """
    known = own_vectors(settings)
    name = name if name in known else VectorsRequest(dataset="", source=name).backbone
    if name not in known:
        raise DatasetError(f"no own vectors {name!r}; there are: {', '.join(known) or 'none'}")
    if runs := runs_on(name):
        raise DatasetError(
            f"{name} cannot be removed while runs depend on it: {len(runs):,}, such as {runs[0]}; "
            "delete these first"
        )
    stored, about = known[name]
    with _one_at_a_time(settings):
        doomed = stored.folder.with_name(f".{stored.folder.name}.deleted")
        shutil.rmtree(doomed, ignore_errors=True)
        stored.folder.rename(doomed)
        shutil.rmtree(doomed)
    return about
