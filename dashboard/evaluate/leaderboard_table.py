"""The leaderboard's table: shares in percent, intervals with what they mean, cosine as last row."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig  # has no public name

from pipeline.analysis.leaderboard import METRICS_SHOWN
from pipeline.analysis.leaderboard_cards import failed_checks
from pipeline.evaluation.metric_table import METRICS

_INTERVAL = "Interval"
_OTHERS = [metric for metric in METRICS_SHOWN if metric.name != "map"]


def readable(
    rows: pd.DataFrame, cosine: pd.DataFrame, baselines: pd.DataFrame, vs_best: Sequence[str] = ()
) -> pd.DataFrame:
    """The table in the words and units of the page; shares are in percent.

    Args:
        rows: the leaderboard, best first.
        cosine: the real-valued rankings, the last rows but for the baselines.
        baselines: the last rows.
        vs_best: how each row compares with the best of its length; empty leaves the column out.
    """
    ties = zip(rows["map_worst"], rows["map_best"], strict=True)
    codes = pd.DataFrame(
        {
            "Model": rows["model"],
            "Bits": rows["bits"],
            "Seeds": rows["seeds"],
            "mAP": 100 * rows["map"],
            "±": 100 * rows["half"],
            _INTERVAL: rows["interval"],
            **({"vs. best": list(vs_best)} if vs_best else {}),
            "Ties": [f"{100 * worst:.1f} to {100 * best:.1f}" for worst, best in ties],
            **_measured(rows),
            "Training": rows["training_s"],
            "Encoding": 1000 * rows["encoding_ms"],
            "Search": 1000 * rows["search_ms"],
            "Bytes": rows["bytes"],
            "Checks": [words or "pass" for words in failed_checks(rows, baselines)],
        }
    )
    baseline = pd.DataFrame(
        {
            "Model": [f"cosine, {name}" for name in cosine["backbone"]],
            "mAP": 100 * cosine["map"],
            "±": 100 * cosine["half"],
            _INTERVAL: "CI, queries",
            **_measured(cosine),
            "Bytes": cosine["bytes"],
        }
    )
    below = pd.DataFrame(
        {"Model": baselines["name"], "mAP": 100 * baselines["map"], **_measured(baselines)}
    )
    parts = [part for part in (codes, baseline, below) if not part.empty]
    return pd.concat(parts, ignore_index=True).astype({"Bits": "Int64", "Seeds": "Int64"})


def _measured(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """The metrics beside mAP, by their titles and in their units."""
    return {one.title: one.factor * rows[one.name].astype(float) for one in _OTHERS}


def pivot(rows: pd.DataFrame) -> pd.DataFrame:
    """The mAP in percent, a row a model (best first) and a column a code length."""
    wide = (100 * rows.pivot_table(index="model", columns="bits", values="map", sort=False)).round(
        1
    )
    wide = wide[sorted(wide.columns)]
    wide.columns = [f"{bits} bits" for bits in wide.columns]
    return wide.rename_axis("Model").reset_index()


def show(
    rows: pd.DataFrame, cosine: pd.DataFrame, baselines: pd.DataFrame, vs_best: Sequence[str]
) -> tuple[pd.DataFrame, list[int]]:
    """Draw it, every column explaining itself on hover.

    Returns:
        What is shown, and the places of the leaderboard's rows that are ticked.
    """
    table = readable(rows, cosine, baselines, vs_best)
    is_mixed = table[_INTERVAL].nunique() > 1
    event = st.dataframe(
        table,
        hide_index=True,
        key="leaderboard",
        on_select="rerun",
        selection_mode="multi-row",
        placeholder="–",
        column_order=[
            name
            for name in table.columns
            if (is_mixed or name != _INTERVAL)
            and not (name == "Seeds" and (rows["seeds"] == 1).all())
        ],
        alt="Leaderboard: models with mAP, its interval, precision, training time and size.",
        column_config=_columns(),
    )
    meaning = "" if is_mixed else " ± is the 95 % bootstrap interval over queries."
    st.caption(
        f"Shares in percent, training in seconds on frozen features.{meaning} "
        "The cosine row ranks the real-valued features themselves: what codes give up or gain. "
        "The last rows are baselines: a method near them is no better than chance or colours alone."
    )
    return table, [place for place in event.selection.rows if place < len(rows)]


def _columns() -> dict[str, ColumnConfig]:
    explained = {
        "±": "Half-width of the interval of mAP, in points.",
        **{metric.title: metric.help for metric in _OTHERS},
        "Training": "Seconds of training on frozen features.",
        "Encoding": "Microseconds from an image's features to its code.",
        "Search": "Microseconds to compare a query with the whole database, on one core.",
    }
    numbers = {
        name: st.column_config.NumberColumn(
            format="%.1f", help=text, width=50 if name == "±" else 72
        )
        for name, text in explained.items()
    }
    return numbers | {
        "Model": st.column_config.TextColumn(width=168, pinned=True),
        "Bits": st.column_config.NumberColumn(width=48, help="Code length."),
        "Seeds": st.column_config.NumberColumn(width=56, help="Runs that differ in the seed only."),
        "mAP": st.column_config.ProgressColumn(
            format="%.1f",
            min_value=0,
            max_value=100,
            color="primary",
            width=104,
            help=f"{METRICS['map'].help} Ties averaged.",
        ),
        _INTERVAL: st.column_config.TextColumn(
            width=92,
            help="One seed: 95 % bootstrap interval over queries. Several: standard deviation.",
        ),
        "vs. best": st.column_config.TextColumn(
            width=96,
            help="Against the best of the same code length. not separable: the paired 95 % "
            "interval over queries, widened for the number of rivals, contains 0.",
        ),
        "Ties": st.column_config.TextColumn(
            width=104, help="mAP if every tie were ordered for the worst, and for the best."
        ),
        "Checks": st.column_config.TextColumn(
            width=96, help="Dead bits, or an mAP that is not above a baseline."
        ),
        "Bytes": st.column_config.NumberColumn(
            format="localized", width=60, help="Bytes of one image's code, or of its features."
        ),
    }
