"""The columns of the leaderboard: which come first, which the reader sees, what each one says."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig  # has no public name

from pipeline.analysis.leaderboard import METRICS_SHOWN
from pipeline.evaluation.metric_table import METRICS, Metric
from pipeline.evaluation.relevance import COPIES

RANK, MODEL, BITS, SEEDS = "Rank", "Model", "Bits", "Seeds"
HALF, INTERVAL, VS_BEST, CHECKS, TIES = "±", "Interval", "vs. best", "Checks", "Ties"
BYTES, COLD, SEARCH = "Bytes per image", "Bytes on disk", "Search (ms)"
TRAINING, ENCODING = "Training (s)", "Encoding (µs)"
MAP = METRICS["map"].title
OTHERS = [metric for metric in METRICS_SHOWN if metric.name != "map"]
_ALWAYS = (RANK, MODEL, BITS, MAP)
_LEADING = ("precision_at_10", "neighbours_at_10")  # metrics that stand beside mAP
_LEADING_OF_COPIES = ("recall_at_1", "recall_at_10", "first_relevant")  # one image is relevant
_FEW_PIXELS = 80


def order(present: Sequence[str], relevance: str) -> list[str]:
    """The columns of the table from left to right.

    Args:
        present: names that the table has; the metrics are those of the metric table.
        relevance: behind the numbers, which decides the metrics that come first.
    """
    names = _LEADING_OF_COPIES if relevance == COPIES else _LEADING
    leading = [metric.title for metric in OTHERS if metric.name in names]
    first = [*_ALWAYS, *leading, BYTES, COLD, SEARCH, VS_BEST, CHECKS]
    return [*(name for name in first if name in present), *(n for n in present if n not in first)]


def show_chooser(names: Sequence[str]) -> list[str]:
    """Let the reader choose columns; the choice stays in the address.

    Args:
        names: of all columns, in order.

    Returns:
        The names to show, in the same order.
    """
    offered = [name for name in names if name not in _ALWAYS]
    usual = offered[: offered.index(CHECKS) + 1] if CHECKS in offered else offered
    with st.popover("Columns", icon=":material/view_column:"):
        chosen = st.pills(
            "Columns of the table",
            offered,
            selection_mode="multi",
            default=usual,
            key="columns",
            bind="query-params",
            help="Rank, model, bits and mAP are always shown.",
        )
    return [name for name in names if name in _ALWAYS or name in chosen]


def configuration(*, is_passing: bool) -> dict[str, ColumnConfig]:
    """How wide each column is, how its numbers are written, and what it says on hover.

    Args:
        is_passing: whether no row fails a check, so that its column can be narrow.
    """
    column = st.column_config
    return {
        RANK: column.NumberColumn(width=44, pinned=True, help="Place by mAP among these rows."),
        MODEL: column.TextColumn(width=150, pinned=True),
        BITS: column.NumberColumn(width=40, help="Code length."),
        SEEDS: column.NumberColumn(width=60, help="Runs that differ in the seed only."),
        MAP: column.NumberColumn(
            width=88,
            help=f"{METRICS['map'].help} Ties averaged. ±: half of the 95 % bootstrap interval "
            "over queries for one seed, the standard deviation over several.",
        ),
        **{metric.title: _metric_column(metric) for metric in OTHERS},
        BYTES: column.NumberColumn(
            format="localized", width=110, help="Of an image's code, or of its features."
        ),
        COLD: column.NumberColumn(
            format="localized",
            width=96,
            help="Of an image's features, which are read from the disk to rescore the first "
            "results.",
        ),
        SEARCH: column.NumberColumn(
            format="%.3f",
            width=_FEW_PIXELS,
            help="Milliseconds to compare a query with the whole database, on one core; with the "
            "reading of features where they rescore.",
        ),
        **_verdict_columns(),
        CHECKS: column.TextColumn(
            width=64 if is_passing else 200,
            help="Dead bits, or a baseline that the interval of mAP reaches.",
        ),
        TRAINING: column.NumberColumn(
            format="%.1f", width=_FEW_PIXELS, help="Seconds of training on frozen features."
        ),
        ENCODING: column.NumberColumn(
            format="%.1f",
            width=104,
            help="Microseconds from an image's features to its code.",
        ),
    }


def _verdict_columns() -> dict[str, ColumnConfig]:
    column = st.column_config
    return {
        HALF: column.NumberColumn(
            format="%.1f", width=56, help="Half-width of the interval of mAP, in points."
        ),
        INTERVAL: column.TextColumn(
            width=92,
            help="One seed: 95 % bootstrap interval over queries. Several: standard deviation.",
        ),
        VS_BEST: column.TextColumn(
            width=100,
            help="Against the best of the same code length. not separable: the paired 95 % "
            "interval over queries, widened for the number of rivals, contains 0.",
        ),
        TIES: column.TextColumn(
            width=104, help="mAP if every tie were ordered for the worst, and for the best."
        ),
    }


def _metric_column(metric: Metric) -> ColumnConfig:
    width = max(62, 20 + 7 * len(metric.title))
    return st.column_config.NumberColumn(
        format=f"%.{metric.digits}f", width=width, help=metric.help
    )
