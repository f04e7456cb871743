"""The database's own quantizers on the leaderboard: what they reach, and measuring them."""

from __future__ import annotations

import streamlit as st

from dashboard import cached
from dashboard.services.queries import EncodingError
from dashboard.widgets import report_button
from dashboard.widgets.report_button import Entry
from pipeline.analysis.comparisons import Comparison
from pipeline.index.quantizer_report import QuantizerReport, quantizer_finding, quantizer_table
from pipeline.wording import COMMAND, escape_markdown

_HELP = {
    "Bytes": "Of each image that a search scans, as they lie on disk; a server does not tell.",
    "Search (ms)": "Of a query for its nearest 10, all vectors scanned.",
    "Build (s)": "From the first vector until all are compressed.",
}


def show(run: str, comparison: Comparison) -> None:
    """The table of quantizers, with a button that measures them.

    Args:
        run: id of a run of the comparison, whose backbone and split count.
        comparison: gives protocol and relevance.
    """
    st.subheader("The database's own quantizers", anchor=False)
    st.markdown(
        "Qdrant can compress the features instead of hashing them: what that keeps, and of how "
        "many bytes, on features as they are and centred."
    )
    report = cached.storage.quantizers(run, comparison.relevance)
    if report is not None:
        _results(report, comparison, run)
    label = "Measure" if report is None else "Measure again"
    if st.button(label, icon=":material/speed:", key="measure_quantizers"):
        _measure(run, comparison.relevance)
    if report is None:
        st.caption(
            "At most 250 queries and 20,000 images, drawn evenly. A minute for 1,000 images, "
            f"several for 20,000; `{COMMAND} quantizers` does the same."
        )


def _measure(run: str, relevance: str) -> None:
    place = st.empty()

    def show_progress(done: int, total: int) -> None:
        place.progress(done / total, f"{done} of {total} measured")

    try:
        cached.networks.measure_quantizers(run, relevance, show_progress)
    except EncodingError as error:
        place.error(escape_markdown(str(error)), title="The quantizers cannot be measured")
        return
    st.rerun()


def _results(report: QuantizerReport, comparison: Comparison, run: str) -> None:
    finding, table = quantizer_finding(report), quantizer_table(report)
    st.markdown(escape_markdown(finding))
    number = st.column_config.NumberColumn
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        key="quantizers",
        placeholder="–",
        alt=f"Quantizers by quality, bytes and time. {finding}",
        column_config={
            name: number(format="%d" if name == "Bytes" else "%.1f", help=_HELP.get(name))
            for name in table.columns[2:]
        }
        | {"Quantizer": st.column_config.TextColumn(pinned=True, width=190)}
        | {"Search (ms)": number(format="%.2f", help=_HELP["Search (ms)"])},
    )
    st.caption(escape_markdown(report.sentence))
    for title, reason in report.left_out_titles.items():
        st.caption(escape_markdown(f"{title} is left out: {reason}."))
    entry = Entry(
        "The database's own quantizers",
        finding=finding,
        protocol=f"{comparison.sentence} {report.sentence}",
        runs=(run,),
    )
    report_button.show_report_button(entry, table, key="quantizers")
