"""A run's search as one file to send: what is in it, how large it is, the download."""

from __future__ import annotations

import streamlit as st

from dashboard import cached, state
from dashboard.services.report_basket import Basket
from pipeline.datasets.dataset import DatasetError
from pipeline.runs.results import RunError
from pipeline.sharing.findings import Findings
from pipeline.sharing.search_file import PIXELS, ShareError
from pipeline.wording import COMMAND, escape_markdown

_SIZES = {96: "small", PIXELS: "medium", 192: "large"}


def offer(dataset: str, basket: Basket) -> None:
    """The button; without a finished run it says what is missing."""
    labels = {run.id: run.label for run in cached.library.runs(dataset)}
    run_id = state.run()
    is_ready = run_id in labels
    if st.button(
        "Search as one file",
        icon=":material/travel_explore:",
        help="An image search that opens from disk, to send to people without HashLens."
        if is_ready
        else "It needs a finished run on this data set.",
        disabled=not is_ready,
        key="search_file",
    ):
        _show(str(run_id), labels, Findings.model_validate(basket.model_dump()))


@st.dialog("Search as one file")
def _show(run_id: str, labels: dict[str, str], findings: Findings) -> None:
    run = escape_markdown(labels[run_id])
    st.markdown(
        f"The search of **{run}**: codes, pictures, names and labels in one page that opens from "
        "disk, without a server or a network. Whoever gets it can search with every image in it, "
        "filter, and flip bits."
    )
    beside = st.selectbox(
        "Beside it",
        [None, *(other for other in labels if other != run_id)],
        format_func=lambda one: "no other run" if one is None else labels[one],
        key="search_file_beside",
    )
    pixels = st.segmented_control(
        "Pictures",
        list(_SIZES),
        default=PIXELS,
        format_func=lambda one: f"{_SIZES[one]}, {one} px",
        required=True,
        key="search_file_pixels",
    )
    has_findings = bool(findings.finding or findings.told)
    if has_findings and not st.checkbox("Findings of this report on top", value=True):
        findings = Findings(title=findings.title, author=findings.author)
    _download((run_id, beside) if beside else (run_id,), pixels or PIXELS, findings)


def _download(runs: tuple[str, ...], pixels: int, findings: Findings) -> None:
    try:
        with st.spinner("Measuring"):
            summary, is_folder = cached.sharing.summary(runs, pixels, findings)
    except (ShareError, RunError, DatasetError) as error:
        st.error(escape_markdown(f"It cannot be shared: {error}."), icon=":material/error:")
        return
    st.markdown(escape_markdown(summary + "."))
    if is_folder:
        beside = f" --beside {runs[1]}" if len(runs) > 1 else ""
        st.code(f"{COMMAND} share {runs[0]} search.html{beside} --pixels {pixels}")
        return
    st.download_button(
        "Download",
        data=lambda: cached.sharing.page(runs, pixels, findings),
        file_name=f"search-{runs[0]}.html",
        mime="text/html",
        on_click="ignore",
        type="primary",
        icon=":material/download:",
        key="search_file_download",
    )
