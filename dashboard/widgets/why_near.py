"""Why an image is near a query under a run: relevance, labels, both codes, its ranks."""

from __future__ import annotations

import streamlit as st

from dashboard import cached
from dashboard.services.queries import EncodingError
from dashboard.services.search import AskedImage, bit_string
from dashboard.widgets import bit_names, bit_strip, fact_lines, query_panel
from dashboard.widgets.relaxed_query import relaxed_query
from pipeline.analysis.explain import least_sure_first, place, unsure_bits, unsure_words
from pipeline.analysis.opened_run import OpenRun
from pipeline.analysis.query_quality import is_relevant
from pipeline.datasets.dataset import DatasetError
from pipeline.index.search import Encoded, stored_query
from pipeline.runs.registry import RunError
from pipeline.wording import escape_html, escape_markdown

_RELEVANCE: dict[bool | None, fact_lines.Badge] = {
    True: ("Relevant", ":material/check_circle:", "green"),
    False: ("Not relevant", ":material/cancel:", "orange"),
    None: ("Relevance unknown", ":material/help:", "gray"),
}


def query(opened: OpenRun, asked: AskedImage) -> None:
    """Which query the image is compared with, on pages that do not show it."""
    st.html(
        "<div style='display:flex;gap:.75rem;align-items:center;margin-top:.5rem'>"
        f"<img src='{query_panel.source(opened, asked)}' alt='' "
        "style='width:3.5rem;border-radius:.4rem'><div style='overflow-wrap:anywhere'>"
        f"<b>Compared with the query on Search</b><br>{escape_html(asked.name)} · "
        f"{escape_html(opened.run_label)}</div></div>"
    )


def show(row: int, opened: OpenRun, asked: AskedImage, *, is_known: bool = False) -> None:
    """Draw it inside a drawer.

    Args:
        row: of the image in the manifest.
        opened: the run.
        asked: the query.
        is_known: what the image is stands above already.
    """
    relevant = is_relevant(opened, asked.row, row)
    label, icon, color = _RELEVANCE[relevant]
    st.badge(label, icon=icon, color=color)
    labels = opened.label_names(row)
    lines = [("Image", opened.text("image_id", row)), ("Labels", ", ".join(labels) or "none")]
    lines = [] if is_known else lines
    if relevant is not None and asked.row is not None:
        wanted = set(opened.label_names(asked.row))
        lines.append(("Shared with the query", f"{len(wanted & set(labels))} of {len(wanted)}"))
    fact_lines.facts(lines)
    _codes(row, opened, asked)
    _ranks(row, opened, asked)


def _codes(row: int, opened: OpenRun, asked: AskedImage) -> None:
    found = stored_query(opened.run, row)
    if found is None:
        st.caption(f"{opened.run_label} has no code for this image: it was used only for training.")
        return
    mine, theirs = bit_string(asked.query), bit_string(found)
    differs = bit_strip.differences(mine, theirs)
    st.markdown(f"**{differs.count('1')} of {opened.bits} bits differ**")
    relaxed = None
    if isinstance(asked.query, Encoded) or st.toggle(
        "Mark unsure bits", key="unsure", help="Encodes the query again, which takes a moment."
    ):
        try:
            relaxed = relaxed_query(opened, asked).relaxed
        except EncodingError as error:
            st.error(escape_markdown(str(error)))
    unsure = "" if relaxed is None else unsure_bits(relaxed)
    st.html(bit_strip.two_codes(mine, theirs, unsure))
    if relaxed is None or "1" not in differs:
        bit_names.differing(opened, differs)
        return
    bit_names.least_sure_first(opened, least_sure_first(differs, relaxed))
    before, after = (place(opened, asked.query, row, asked.row, by) for by in (None, relaxed))
    st.caption(unsure_words(differs, unsure, before, after))


def _ranks(row: int, opened: OpenRun, asked: AskedImage) -> None:
    """Rank here, and under another run of the same data set."""
    here = place(opened, asked.query, row, asked.row)
    lines = [("Rank in this run", here.words if here else "not in the database")]
    others = {
        one.id: one.label
        for one in cached.library.runs(opened.dataset.info.name)
        if one.id != opened.id
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
            lines.append(("Rank in that run", _place_under(chosen, row, asked)))
    fact_lines.facts(lines)


def _place_under(run_id: str, row: int, asked: AskedImage) -> str:
    try:
        other = cached.search.opened(run_id)
        query = None if asked.row is None else stored_query(other.run, asked.row)
        if query is None and asked.upload is not None:
            query = query_panel.upload_code(run_id, asked.upload)
    except (RunError, DatasetError, EncodingError) as error:
        return str(error)
    found = place(other, query, row, asked.row) if query else None
    return found.words if found else "the run has no code for the query or the image"
