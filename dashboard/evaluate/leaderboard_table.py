"""The leaderboard's table: shares in percent, mAP with its interval, cosine and baselines last."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from dashboard.evaluate import leaderboard_columns as columns
from pipeline.analysis.leaderboard_cards import failed_checks

_MOST_ROWS = 18  # that are all shown; more are scrolled


def readable(
    rows: pd.DataFrame,
    references: Sequence[pd.DataFrame],
    baselines: pd.DataFrame,
    vs_best: Sequence[str] = (),
) -> pd.DataFrame:
    """The table in the words and units of the page; shares are in percent.

    Args:
        rows: the leaderboard, best first.
        references: real-valued rankings, the last rows but for the baselines: `cosine` and
            `alternatives` of a leaderboard.
        baselines: the last rows.
        vs_best: how each row compares with the best of its length; empty leaves the column out.
    """
    ties = zip(rows["map_worst"], rows["map_best"], strict=True)
    codes = pd.DataFrame(
        {
            columns.RANK: range(1, len(rows) + 1),
            columns.MODEL: rows["model"],
            columns.BITS: rows["bits"],
            **_measured(rows),
            columns.BYTES: rows["bytes"],
            **({columns.COLD: rows["cold_bytes"]} if (rows["cold_bytes"] > 0).any() else {}),
            columns.SEARCH: rows["search_ms"],
            **({columns.VS_BEST: list(vs_best)} if vs_best else {}),
            columns.CHECKS: [words or "pass" for words in failed_checks(rows, baselines)],
            columns.HALF: 100 * rows["half"],
            columns.INTERVAL: rows["interval"],
            columns.SEEDS: rows["seeds"],
            columns.TIES: [f"{100 * worst:.1f} to {100 * best:.1f}" for worst, best in ties],
            columns.TRAINING: rows["training_s"],
            columns.ENCODING: 1000 * rows["encoding_ms"],
        }
    )
    parts = [codes, *map(_references, references), _baselines(baselines)]
    parts = [part for part in parts if not part.empty]
    whole = dict.fromkeys((columns.RANK, columns.BITS, columns.SEEDS), "Int64")
    table = pd.concat(parts, ignore_index=True).astype(whole)
    relevance = str(rows["relevance"].iloc[0])
    return table[columns.order(list(table.columns), relevance)]


def pivot(rows: pd.DataFrame) -> pd.DataFrame:
    """The mAP in percent, a row per model (best first) and a column per code length."""
    wide = (100 * rows.pivot_table(index="model", columns="bits", values="map", sort=False)).round(
        1
    )
    wide = wide[sorted(wide.columns)]
    wide.columns = [f"{bits} bits" for bits in wide.columns]
    return wide.rename_axis("Model").reset_index()


def show(table: pd.DataFrame, shown: Sequence[str], n_rows: int) -> list[int]:
    """Draw some columns of it, every one explaining itself on hover.

    Args:
        table: of `readable`.
        shown: names of the columns.
        n_rows: of the leaderboard; the rows below are baselines.

    Returns:
        The places of the leaderboard's rows that are ticked.
    """
    is_passing = bool((table[columns.CHECKS].head(n_rows) == "pass").all())
    event = st.dataframe(
        _with_intervals(table),
        hide_index=True,
        key="leaderboard",
        on_select="rerun",
        selection_mode="multi-row",
        placeholder="–",
        column_order=shown,
        alt="Leaderboard: models with mAP, its interval, precision, size and search time.",
        column_config=columns.configuration(is_passing=is_passing),
        height="content" if len(table) <= _MOST_ROWS else "auto",
    )
    st.caption(
        "Shares in percent. mAP ± half of its 95 % interval over queries, or the standard "
        "deviation over several seeds. The cosine row ranks the real-valued features themselves: "
        "what codes give up or gain. A run whose interval reaches one of the last rows is no "
        "better than chance or colours alone."
    )
    return [place for place in event.selection.rows if place < n_rows]


def _measured(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """All metrics by their titles and in their units, mAP first."""
    found = {columns.MAP: 100 * rows["map"]}
    for metric in columns.OTHERS:
        found[metric.title] = metric.factor * rows[metric.name].astype(float)
    return found


def _references(found: pd.DataFrame) -> pd.DataFrame:
    """The cosine of each backbone, or the other ways to store its features."""
    names = found["title"] if "title" in found else ["cosine of features"] * len(found)
    if found["backbone"].nunique() > 1:
        pairs = zip(names, found["backbone"], strict=True)
        names = [f"{name}, {backbone}" for name, backbone in pairs]
    times = {
        columns.SEARCH: ("search_ms", 1),
        columns.TRAINING: ("training_s", 1),
        columns.ENCODING: ("encoding_ms", 1000),
    }
    return pd.DataFrame(
        {
            columns.MODEL: names,
            **_measured(found),
            columns.BYTES: found["bytes"],
            **{
                title: factor * found[name]
                for title, (name, factor) in times.items()
                if name in found
            },
            columns.HALF: 100 * found["half"],
            columns.INTERVAL: "CI, queries",
        }
    )


def _baselines(baselines: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            columns.MODEL: baselines["name"],
            **_measured(baselines),
            columns.HALF: 100 * baselines["half"].astype(float),
        }
    )


def _with_intervals(table: pd.DataFrame) -> Styler:
    """The table as numbers that sort, with mAP written together with its interval."""
    styler = table.style.format(na_rep="–", precision=1)
    for place, half in enumerate(table[columns.HALF]):
        words = "{:.1f}" if pd.isna(half) else f"{{:.1f}} ± {half:.1f}"
        styler.format(words, subset=pd.IndexSlice[[place], [columns.MAP]])
    return styler
