"""Means over the seeds of a method: what a row of every table says about several reports."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

import numpy as np

from pipeline.evaluation.metric_table import METRICS
from pipeline.evaluation.report import Report


def seed_means(reports: Sequence[Report]) -> dict[str, float]:
    """Means of the metrics over runs that differ in the seed.

    Args:
        reports: reports of these runs, at least one.

    Returns:
        The mean of each metric by its name; `map_sd`, the standard deviation of mAP over seeds;
        `training_s`; `encoding_ms`, of one image from its features to its code; `bytes` of one
        image. What was not measured is not a number.
    """
    maps = [report.map for report in reports]
    return {
        **{name: _mean(report.value(name) for report in reports) for name in METRICS},
        "map_sd": statistics.stdev(maps) if len(maps) > 1 else np.nan,
        "training_s": _mean(report.timings.get("training_s", np.nan) for report in reports),
        "encoding_ms": _mean(_encoding_ms(report) for report in reports),
        "bytes": reports[0].bytes_per_item,
    }


def _encoding_ms(report: Report) -> float:
    seconds = report.timings.get("encoding_s", np.nan)
    return 1000 * seconds / (report.n_query + report.n_database)


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return statistics.fmean(known) if known else np.nan
