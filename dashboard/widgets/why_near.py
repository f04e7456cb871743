"""Why an image is near a query under a run: relevance, labels, both codes, its ranks."""

from __future__ import annotations

import streamlit as st

from dashboard import cached
from dashboard.services.queries import EncodingError
from dashboard.services.search import QueryImage, bit_string
from dashboard.widgets import bit_names, bit_strip, fact_lines, query_panel
from dashboard.widgets.relaxed_query import relaxed_query
from pipeline.analysis.explain import least_sure_first, place, unsure_bits, unsure_words
from pipeline.analysis.opened_run import OpenRun
from pipeline.analysis.query_quality import is_relevant
from pipeline.datasets.dataset import DatasetError
from pipeline.index.search import Encoded, stored_query
from pipeline.runs.results import RunError
from pipeline.wording import escape_html, escape_markdown

_RELEVANCE: dict[bool | None, fact_lines.Badge] = {
    True: ("Relevant", ":material/check_circle:", "green"),
    False: ("Not relevant", ":material/cancel:", "orange"),
    None: ("Relevance unknown", ":material/help:", "gray"),
}


def show_query(opened: OpenRun, query: QueryImage) -> None:
    """Which query the image is compared with, on pages that do not show it."""
    st.html(
        "<div style='display:flex;gap:.75rem;align-items:center;margin-top:.5rem'>"
        f"<img src='{query_panel.source(opened, query)}' alt='' "
        "style='width:3.5rem;border-radius:.4rem'><div style='overflow-wrap:anywhere'>"
        f"<b>Compared with the query on Search</b><br>{escape_html(query.name)} · "
        f"{escape_html(opened.label)}</div></div>"
    )


def show_why_near(row: int, opened: OpenRun, query: QueryImage, *, is_known: bool = False) -> None:
    """Relevance, labels, both codes and ranks of an image; for a drawer.

    Args:
        row: of the image in the manifest.
        opened: the run.
        query: the query.
        is_known: what the image is stands above already.
    """
    relevant = is_relevant(opened, query.row, row)
    label, icon, color = _RELEVANCE[relevant]
    st.badge(label, icon=icon, color=color)
    labels = opened.label_names(row)
    lines = [("Image", opened.text("image_id", row)), ("Labels", ", ".join(labels) or "none")]
    lines = [] if is_known else lines
    if relevant is not None and query.row is not None:
        wanted = set(opened.label_names(query.row))
        lines.append(("Shared with the query", f"{len(wanted & set(labels))} of {len(wanted)}"))
    fact_lines.facts(lines)
    _codes(row, opened, query)
    _ranks(row, opened, query)


def _codes(row: int, opened: OpenRun, query: QueryImage) -> None:
    code = stored_query(opened.run, row)
    if code is None:
        st.caption(f"{opened.label} has no code for this image: it was used only for training.")
        return
    mine, theirs = bit_string(query.encoded), bit_string(code)
    differs = bit_strip.differences(mine, theirs)
    st.markdown(f"**{differs.count('1')} of {opened.bits} bits differ**")
    relaxed = None
    if isinstance(query.encoded, Encoded) or st.toggle(
        "Mark unsure bits", key="unsure", help="Encodes the query again, which takes a moment."
    ):
        try:
            relaxed = relaxed_query(opened, query).relaxed
        except EncodingError as error:
            st.error(escape_markdown(str(error)))
    unsure = "" if relaxed is None else unsure_bits(relaxed)
    st.html(bit_strip.two_codes(mine, theirs, unsure))
    if relaxed is None or "1" not in differs:
        bit_names.differing(opened, differs)
        return
    bit_names.least_sure_first(opened, least_sure_first(differs, relaxed))
    before, after = (place(opened, query.encoded, row, query.row, by) for by in (None, relaxed))
    st.caption(unsure_words(differs, unsure, before, after))


def _ranks(row: int, opened: OpenRun, query: QueryImage) -> None:
    """Rank here, and under another run of the same data set."""
    here = place(opened, query.encoded, row, query.row)
    lines = [("Rank in this run", here.words if here else "not in the database")]
    others = {
        choice.id: choice.label
        for choice in cached.library.runs(opened.dataset.info.name)
        if choice.id != opened.id
    }
    if others:
        chosen = st.selectbox(
            "Rank under another run",
            list(others),
            index=None,
            format_func=others.__getitem__,
            key="other_run",
            placeholder="choose a run",
        )
        if chosen:
            lines.append(("Rank in that run", _place_under(chosen, row, query)))
    fact_lines.facts(lines)


def _place_under(run_id: str, row: int, query: QueryImage) -> str:
    try:
        other = cached.search.opened(run_id).searched
        code = None if query.row is None else stored_query(other.run, query.row)
        if code is None and query.upload is not None:
            code = query_panel.upload_code(run_id, query.upload)
        if query.words is not None:
            code = cached.networks.encoded_words(run_id, query.words.text)
    except (RunError, DatasetError, EncodingError) as error:
        return str(error)
    ranks = place(other, code, row, query.row) if code else None
    return ranks.words if ranks else "the run has no code for the query or the image"
