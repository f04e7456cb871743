"""The leaderboard's table: shares in percent, intervals with what they mean, cosine as last row."""

from __future__ import annotations

import pandas as pd
import streamlit as st

_INTERVAL = "± is"


def readable(rows: pd.DataFrame, cosine: pd.DataFrame) -> pd.DataFrame:
    """The table in the words and units of the page; shares are in percent."""
    ties = zip(rows["map_worst"], rows["map_best"], strict=True)
    codes = pd.DataFrame(
        {
            "Model": rows["model"],
            "Bits": rows["bits"],
            "Seeds": rows["seeds"],
            "mAP": 100 * rows["map"],
            "±": 100 * rows["half"],
            _INTERVAL: rows["interval"],
            "Ties": [f"{100 * worst:.1f} to {100 * best:.1f}" for worst, best in ties],
            "P@100": 100 * rows["precision_100"],
            "P@H≤2": 100 * rows["precision_radius_2"],
            "Empty": 100 * rows["empty_radius_2"],
            "NDCG@100": 100 * rows["ndcg_100"],
            "Training": rows["train_s"],
            "Bytes": rows["bytes"],
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
    parts = [part for part in (codes, baseline) if not part.empty]
    return pd.concat(parts, ignore_index=True).astype({"Bits": "Int64", "Seeds": "Int64"})


def show(rows: pd.DataFrame, cosine: pd.DataFrame) -> None:
    """Draw it; every column explains itself on hover."""
    table = readable(rows, cosine)
    is_mixed = table[_INTERVAL].nunique() > 1
    st.dataframe(
        table,
        hide_index=True,
        key="leaderboard",
        placeholder="–",
        column_order=[name for name in table if is_mixed or name != _INTERVAL],
        alt="Leaderboard: models with mAP, its interval, precision, training time and size.",
        column_config=_columns(),
    )
    meaning = "" if is_mixed else " ± is the 95 % bootstrap interval over queries."
    st.caption(
        f"Shares in percent, training in seconds on frozen features.{meaning} "
        "The cosine row ranks the real-valued features themselves: what codes give up or gain."
    )


def _columns() -> dict[str, object]:
    explained = {
        "±": "Half-width of the interval of mAP, in points.",
        "P@100": "Precision of the first 100.",
        "P@H≤2": "Precision within 2 bits; a query with nothing there counts 0.",
        "Empty": "Share of queries with nothing within 2 bits.",
        "NDCG@100": "Discounted gain of the first 100, against the best possible order.",
        "Training": "Seconds of training on frozen features.",
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
        "Ties": st.column_config.TextColumn(
            width=104, help="mAP if every tie were ordered for the worst, and for the best."
        ),
        "Bytes": st.column_config.NumberColumn(
            format="localized", width=60, help="Bytes of one image's code, or of its features."
        ),
    }
