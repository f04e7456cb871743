"""Ablation study: a method in full against itself with one part switched off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.registry import get_method
from pipeline.metrics import Interval, paired_bootstrap
from pipeline.runs import Run, RunRegistry
from pipeline.spec import RunSpec

FULL = "full"
COLUMNS = (
    "variant",
    "seeds",
    "map",  # mean over seeds, in [0, 1]
    "map_sd",  # standard deviation over seeds
    "difference",  # variant minus full, mean over queries and seeds
    "difference_low",  # 95 % paired bootstrap over queries
    "difference_high",
    "ndcg",  # NDCG@100
    "acg",  # ACG@100
    "training_s",
)


@dataclass(frozen=True)
class Variant:
    """One row of the study: a name and the specs of its seeds."""

    name: str
    specs: tuple[RunSpec, ...]


def variants(base: RunSpec, seeds: int) -> list[Variant]:
    """The full method and each of its card's ablations.

    Args:
        base: data set, bits and protocol; its config is the full method.
        seeds: method seeds 0 to seeds - 1.

    Raises:
        ValueError: the method's card names no ablations.
    """
    card = get_method(base.method).card
    if not card.ablations:
        raise ValueError(f"{card.title} names no parts that can be switched off")

    def specs(changes: dict[str, bool | float | str]) -> tuple[RunSpec, ...]:
        shared = base.model_dump() | {"config": base.config | changes}
        return tuple(RunSpec.model_validate(shared | {"seed": seed}) for seed in range(seeds))

    named: dict[str, dict[str, bool | float | str]] = {FULL: {}, **card.ablations}
    return [Variant(name, specs(changes)) for name, changes in named.items()]


def run_study(
    study: list[Variant], registry: RunRegistry, execute: Callable[[RunSpec], Run]
) -> pd.DataFrame:
    """Execute what is not done yet and return the table."""
    for variant in study:
        for spec in variant.specs:
            if registry.find(spec) is None:
                execute(spec)
    return table(study, registry)


def table(study: list[Variant], registry: RunRegistry) -> pd.DataFrame:
    """The study so far, one row a variant, with `COLUMNS`; variants without a run are left out.

    Differences are paired: same queries, same seeds, only those seeds that both sides have.
    """
    done = {
        variant.name: {spec.seed: run for spec in variant.specs if (run := registry.find(spec))}
        for variant in study
    }
    full = done.get(FULL, {})
    rows = [_row(name, runs, full) for name, runs in done.items() if runs]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(name: str, runs: dict[int, Run], full: dict[int, Run]) -> tuple[object, ...]:
    reports = [run.report() for run in runs.values()]
    values = np.array([report.map for report in reports])
    seeds = sorted(set(runs) & set(full))
    difference = Interval(np.nan, np.nan, np.nan)
    if name != FULL and seeds:
        ours, theirs = (
            np.mean([side[seed].curves().per_query_ap for seed in seeds], axis=0)
            for side in (runs, full)
        )
        difference = paired_bootstrap(ours, theirs)
    return (
        name,
        len(reports),
        values.mean(),
        values.std(ddof=1) if len(values) > 1 else np.nan,
        *difference,
        np.mean([report.ndcg_at_100 for report in reports]),
        np.mean([report.acg_at_100 for report in reports]),
        np.mean([report.timings.get("training_s", np.nan) for report in reports]),
    )
