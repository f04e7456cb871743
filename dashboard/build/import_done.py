"""What an import has made, and where to go from there."""

from __future__ import annotations

import streamlit as st

from dashboard import cached, state
from dashboard.build import import_flow
from dashboard.widgets import recommended_training
from pipeline.datasets.class_counts import labelled_words
from pipeline.datasets.dataset import DatasetError, DatasetInfo
from pipeline.ingest.import_jobs import JobStatus
from pipeline.wording import duration, escape_markdown, plural


def show_done(status: JobStatus) -> None:
    """Say what is there now and how it is split, with the ways on."""
    before = {candidate.name for candidate in cached.library.datasets()}
    cached.library.datasets.clear()
    info = next(
        (candidate for candidate in cached.library.datasets() if candidate.name == status.dataset),
        None,
    )
    if info is None:
        st.info("This data set has since been deleted.")
        return
    import_flow.follow(info.name)
    if info.name not in before:
        st.rerun()  # the sidebar was drawn without it
    with st.container(border=True, key="import_done"):
        st.success(
            f"{plural(info.n, 'image')} in {duration(status.seconds)}, "
            f"{plural(info.n_problems, 'file')} skipped or changed. Evaluated under "
            f"{escape_markdown(info.split_summary)}.{_labelled(info)}",
            title=f"{escape_markdown(info.title)} is in the library.",
        )
        with st.container(horizontal=True):
            if st.button("Browse it", icon=":material/grid_view:"):
                state.switch_page("explore/browse_page.py", **{state.DATASET: info.name})
            st.button("Import more", icon=":material/add:", on_click=import_flow.leave)
    recommended_training.show_recommended(info)


def _labelled(info: DatasetInfo) -> str:
    """How many images have a label in each set where not all do; starts with a space."""
    try:
        dataset = cached.library.dataset(info.name)
    except DatasetError:  # gone again
        return ""
    words = [labelled_words(dataset, labels) for labels in info.label_sets]
    return "".join(f" {escape_markdown(one)}." for one in words if one)
