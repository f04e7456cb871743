"""Estimates: how long a run will take and what memory it will want, from runs that are done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from models.registry import get_method
from pipeline.datasets.dataset import DatasetError, list_datasets, load_dataset
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings
from pipeline.stored_features import find_stored
from pipeline.wording import listed, plural

_FEATURES_S = 0.03  # of an image on one core with the default backbone, where nothing is known
_LEAST_FEATURES_S = 0.001  # of an image; a run that was faster has found them stored
_TUNING = 3.0  # an image in training against one in the forward direction only
_PASSES = ("epochs", "rounds", "iterations")  # settings that say how often the data is seen


@dataclass(frozen=True)
class Estimate:
    """Expected time and memory.

    Attributes:
        seconds: seconds of work, features included; None where there is nothing to go by.
        memory_mb: memory of the process; None where no run has noted it.
        n_unknown: runs without an estimate.
        features_s: seconds of computing features that are not stored; part of `seconds`.
        basis: what the times are taken from, a sentence each.
    """

    seconds: float | None
    memory_mb: float | None
    n_unknown: int
    features_s: float = 0.0
    basis: tuple[str, ...] = ()


def estimate(specs: Sequence[RunSpec], settings: Settings) -> Estimate:
    """Estimate the cost of all runs; features count once per data set and backbone."""
    sizes = {info.name: info.n for info in list_datasets(settings)}
    done = list(_done(settings))
    seconds = [_training_s(spec, done, sizes) for spec in specs]
    known = [value for value in seconds if value is not None]
    alike = [run for run in done if run.spec.method in {spec.method for spec in specs}]
    memory = max((run.status().memory_mb for run in alike), default=0.0)
    features = [
        _features(dataset, backbone, group, done, sizes, settings)
        for (dataset, backbone), group in _by_features(specs).items()
    ]
    features_s = sum(cost for cost, _ in features)
    return Estimate(
        sum(known) + features_s if known else None,
        memory or None,
        len(specs) - len(known),
        features_s,
        (*(basis for _, basis in features), *_training_basis(specs, seconds)),
    )


def typical_s(settings: Settings) -> dict[str, float]:
    """Median seconds of training of each method that has run here with a frozen backbone."""
    seconds_of: dict[str, list[float]] = {}
    for run in _done(settings):
        if run.spec.finetune is None:
            seconds = run.status().timings.get("training", 0.0)
            seconds_of.setdefault(run.spec.method, []).append(seconds)
    return {method: sorted(times)[len(times) // 2] for method, times in seconds_of.items()}


def _training_s(spec: RunSpec, done: Sequence[Run], sizes: dict[str, int]) -> float | None:
    """From the most similar run of the method, in proportion to images times passes."""
    alike = [run for run in done if run.spec.method == spec.method and run.spec.dataset in sizes]
    if spec.finetune is not None:
        n_images = sizes.get(spec.dataset, 0)
        per_image = _FEATURES_S * (1 + _TUNING * _passes(spec))  # embedding all once comes on top
        return n_images * per_image
    alike = [run for run in alike if run.spec.finetune is None]
    if not alike:
        return None

    def difference(run: Run) -> tuple[bool, int]:
        return run.spec.dataset != spec.dataset, abs(run.spec.bits - spec.bits)

    nearest = min(alike, key=difference)
    timings = nearest.status().timings
    rest = sum(value for name, value in timings.items() if name not in ("features", "training"))
    images = sizes.get(spec.dataset, 0) / max(sizes[nearest.spec.dataset], 1)
    passes = _passes(spec) / _passes(nearest.spec)
    return float(timings.get("training", 0.0) * images * passes + rest * images)


def _by_features(specs: Sequence[RunSpec]) -> dict[tuple[str, str], list[RunSpec]]:
    """The specs that share features."""
    groups: dict[tuple[str, str], list[RunSpec]] = {}
    for spec in specs:
        groups.setdefault((spec.dataset, spec.backbone), []).append(spec)
    return groups


def _features(
    dataset: str,
    backbone: str,
    specs: Sequence[RunSpec],
    done: Sequence[Run],
    sizes: dict[str, int],
    settings: Settings,
) -> tuple[float, str]:
    """Seconds of computing the features that are not stored, and what that is taken from."""
    alike = [run.spec for run in done if run.spec.backbone == backbone]
    n = 0
    if not any(spec.dataset == dataset for spec in alike):
        n = _n_missing(dataset, backbone, settings)
    views = max(map(_n_views, specs))
    same = (spec for spec in alike if spec.dataset == dataset and not spec.problem())
    known = max(map(_n_views, same), default=0)
    n_views = max(views - known, 0) * sizes.get(dataset, 0)
    if not n + n_views:
        return 0.0, f"Features of {backbone} are stored already."
    what = [plural(n, "image")] if n else []
    what += [f"{plural(n_views, 'augmented image')}"] if n_views else []
    measured = [
        run.status().timings.get("features", 0.0) / max(sizes[run.spec.dataset], 1)
        for run in done
        if run.spec.backbone == backbone and run.spec.dataset in sizes
    ]
    rate = max(measured, default=0.0)
    is_measured = rate >= _LEAST_FEATURES_S
    rate = rate if is_measured else _FEATURES_S
    source = "as measured here" if is_measured else "assumed, since none were measured here yet"
    return (
        (n + n_views) * rate,
        f"Features of {backbone} have to be computed for {listed(what)}, "
        f"at {1000 * rate:.0f} ms each ({source}).",
    )


def _n_missing(dataset: str, backbone: str, settings: Settings) -> int:
    """Images of a data set without stored features."""
    try:
        images = load_dataset(dataset, settings)
    except DatasetError:
        return 0
    stored = find_stored(backbone, settings)
    if stored is None:
        return len(images)
    return int(np.count_nonzero(stored.find(images.pixel_keys()) < 0))


def _n_views(spec: RunSpec) -> int:
    """Augmented views of each image that a method trains on."""
    return get_method(spec.method).card.views - 1


def _training_basis(specs: Sequence[RunSpec], seconds: Sequence[float | None]) -> list[str]:
    """What the times of training are taken from, and which methods have none."""
    pairs = list(zip(specs, seconds, strict=True))
    titles = dict.fromkeys(get_method(s.method).card.title for s, value in pairs if value is None)
    basis = []
    if any(value is not None for value in seconds):
        basis.append("Training is estimated from past runs here, by images and passes.")
    if titles:
        have, time = ("has", "its time is") if len(titles) == 1 else ("have", "their times are")
        basis.append(f"{listed(list(titles))} {have} not run here yet, so {time} not known.")
    return basis


def _passes(spec: RunSpec) -> float:
    return float(prod(spec.config[name] for name in _PASSES if name in spec.config))


def _done(settings: Settings) -> Iterable[Run]:
    for run in RunRegistry(settings).all():
        try:
            if run.status().state == "done":
                yield run
        except RunError:
            continue
