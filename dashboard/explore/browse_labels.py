"""Labels for a data set that is there: a table is joined to it as another label set."""

from __future__ import annotations

import streamlit as st

from dashboard import access, cached
from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.add_labels import Joined, add_labels
from pipeline.ingest.layouts.table_files import TABLE_SUFFIXES
from pipeline.wording import COMMAND, escape_markdown

_FILE, _NAME, _OUTCOME = "browse_label_file", "browse_label_name", "browse_label_outcome"


def show_labelling(name: str) -> None:
    """A box for a table and a button that joins its labels to the data set `name`."""
    st.file_uploader(
        "Table with labels",
        type=[suffix.removeprefix(".") for suffix in TABLE_SUFFIXES],
        key=_FILE,
        help="A row an image: its name or id, and its label or labels. They become another label "
        "set; those that are there stay. Same as: "
        f"{COMMAND} datasets label {name} FILE",
    )
    st.text_input(
        "Name of the label set", key=_NAME, placeholder="that of the column", max_chars=60
    )
    st.button(
        "Add labels",
        icon=":material/label:",
        on_click=_add,
        args=(name,),
        disabled=st.session_state.get(_FILE) is None,
        key="browse_add_labels",
    )


def show_outcome(name: str) -> None:
    """What came of the last press of the button for the data set `name`, once."""
    outcome = st.session_state.pop(_OUTCOME, None)
    if isinstance(outcome, Joined):
        lines = [f"{outcome.sentence}.", *outcome.notes]
        st.success("  \n".join(map(escape_markdown, lines)), title="The labels are in the library")
        with st.expander("As a command", icon=":material/terminal:"):
            st.caption(outcome.next_step)
            st.code(outcome.command(name), language="bash")
    elif outcome:
        st.error(escape_markdown(str(outcome)), title="No labels were added")


def _add(name: str) -> None:
    access.require("operator")
    upload = st.session_state.get(_FILE)
    if upload is None:
        return
    wanted, settings = str(st.session_state.get(_NAME, "")).strip(), cached.library.settings()
    try:
        st.session_state[_OUTCOME] = add_labels(
            name, upload.name, upload.getvalue(), settings, label_set=wanted
        )
    except (DatasetError, OSError) as error:
        st.session_state[_OUTCOME] = str(error)
        return
    cached.library.datasets.clear()
    cached.search.retry()
