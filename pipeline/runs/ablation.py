"""Ablation study: a method in full against itself with one part switched off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.registry import get_method
from pipeline.evaluation.metric_table import columns
from pipeline.evaluation.metrics import Interval, paired_bootstrap
from pipeline.evaluation.seed_means import seed_means
from pipeline.runs.run import Run
from pipeline.runs.spec import RunSpec

FULL = "full"
COLUMNS = (
    "variant",
    "seeds",
    *(metric.name for metric in columns("bench")),  # means over seeds
    "map_sd",  # standard deviation over seeds
    "difference",  # of mAP: variant minus full, mean over queries and seeds
    "difference_low",  # 95 % paired bootstrap over queries
    "difference_high",
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


def studies(runs: Mapping[str, Run]) -> list[list[Variant]]:
    """The studies that finished runs make up, largest first: a method in full and some variants.

    Two variants of one study may differ like a method from its variant; they are no study.

    Args:
        runs: runs by the digest of their spec.
    """
    seeds = 1 + max((run.spec.seed for run in runs.values()), default=0)
    bases = {
        base.digest: base
        for run in runs.values()
        if not run.spec.problem() and get_method(run.spec.method).card.ablations
        for base in [run.spec.model_copy(update={"seed": 0})]
    }
    possible = []
    for base in bases.values():
        full, *others = variants(base, seeds)
        others = [
            variant for variant in others if variant.specs != full.specs and _has_run(variant, runs)
        ]
        if others:
            possible.append([full, *others])
    grouped: list[list[Variant]] = []
    for study in sorted(possible, key=len, reverse=True):
        if not any(study[0].specs == variant.specs for other in grouped for variant in other):
            grouped.append(study)
    return grouped


def table(study: list[Variant], runs: Mapping[str, Run]) -> pd.DataFrame:
    """The study so far, one row a variant, with `COLUMNS`; variants without a run are left out.

    Differences are paired: same queries, same seeds, only those seeds that both sides have.

    Args:
        study: the full method first.
        runs: runs by the digest of their spec.
    """
    done = {
        variant.name: {
            spec.seed: runs[spec.digest] for spec in variant.specs if spec.digest in runs
        }
        for variant in study
    }
    full = done.get(FULL, {})
    rows = [_row(name, runs, full) for name, runs in done.items() if runs]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def text_table(result: pd.DataFrame) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Column names and rows for people; what was not measured is empty."""
    first, *others = columns("bench")
    headings = [metric.heading for metric in others]
    rows = []
    for row in result.to_dict("records"):
        spread = "" if np.isnan(row["map_sd"]) else f" ± {100 * row['map_sd']:.1f}"
        low, high = 100 * row["difference_low"], 100 * row["difference_high"]
        is_known = not np.isnan(row["difference"])
        rows.append(
            (
                row["variant"],
                str(row["seeds"]),
                first.text(row[first.name]) + spread,
                f"{100 * row['difference']:+.1f} ({low:+.1f} to {high:+.1f})" if is_known else "",
                *(metric.text(row[metric.name]) for metric in others),
                "" if np.isnan(row["training_s"]) else f"{row['training_s']:.1f}",
            )
        )
    return ("variant", "seeds", first.heading, "difference (95 %)", *headings, "train s"), rows


def _has_run(variant: Variant, runs: Mapping[str, Run]) -> bool:
    return any(spec.digest in runs for spec in variant.specs)


def _row(name: str, runs: dict[int, Run], full: dict[int, Run]) -> dict[str, object]:
    seeds = sorted(set(runs) & set(full))
    difference = Interval(np.nan, np.nan, np.nan)
    if name != FULL and seeds:
        ours, theirs = (
            np.mean([side[seed].query_aps() for seed in seeds], axis=0) for side in (runs, full)
        )
        difference = paired_bootstrap(ours, theirs)
    return {
        "variant": name,
        "seeds": len(runs),
        **seed_means([run.report() for run in runs.values()]),
        "difference": difference.mean,
        "difference_low": difference.low,
        "difference_high": difference.high,
    }
