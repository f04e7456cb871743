"""Boxes for what is missing and what went wrong: what happened, what still works, what to do."""

from __future__ import annotations

import streamlit as st

from dashboard import access, cached, state
from dashboard.services import imports
from dashboard.widgets import recommended_training
from pipeline.analysis.opened_run import OpenRun
from pipeline.datasets.dataset import DatasetError, DatasetInfo
from pipeline.ingest.request import ImportRequest
from pipeline.runs.results import RunError
from pipeline.wording import COMMAND, escape_html, escape_markdown

_DEMO = f"{COMMAND} demo"
_DRAWINGS = ImportRequest(source="openmoji")
_STORED_WORKS = "The other views on this page need only the stored codes."


def chosen_dataset() -> DatasetInfo:
    """The chosen data set; where there is none say what is missing and stop the page."""
    name = state.dataset()
    info = next((info for info in cached.library.datasets() if info.name == name), None)
    if info is None:
        empty_library()
        st.stop()
    return info


def readable_dataset() -> DatasetInfo:
    """The chosen data set; when its manifest cannot be read say so and stop the page."""
    info = chosen_dataset()
    try:
        cached.library.dataset(info.name)
    except DatasetError as error:
        problem(
            "This data set cannot be opened.",
            reason=str(error),
            works="Other data sets can be chosen in the sidebar.",
            command=f"{COMMAND} doctor",
            key="dataset_problem",
        )
        st.stop()
    return info


def chosen_run() -> str:
    """The id of the chosen run; on a first run say what is missing and stop the page."""
    info, run_id = chosen_dataset(), state.run()
    if run_id is None:
        st.subheader("No finished run on this data set", anchor=False)
        st.markdown("The images are here, but no hash method has been trained on them yet.")
        recommended_training.show_recommended(info)
        st.stop()
    return run_id


def empty_library() -> None:
    """Say that there are no images yet, and offer the built-in ones or an import."""
    with st.container(border=True, key="first_run"):
        st.subheader("The library is empty", anchor=False)
        st.markdown(
            "HashLens needs images and a trained hash method. Import the built-in emoji drawings "
            "(no download, a few minutes with training) or images of your own."
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button(
                "Import the drawings", icon=":material/download:", type="primary", key="built_in"
            ):
                access.require("operator")
                job = imports.begin(_DRAWINGS, "import", cached.library.settings())
                state.switch_page("build/import_page.py", job=job.id)
            st.page_link("build/import_page.py", label="Import your own", icon=":material/upload:")
        with st.expander("As a command", icon=":material/terminal:"):
            st.code(_DEMO, language="bash")


def opened(run_id: str) -> OpenRun:
    """The run with its codes; when they cannot be read say so and stop the page."""
    try:
        return cached.search.opened(run_id)
    except (RunError, DatasetError) as error:
        problem(
            "This run cannot be opened.",
            reason=str(error),
            works="Other runs can be chosen in the sidebar.",
            todo="Train the run again.",
            key="run_problem",
        )
        st.stop()


def measured(run_id: str) -> OpenRun:
    """The run's own codes and labels; when they cannot be read say so and stop the page."""
    try:
        return cached.analysis.measured(run_id)
    except (RunError, DatasetError) as error:
        problem(
            "This run cannot be analysed.",
            reason=str(error),
            works="Other runs can be chosen in the sidebar.",
            todo="If its codes are damaged, train the run again.",
            key="measured_problem",
        )
        st.stop()


def cannot_encode(
    reason: str, *, key: str, works: str = _STORED_WORKS, run: str = "This run"
) -> None:
    """Say why a run cannot encode images.

    Args:
        reason: the details, from an error.
        key: of the box.
        works: what still works.
        run: which run it is; begins the title.
    """
    todo = "Choose another run, or train one on a network that is here."
    problem(f"{run} cannot encode images.", reason=reason, works=works, todo=todo, key=key)


def no_better_than_baseline(run_id: str) -> None:
    """Warn that a run is no better than random order or colours alone; else nothing."""
    flag = cached.analysis.baseline_flag(run_id)
    if flag is not None and flag.reached:
        st.warning(escape_markdown(flag.sentence), icon=":material/warning:")


def licence(info: DatasetInfo) -> None:
    """A small line with licence and attribution of the data set on screen."""
    parts = [part for part in (info.attribution, f"Licence: {info.licence}") if part]
    if info.attribution and info.licence in info.attribution:
        parts = [info.attribution]
    st.html(
        "<footer style='font-size:.75rem;opacity:.75;margin-top:1rem'>"
        f"{escape_html(' '.join(parts))}</footer>"
    )


def problem(
    title: str, *, reason: str, works: str = "", todo: str = "", command: str = "", key: str
) -> None:
    """Say what went wrong. `reason` may hold file names: it is escaped.

    Args:
        title: what happened, in one sentence.
        reason: the details, from an error.
        works: what still works.
        todo: what to do.
        command: to copy into a terminal.
        key: of the box.
    """
    parts = (escape_markdown(reason), works, todo)
    with st.container(key=key):
        st.error("\n\n".join(part for part in parts if part), title=title)
        if command:
            with st.expander("As a command", icon=":material/terminal:"):
                st.code(command, language="bash")
