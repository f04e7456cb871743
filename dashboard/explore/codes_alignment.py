"""The bits of a run beside those of another run: which of them say the same."""

from __future__ import annotations

import streamlit as st

from dashboard import cached, state
from dashboard.charts.alignment import alignment
from dashboard.widgets import chart_panel, linked_select, notices
from pipeline.analysis import aligned_bits as service
from pipeline.analysis.opened_run import OpenRun
from pipeline.annotations.bit_names import BitNames
from pipeline.wording import escape_markdown, plural

BESIDE = "beside"  # key and parameter of the other run


def choose(opened: OpenRun) -> OpenRun:
    """The other run; where there is none say so and stop the page."""
    others = {
        choice.slug: choice
        for choice in cached.library.runs(opened.dataset.info.name)
        if choice.id != opened.id
    }
    if not others:
        st.info("This is the only finished run on the data set; aligning bits takes two.")
        st.page_link("build/train_page.py", label="Train another", icon=":material/model_training:")
        st.stop()
    names = {slug: choice.label for slug, choice in others.items()}
    chosen = linked_select.show_select("Other run", names, key=BESIDE)
    if not linked_select.is_any_gone(state.DATASET, state.RUN):
        linked_select.say_gone("run", names, BESIDE)
    return notices.opened(others[chosen].id)


def show_alignment(opened: OpenRun, other: OpenRun) -> None:
    """How much of the code the other run has too, and the bits with their counterparts."""
    try:
        aligned = cached.search.aligned(opened, other)
    except ValueError as error:
        st.info(escape_markdown(f"The bits cannot be aligned: {error}."))
        return
    st.markdown(escape_markdown(aligned.finding))
    alt = f"Correlation of bits with their counterparts. {aligned.finding}"
    chart_panel.draw(
        alignment(aligned.table, service.LEAST, aligned.chance), alt=alt, key="alignment"
    )
    st.caption(
        f"Bits are matched one to one by their correlation over "
        f"{plural(aligned.n_images, 'image')} that both databases hold. Dashed: |r| = "
        f"{service.LEAST}; dotted: the mean of the same matching with the images permuted."
    )
    names, theirs = (BitNames.of(one.run).all() for one in (opened, other))
    table = aligned.table.assign(
        name=aligned.table["bit"].map(names), theirs=aligned.table["counterpart"].map(theirs)
    )
    named = [column for column in ("name", "theirs") if table[column].notna().any()]
    st.dataframe(
        table,
        hide_index=True,
        height=260,
        alt="Bits with counterpart, correlation and sense.",
        column_order=["bit", "counterpart", "correlation", "sense", *named],
        column_config={
            "bit": "Bit",
            "counterpart": "Counterpart",
            "correlation": st.column_config.NumberColumn("Correlation", format="%+.2f"),
            "sense": "Sense",
            "name": "Name",
            "theirs": "Name in the other run",
        },
    )
