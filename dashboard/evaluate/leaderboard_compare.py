"""The compare tray: what differs between some rows of the leaderboard, and ways on from there."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import cached, state
from dashboard.widgets import report_button
from dashboard.widgets.report_button import Entry
from pipeline.analysis.comparisons import Comparison
from pipeline.runs.results import RunError
from pipeline.wording import escape_markdown

_FEWEST, _MOST = 2, 6


def show(rows: pd.DataFrame, comparison: Comparison) -> None:
    """Measures and settings of some rows, a column each, and ways on.

    Args:
        rows: of a leaderboard; with fewer than two there is nothing to compare.
        comparison: they belong to.
    """
    if len(rows) < _FEWEST:
        st.caption("Tick two rows or more to compare them.")
        return
    rows = rows.head(_MOST)
    with st.container(border=True, key="tray"):
        try:
            measures = cached.analysis.measures_table(list(rows["run"]))
            _tables(measures, list(rows["run"]))
        except RunError as error:
            st.warning(escape_markdown(str(error)))
            return
        with st.container(horizontal=True, key="tray_ways"):
            if st.button("Open curves", icon=":material/show_chart:", key="tray_curves"):
                st.session_state["models"] = list(dict.fromkeys(rows["model"]))
                st.session_state["curve_bits"] = sorted({int(bits) for bits in rows["bits"]})
                state.switch_page("evaluate/curves_page.py")
            if st.button("Open compare", icon=":material/compare_arrows:", key="tray_compare"):
                _open_compare(list(rows["run"]))
            entry = Entry(
                "Runs compared",
                protocol=comparison.sentence,
                runs=tuple(map(str, rows["run"])),
            )
            report_button.show_report_button(entry, measures, key="tray")


def _tables(measures: pd.DataFrame, runs: list[str]) -> None:
    only = st.toggle("Only what differs", True, key="only_differences", bind="query-params")
    asked = cached.analysis.settings_table(runs, only_differences=only)
    st.dataframe(measures, hide_index=True, key="compared_measures", alt="Measures side by side.")
    if asked.empty:
        st.caption("These runs have the same settings.")
    else:
        st.dataframe(asked, hide_index=True, key="compared_settings", alt="Settings side by side.")
    st.caption(
        "Shares in percent, means over queries; in brackets the difference to the first. The seed "
        "shown is the lowest of each row."
    )


def _open_compare(runs: list[str]) -> None:
    """One query under the first two."""
    slugs = {run.id: run.slug for run in cached.library.runs(str(state.dataset()))}
    first, second = (slugs.get(run, "") for run in runs[:2])
    state.switch_page("explore/compare_page.py", a=first, b=second)
