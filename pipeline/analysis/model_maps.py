"""The mAP of a model with its interval: of one run over queries, of several seeds over both."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.analysis.comparisons import Comparison, comparison_of, same_but_seed
from pipeline.evaluation.report import Report
from pipeline.evaluation.seed_means import seed_means
from pipeline.runs.results import RunError
from pipeline.runs.run import Run


@dataclass(frozen=True)
class ModelMap:
    """The mAP of a leaderboard row, and of one run of it, in [0, 1].

    Attributes:
        map: mean over the seeds.
        half: half-width of its interval.
        n_seeds: runs that differ in the seed only.
        own: of the run.
    """

    map: float
    half: float
    n_seeds: int
    own: float


def model_maps(runs: Sequence[Run]) -> dict[str, ModelMap]:
    """The mAP that the leaderboard shows for each of some runs, by id; unmeasured ones left out.

    Args:
        runs: of one data set, of equal specs one.
    """
    groups: dict[tuple[Comparison, str], dict[str, Report]] = defaultdict(dict)
    for run in runs:
        try:
            report = run.report()
        except RunError:
            continue
        groups[comparison_of(run.spec, report), same_but_seed(run.spec)][run.id] = report
    return {
        run_id: ModelMap(*mean_and_half(list(group.values())), len(group), report.map)
        for group in groups.values()
        for run_id, report in group.items()
    }


def mean_and_half(reports: Sequence[Report]) -> tuple[float, float]:
    """Mean mAP of runs that differ in the seed only, and the half-width that stands beside it."""
    means = seed_means(reports)
    return means["map"], means["map_sd"] if len(reports) > 1 else reports[0].half_width


def half_of(reports: Sequence[Report], name: str) -> float:
    """What stands beside the mean of a metric: deviation over seeds, or half an interval.

    Not a number where an only report has no interval of it, as those of earlier versions.
    """
    if len(reports) == 1:
        return reports[0].half_of(name)
    return statistics.stdev(report.value(name) for report in reports)


def lower_end(reports: Sequence[Report]) -> float:
    """The lower end of the interval of mAP of runs that differ in the seed only.

    Of one run it is that of the bootstrap over queries. Of several it is their mean less the wider
    of two half-widths: the standard deviation over seeds, and the mean interval over queries.
    """
    if len(reports) == 1:
        return reports[0].ci_low
    means = seed_means(reports)
    over_queries = statistics.fmean(report.half_width for report in reports)
    return means["map"] - max(means["map_sd"], over_queries)
