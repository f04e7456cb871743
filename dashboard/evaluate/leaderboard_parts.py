"""The parts of the leaderboard page: protocol, filters, finding, table and two charts."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import cached
from dashboard.charts.precision_recall import precision_recall
from dashboard.evaluate import leaderboard_columns, leaderboard_compare, leaderboard_table
from dashboard.widgets import chart_panel, comparison_switch, report_button
from dashboard.widgets.report_button import Entry
from pipeline.analysis import curves, leaderboard_cards
from pipeline.analysis.comparisons import Comparison
from pipeline.analysis.leaderboard import Leaderboard
from pipeline.analysis.quality_per_byte import FLOAT
from pipeline.analysis.significance_findings import Finding
from pipeline.wording import escape_markdown

METHODS, HEAT, TRADEOFFS = "Methods", "Heat table", "Trade-offs"
ABLATION = "Ablation"
_KINDS = ("supervised", "unsupervised", "data-independent")
_DRAWN = 6  # models in a chart: as many as there are colours


def protocol(comparison: Comparison, found: Leaderboard) -> None:
    """The sentence that belongs to every number on the page."""
    st.caption(
        escape_markdown(comparison.sentence) + f" Here: {found.n_query:,} queries, "
        f"{found.n_database:,} database images. Ties inside a distance are averaged."
        + comparison_switch.partly_labelled(comparison)
    )


def view(*, has_studies: bool) -> str:
    """How to look at the runs; the ablation view only where there is a study."""
    views = (METHODS, HEAT, TRADEOFFS)
    return st.segmented_control(
        "View",
        (*views, ABLATION) if has_studies else views,
        default=METHODS,
        required=True,
        key="view",
        bind="query-params",
        label_visibility="collapsed",
    )


def filtered(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the chosen code lengths and supervision; no widget where all are alike."""
    lengths = sorted(int(bits) for bits in rows["bits"].unique())
    kinds = [kind for kind in _KINDS if kind in set(rows["supervision"])]
    with st.container(horizontal=True, gap="medium", key="board_filters"):
        if len(lengths) > 1:
            chosen = st.pills(
                "Code length (bits)", lengths, selection_mode="multi", default=lengths, key="bits"
            )
            rows = rows[rows["bits"].isin(chosen)]
        if len(kinds) > 1:
            wanted = st.pills(
                "Supervision", kinds, selection_mode="multi", default=kinds, key="supervision"
            )
            rows = rows[rows["supervision"].isin([*wanted, ""])]  # not known of earlier methods
    return rows.reset_index(drop=True)


def cards(rows: pd.DataFrame, found: Leaderboard) -> None:
    """The four figures that most visitors come for."""
    with st.grid(4, min_column_width=150, gap="small"):
        for card in leaderboard_cards.cards(rows, found.baselines):
            with st.container(gap=None):
                st.metric(card.name, card.value, help=card.explained)
                st.caption(escape_markdown(card.what))


def finding(found: Finding | None) -> None:
    """One sentence with the finding, in a warning when it may be chance."""
    if found is None:
        return
    sentence = escape_markdown(found.sentence)
    if found.is_doubtful:
        st.warning(sentence, title="Not separable", icon=":material/balance:")
    else:
        st.markdown(sentence)


def table(
    rows: pd.DataFrame, found: Leaderboard, comparison: Comparison, chooser: DeltaGenerator
) -> None:
    """The leaderboard itself; two rows or more that are ticked are compared below it.

    Args:
        rows: of it that are shown.
        found: all of it.
        comparison: that it belongs to.
        chooser: where the reader chooses columns.
    """
    vs_best = cached.analysis.vs_best(
        tuple(rows["run"]),
        tuple(map(int, rows["bits"])),
        tuple(rows["map"]),
        comparison.relevance,
        comparison.ranking,
    )
    with chooser:
        is_whole = len(found.alternatives) and st.toggle(
            "Alternatives",
            key="alternatives",
            bind="query-params",
            help="Also what a database stores instead of hash codes.",
        )
    others = found.alternatives[found.alternatives["title"] != FLOAT]  # that is the cosine
    references = [found.cosine, others] if is_whole else [found.cosine]
    whole = leaderboard_table.readable(rows, references, found.baselines, vs_best)
    with chooser:
        names = leaderboard_columns.show_chooser(list(whole.columns))
    ticked = leaderboard_table.show(whole, names, len(rows))
    entry = Entry("Leaderboard", protocol=comparison.sentence, runs=tuple(map(str, rows["run"])))
    report_button.show_report_button(entry, whole[names], key="leaderboard")
    if len(rows) > 1:
        leaderboard_compare.show(rows.iloc[ticked], comparison)


def curve_chart(rows: pd.DataFrame, found: Leaderboard, comparison: Comparison) -> None:
    """PR curves of one code length."""
    lengths = sorted({int(bits) for bits in rows["bits"]})
    bits = int(rows["bits"].iloc[0])
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.subheader("Precision and recall by rank", anchor=False, width="content")
        if len(lengths) > 1:
            bits = st.segmented_control(
                "Code length of the curves",
                lengths,
                default=bits,
                required=True,
                key="pr_bits",
                label_visibility="collapsed",
            )
    of_length = rows[rows["bits"] == bits]
    shown = curves.precision_recall(cached.library.settings(), _best(of_length))
    if shown.empty:
        st.caption("The curves of these runs are missing; evaluate them again.")
        return
    chart_panel.show_chart(
        precision_recall(shown, list(found.rows["method"])),
        shown,
        alt=f"Precision against recall at {bits} bits for {', '.join(shown['model'].unique())}.",
        key="precision_recall",
        entry=Entry(
            f"Precision and recall by rank at {bits} bits",
            protocol=comparison.sentence,
            runs=tuple(_best(of_length)["run"]),
        ),
    )
    st.caption(
        f"{bits} bits. Mean over queries of the first N results, N from 1 to the whole database."
        + _left_out(of_length)
    )


def _best(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows, best first, of as many models as a chart can tell apart."""
    return rows[rows["model"].isin(rows["model"].unique()[:_DRAWN])]


def _left_out(rows: pd.DataFrame) -> str:
    """Says so where `_best` leaves models out."""
    n_models = rows["model"].nunique()
    return "" if n_models <= _DRAWN else f" The {_DRAWN} best of {n_models} models."
