"""Estimates: how long a run will take and what memory it will want, from runs that are done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

from pipeline.datasets.dataset import list_datasets
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings

_FEATURES_S = 0.03  # of an image on one core with the default backbone, where nothing is known
_TUNING = 3.0  # an image in training against one in the forward direction only
_PASSES = ("epochs", "rounds", "iterations")  # settings that say how often the data is seen


@dataclass(frozen=True)
class Estimate:
    """Expected time and memory.

    Attributes:
        seconds: seconds of work; None where there is nothing to go by.
        memory_mb: memory of the process; None where no run has noted it.
        n_unknown: runs without an estimate.
    """

    seconds: float | None
    memory_mb: float | None
    n_unknown: int


def estimate(specs: Sequence[RunSpec], settings: Settings) -> Estimate:
    """Estimate the cost of all runs; features count once per data set and backbone."""
    sizes = {info.name: info.n for info in list_datasets(settings)}
    done = list(_done(settings))
    seconds = [_training_s(spec, done, sizes) for spec in specs]
    known = [value for value in seconds if value is not None]
    alike = [run for run in done if run.spec.method in {spec.method for spec in specs}]
    memory = max((run.status().memory_mb for run in alike), default=0.0)
    features = sum(
        _features_s(dataset, backbone, done, sizes)
        for dataset, backbone in {(spec.dataset, spec.backbone) for spec in specs}
    )
    return Estimate(
        sum(known) + features if known else None, memory or None, len(specs) - len(known)
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


def _features_s(dataset: str, backbone: str, done: Sequence[Run], sizes: dict[str, int]) -> float:
    """0 where a run has had them computed; else by the number of images."""
    if any((run.spec.dataset, run.spec.backbone) == (dataset, backbone) for run in done):
        return 0.0
    return sizes.get(dataset, 0) * _FEATURES_S


def _passes(spec: RunSpec) -> float:
    return float(prod(spec.config[name] for name in _PASSES if name in spec.config))


def _done(settings: Settings) -> Iterable[Run]:
    for run in RunRegistry(settings).all():
        try:
            if run.status().state == "done":
                yield run
        except RunError:
            continue
