"""Growth for people: a table of all curves, and what they say in a sentence."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.evaluation.metric_table import METRICS, Metric
from pipeline.runs.growth_report import SUBSAMPLES, VALUES, GrowthReport
from pipeline.wording import plural

QUALITIES = {METRICS[name].title: METRICS[name] for name in VALUES}
_COLUMNS = (
    *("title", "method", "kind", "bits", "bytes"),
    *("n_images", "times", "value", "low", "high", "search_ms"),
)


def growth_points(report: GrowthReport, metric: Metric) -> pd.DataFrame:
    """A row per curve and size.

    Columns title, method, kind, bits, bytes, n_images, times (of the database), value, low, high
    (shares), search_ms. Sizes at which the metric has no value are left out.
    """
    return pd.DataFrame(
        [
            {
                "title": row.title,
                "method": row.method,
                "kind": row.kind,
                "bits": row.bits,
                "bytes": row.bytes,
                "n_images": point.n_images,
                "times": point.n_images / report.n_database,
                "value": point.values[metric.name],
                "low": point.intervals[metric.name][0],
                "high": point.intervals[metric.name][1],
                "search_ms": point.search_ms,
            }
            for row in report.rows
            for point in row.points
            if metric.name in point.values
        ],
        columns=_COLUMNS,
    )


def growth_finding(points: pd.DataFrame, report: GrowthReport, metric: Metric) -> str:
    """Who keeps most and who least from the smallest database to the largest, in a sentence.

    Empty where fewer than two sizes or two rows were measured.
    """
    first, last = points["n_images"].min(), points["n_images"].max()
    ends = points[points["n_images"].isin((first, last))]
    wide = ends.pivot_table("value", "title", "n_images").dropna()
    if first == last or len(wide) < 2:
        return ""
    change = (wide[last] - wide[first]).sort_values()
    worst, best = str(change.index[0]), str(change.index[-1])
    first_title = str(wide[first].idxmax())
    last_title = str(wide[last].idxmax())
    lead = (
        f"{last_title} leads at both ends"
        if first_title == last_title
        else f"{first_title} leads among {plural(int(first), 'image')}, {last_title} among {last:,}"
    )
    how = "thinned" if report.grows_by == SUBSAMPLES else "grown"
    return (
        f"From {first:,} to {plural(int(last), 'image')} ({how}), {metric.title} of {best} changes "
        f"by {_signed(change.iloc[-1])} points, of {worst} by {_signed(change.iloc[0])}; {lead}."
    )


def growth_table(report: GrowthReport) -> pd.DataFrame:
    """All points for people: shares in percent, times in milliseconds."""
    return pd.DataFrame(
        [
            {
                "Stored": row.title,
                "Bytes": row.bytes,
                "Images": point.n_images,
                "Times": round(point.n_images / report.n_database, 2),
                **{
                    METRICS[name].heading: round(100 * point.values.get(name, np.nan), 1)
                    for name in VALUES
                },
                "Search (ms)": point.search_ms,
            }
            for row in report.rows
            for point in row.points
        ]
    )


def _signed(share: float) -> str:
    return f"{100 * share:+.1f}"
