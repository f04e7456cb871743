"""Whether a run is better than what takes no learning: one rule for pages, checks and reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.analysis.comparisons import comparison_of, measured, same_but_seed
from pipeline.analysis.leaderboard import read_baselines
from pipeline.analysis.model_maps import lower_end
from pipeline.evaluation.seed_means import seed_means
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings


@dataclass(frozen=True)
class BaselineFlag:
    """How a run stands to the baselines, with all its seeds.

    Attributes:
        map: mean mAP over the seeds.
        low: lower end of its interval.
        baselines: columns name and map, of those that were measured.
    """

    map: float
    low: float
    baselines: pd.DataFrame

    @property
    def reached(self) -> list[str]:
        """Names of the baselines that the interval reaches; empty for a run that is better."""
        return reached_baselines(self.low, self.baselines)

    @property
    def badge(self) -> str:
        """The flag in a few words; empty for a run that is better."""
        return no_better_than(self.reached)

    @property
    def sentence(self) -> str:
        """The flag with its numbers; says of a better run what it is better than."""
        value = f"mAP {100 * self.map:.1f} %, interval from {100 * self.low:.1f} %"
        of_name = dict(zip(self.baselines["name"], self.baselines["map"], strict=True))
        names = self.reached or list(of_name)
        numbers = " and ".join(f"{name} ({100 * of_name[name]:.1f} %)" for name in names)
        if self.reached:
            return f"This run is no better than {numbers}: {value}."
        return f"This run is better than {numbers}: {value}." if names else ""


def reached_baselines(low: float, baselines: pd.DataFrame) -> list[str]:
    """Names of the baselines that an mAP interval reaches, the best baseline first.

    Args:
        low: lower end of the interval.
        baselines: columns name and map.
    """
    reached = baselines[baselines["map"] >= low].sort_values("map", ascending=False)
    return [str(name) for name in reached["name"]]


def no_better_than(names: Sequence[str]) -> str:
    """The words of the flag; empty for no names."""
    return f"no better than {' and '.join(names)}" if names else ""


def baseline_flag(settings: Settings, run_id: str) -> BaselineFlag:
    """How a run stands to random order and to colours alone under its own protocol and labels.

    Raises:
        RunError: the run is gone or was not measured.
    """
    run = RunRegistry(settings).open(run_id)
    own, key = run.report(), same_but_seed(run.spec)
    comparison = comparison_of(run.spec, own)
    reports = [
        report
        for other, report in measured(settings, comparison)
        if same_but_seed(other.spec) == key
    ] or [own]
    baselines = read_baselines(settings, run.spec.dataset, [run.spec], own.relevance)
    return BaselineFlag(seed_means(reports)["map"], lower_end(reports), baselines)
