"""The parts of the leaderboard page: protocol, filters, finding, table and two charts."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.charts.map_by_bits import map_by_bits
from dashboard.charts.precision_recall import precision_recall
from dashboard.components import board_table, chart_panel, notices
from dashboard.services import resources
from dashboard.services.findings import Finding
from dashboard.services.leaderboard import Board, Comparison
from dashboard.services.text import escape_markdown

ABLATION = "Ablation"
_METHODS = "Methods"
_DRAWN = 6  # models in a chart: as many as there are colours


def choose(found: list[Comparison]) -> Comparison:
    """The comparison to show; numbers of different protocols never share a table."""
    if not found:
        notices.first_run(
            "No run on this data set has been measured",
            "Runs are measured when the data set has labels. This trains and measures one:",
            f"python -m pipeline run --dataset {st.session_state['ds']} --method itq --bits 32",
            "Then reload this page.",
        )
        st.stop()
    if len(found) == 1:
        label = escape_markdown(f"protocol {found[0].label}")
        st.badge(label, icon=":material/rule:", color="blue")
        return found[0]
    by_label = {one.label: one for one in found}
    label = st.selectbox(
        "Protocol",
        list(by_label),
        key="protocol",
        bind="query-params",
        help="Numbers of different protocols are not comparable, so they are never mixed.",
    )
    return by_label.get(label, found[0])


def protocol(comparison: Comparison, found: Board) -> None:
    """The sentence that belongs to every number on the page."""
    st.caption(
        f"{comparison.protocol.summary} Here: {found.n_query:,} queries, "
        f"{found.n_database:,} database images. Ties inside a distance are averaged."
    )


def view(*, has_studies: bool) -> str:
    """Methods side by side, or one method taken apart; no choice without an ablation study."""
    if not has_studies:
        return _METHODS
    return st.segmented_control(
        "View",
        (_METHODS, ABLATION),
        default=_METHODS,
        required=True,
        key="view",
        bind="query-params",
        label_visibility="collapsed",
    )


def filtered(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the chosen code lengths; no widget when there is only one."""
    lengths = sorted(int(bits) for bits in rows["bits"].unique())
    if len(lengths) < 2:
        return rows
    chosen = st.pills(
        "Code length (bits)", lengths, selection_mode="multi", default=lengths, key="bits"
    )
    return rows[rows["bits"].isin(chosen)].reset_index(drop=True)


def finding(found: Finding | None) -> None:
    """One sentence with the finding, in a warning when it may be chance."""
    if found is None:
        return
    sentence = escape_markdown(found.sentence)
    if found.is_doubtful:
        st.warning(sentence, title="Too close to call", icon=":material/balance:")
    else:
        st.markdown(sentence)


def table(rows: pd.DataFrame, cosine: pd.DataFrame) -> None:
    """The leaderboard itself."""
    board_table.show(rows, cosine)


def map_chart(rows: pd.DataFrame, found: Board) -> None:
    """MAP by code length."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("mAP by code length", anchor=False, width="content")
    best = rows.iloc[0]
    chart_panel.show(
        map_by_bits(_best(rows), found.cosine, list(found.rows["method"])),
        board_table.readable(rows, found.cosine),
        alt=f"mAP by code length; best is {best['model']} at {best['bits']} bits with "
        f"{100 * best['map']:.1f} percent.",
        key="map_by_bits",
    )
    st.caption(
        "Bars: 95 % interval over queries for one seed, standard deviation for several."
        + _left_out(rows)
    )


def curve_chart(rows: pd.DataFrame, found: Board) -> None:
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
    curves = resources.curves(_best(of_length))
    if curves.empty:
        st.caption("The curves of these runs are not on the disk; evaluate them again.")
        return
    chart_panel.show(
        precision_recall(curves, list(found.rows["method"])),
        curves,
        alt=f"Precision against recall at {bits} bits for {', '.join(curves['model'].unique())}.",
        key="precision_recall",
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
