"""The leaderboard's table: shares in percent, intervals with what they mean, cosine as last row."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig  # has no public name

from pipeline.analysis.leaderboard_cards import failed_checks

_INTERVAL = "± is"


def readable(
    rows: pd.DataFrame, cosine: pd.DataFrame, floors: pd.DataFrame, standing: Sequence[str] = ()
) -> pd.DataFrame:
    """The table in the words and units of the page; shares are in percent.

    Args:
        rows: the leaderboard, best first.
        cosine: the real-valued rankings, the last rows but for the floors.
        floors: the last rows.
        standing: how each row stands to the best of its length; empty leaves the column out.
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
            **({"To the best": list(standing)} if standing else {}),
            "Ties": [f"{100 * worst:.1f} to {100 * best:.1f}" for worst, best in ties],
            "P@100": 100 * rows["precision_100"],
            "P@H≤2": 100 * rows["precision_radius_2"],
            "Empty": 100 * rows["empty_radius_2"],
            "Lookup": 100 * rows["lookup_success"],
            "NDCG@100": 100 * rows["ndcg_100"],
            "Training": rows["train_s"],
            "Encoding": 1000 * rows["encode_ms"],
            "Search": 1000 * rows["search_ms"],
            "Bytes": rows["bytes"],
            "Checks": [words or "pass" for words in failed_checks(rows, floors)],
        }
    )
    baseline = pd.DataFrame(
        {
            "Model": [f"cosine, {name}" for name in cosine["backbone"]],
            "mAP": 100 * cosine["map"],
            "±": 100 * cosine["half"],
            _INTERVAL: "CI, queries",
            "P@100": 100 * cosine["precision_100"],
            "NDCG@100": 100 * cosine["ndcg_100"],
            "Bytes": cosine["bytes"],
        }
    )
    below = pd.DataFrame(
        {
            "Model": floors["name"],
            "mAP": 100 * floors["map"],
            "P@100": 100 * floors["precision_100"].astype(float),
            "NDCG@100": 100 * floors["ndcg_100"],
        }
    )
    parts = [part for part in (codes, baseline, below) if not part.empty]
    return pd.concat(parts, ignore_index=True).astype({"Bits": "Int64", "Seeds": "Int64"})


def pivot(rows: pd.DataFrame) -> pd.DataFrame:
    """The mAP in percent, a row a model (best first) and a column a code length."""
    wide = (100 * rows.pivot_table(index="model", columns="bits", values="map", sort=False)).round(
        1
    )
    wide = wide[sorted(wide.columns)]
    wide.columns = [f"{bits} bits" for bits in wide.columns]
    return wide.rename_axis("Model").reset_index()


def show(
    rows: pd.DataFrame, cosine: pd.DataFrame, floors: pd.DataFrame, standing: Sequence[str]
) -> tuple[pd.DataFrame, list[int]]:
    """Draw it, every column explaining itself on hover.

    Returns:
        What is shown, and the places of the leaderboard's rows that are ticked.
    """
    table = readable(rows, cosine, floors, standing)
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
        "The last rows are floors: a method that is near them has learned nothing of use."
    )
    return table, [place for place in event.selection.rows if place < len(rows)]


def _columns() -> dict[str, ColumnConfig]:
    explained = {
        "±": "Half-width of the interval of mAP, in points.",
        "P@100": "Precision of the first 100.",
        "P@H≤2": "Precision within 2 bits; a query with nothing there counts 0.",
        "Empty": "Share of queries with nothing within 2 bits.",
        "Lookup": "Share of queries with something relevant within 2 bits: the lookup succeeds.",
        "NDCG@100": "Discounted gain of the first 100, against the best possible order.",
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
            help="Mean average precision over all queries; ties averaged.",
        ),
        _INTERVAL: st.column_config.TextColumn(
            width=92,
            help="One seed: 95 % bootstrap interval over queries. Several: standard deviation.",
        ),
        "To the best": st.column_config.TextColumn(
            width=96,
            help="Against the best of the same code length. may be chance: the paired 95 % "
            "interval over queries, widened for the number of rivals, holds 0. within ties: the "
            "order of equal distances could turn the order round.",
        ),
        "Ties": st.column_config.TextColumn(
            width=104, help="mAP if every tie were ordered for the worst, and for the best."
        ),
        "Checks": st.column_config.TextColumn(
            width=96, help="Dead bits, or an mAP that is not above a floor."
        ),
        "Bytes": st.column_config.NumberColumn(
            format="localized", width=60, help="Bytes of one image's code, or of its features."
        ),
    }
