"""Sweeps: methods x code lengths x seeds x values of settings, as runs that are done only once."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from itertools import product
from typing import Any, Self

from pydantic import Field, model_validator

from models.registry import get_method
from models.wording import unknown
from pipeline.datasets.dataset import DatasetError, RetrievalDataset, load_dataset
from pipeline.runs import experiment
from pipeline.runs.experiment import Planned
from pipeline.runs.registry import RunRegistry
from pipeline.runs.requirements import why_not
from pipeline.runs.spec import MAX_TRAIN, Conditions, RunSpec
from pipeline.settings import Settings
from pipeline.wording import COMMAND


class Sweep(Conditions):
    """Runs to make: every combination, except that a setting varies only where a method has it."""

    methods: tuple[str, ...] = Field(min_length=1)
    bits: tuple[int, ...] = Field((32,), min_length=1)
    seeds: int = Field(1, ge=1, le=20, description="Method seeds 0 to this minus 1.")
    grid: dict[str, tuple[Any, ...]] = Field({}, description="Setting -> its values.")
    config: dict[str, dict[str, Any]] = Field({}, description="Method -> settings that are fixed.")

    @model_validator(mode="after")
    def _known(self) -> Self:
        """Refuse settings that no method has, and settings of methods that are not asked for."""
        fields = {key for name in self.methods for key in get_method(name).Config.model_fields}
        for key, values in self.grid.items():
            if key not in fields:
                raise ValueError(
                    unknown(f"setting of {', '.join(self.methods)}", key, tuple(sorted(fields)))
                )
            if not values:
                raise ValueError(f"setting {key!r} has no values to vary over")
        for name in self.config:
            if name not in self.methods:
                raise ValueError(f"settings for {name!r}, which is not among the methods")
        return self

    def specs(self) -> list[RunSpec]:
        """The runs: by code length, then method, then settings, then seed; each once.

        Raises:
            ValidationError: a name or a value that a spec refuses.
        """
        shared = self.conditions()
        by_digest: dict[str, RunSpec] = {}
        for bits, name in product(self.bits, self.methods):
            card = get_method(name).card
            for settings in self._settings(name):
                for seed in range(self.seeds if card.is_seeded else 1):
                    varied = {"method": name, "bits": bits, "config": settings, "seed": seed}
                    spec = RunSpec.model_validate(shared | varied)
                    by_digest.setdefault(spec.digest, spec)
        return list(by_digest.values())

    def command(self) -> str:
        """The command that asks for the same sweep."""
        options = [
            ("dataset", self.dataset),
            ("methods", _listed(self.methods)),
            ("bits", _listed(self.bits)),
            ("seeds", self.seeds),
            ("backbone", self.backbone),
            ("labels", self.label_set),
            ("protocol", self.protocol),
            ("split-seed", self.split_seed),
            ("validation", self.validation or ""),
            ("max-train", "" if self.max_train == MAX_TRAIN else self.max_train),
            *(
                ("set", f"{name}.{key}={value}")
                for name, config in self.config.items()
                for key, value in config.items()
            ),
            *(("grid", f"{key}={_listed(values)}") for key, values in self.grid.items()),
        ]
        tuned = self.finetune.model_dump() if self.finetune else {}
        options += [("tune", f"{key}={value}") for key, value in tuned.items()]
        arguments = [
            f"--{name} {shlex.quote(str(value))}" for name, value in options if value != ""
        ]
        return " ".join([f"{COMMAND} sweep", *arguments])

    def _settings(self, name: str) -> Iterable[dict[str, Any]]:
        """The settings of one method: the fixed ones with every combination of the varied."""
        fields = get_method(name).Config.model_fields
        varied = {key: values for key, values in self.grid.items() if key in fields}
        for values in product(*varied.values()):
            yield self.config.get(name, {}) | dict(zip(varied, values, strict=True))


def plan(sweep: Sweep, settings: Settings) -> list[Planned]:
    """The runs of a sweep, and which of them are done or waiting.

    Raises:
        DatasetError: the data set is missing, or a method cannot train on it.
        ValidationError: a name or a value is refused.
    """
    check(sweep, load_dataset(sweep.dataset, settings))
    return experiment.plan(sweep.specs(), settings)


def check(sweep: Sweep, dataset: RetrievalDataset) -> None:
    """Raise a DatasetError that says which method cannot train on the data set, and why."""
    for name in sweep.methods:
        reason = why_not(get_method(name).card, dataset.info, sweep.label_set)
        if reason:
            raise DatasetError(reason)


def submit(sweep: Sweep, settings: Settings, name: str = "") -> list[Planned]:
    """Queue what is neither done nor waiting; returns all runs of the sweep as they are now.

    Args:
        sweep: sweep to run.
        settings: say where the library is.
        name: name that the runs share; empty: none.
    """
    registry = RunRegistry(settings)
    return [
        Planned(planned.spec, "queued", registry.create(planned.spec, name))
        if planned.run is None
        else planned
        for planned in plan(sweep, settings)
    ]


def _listed(values: Iterable[object]) -> str:
    return ",".join(map(str, values))
