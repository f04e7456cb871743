"""What can be done with the data set on screen: another title, export, deletion."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import access, cached, state
from dashboard.explore import browse_labels
from dashboard.services import imports
from dashboard.services.results_table import to_csv
from dashboard.widgets import image_tags, notices
from pipeline.annotations.tags import tag_table
from pipeline.annotations.verdicts import verdict_table
from pipeline.datasets.dataset import DatasetError, RetrievalDataset
from pipeline.datasets.problems import read_problems
from pipeline.deletions import delete_with_all, dependents_of
from pipeline.index.store.base import StoreError
from pipeline.library import rename_dataset
from pipeline.sums import check_sum
from pipeline.wording import COMMAND, escape_markdown, plural

_TITLE, _PROBLEM = "browse_title", "browse_delete_problem"


def show_actions(dataset: RetrievalDataset) -> None:
    """A button that opens the actions; those that only read, for whom no others are."""
    name, may_change = dataset.info.name, access.may("operator")
    label, icon = ("Manage", "tune") if may_change else ("Download", "download")
    with st.popover(label, icon=f":material/{icon}:"):
        if may_change:
            st.text_input("Title", dataset.info.title, key=_TITLE, max_chars=80)
            st.button("Rename", icon=":material/edit:", on_click=_rename, args=(name,))
        st.download_button(
            "Manifest as CSV",
            data=lambda: to_csv(_manifest(dataset)),
            file_name=f"{name}.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
        )
        table = verdict_table(dataset, cached.library.settings())
        st.download_button(
            f"Verdicts as CSV ({len(table):,})",
            data=lambda: to_csv(table),
            file_name=f"{name}-verdicts.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
            disabled=table.empty,
            help="Verdicts given in drawers and reviews. Same as: "
            f"{COMMAND} verdicts export {name} FILE",
        )
        tagged = tag_table(dataset, image_tags.read(dataset)[0])
        st.download_button(
            f"Tags as CSV ({len(tagged):,})",
            data=lambda: to_csv(tagged),
            file_name=f"{name}-tags.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
            disabled=tagged.empty,
        )
        if may_change:
            browse_labels.show_labelling(name)
        with st.expander("Export as a command", icon=":material/terminal:"):
            st.caption("Images and labels as an archive that can be imported again.")
            st.code(f"{COMMAND} datasets export {name} {name}.zip", language="bash")
        if may_change and st.button("Delete", icon=":material/delete:"):
            _confirm(dataset)
    problem = st.session_state.pop(_PROBLEM, "")
    if problem:
        notices.problem(
            "The data set was not deleted.",
            reason=problem,
            works="It is still there.",
            todo="You can also delete it on the command line:",
            command=f"{COMMAND} datasets delete {name}",
            key="delete_problem",
        )


def problems(dataset: RetrievalDataset) -> None:
    """Files that were skipped or changed, when there are any."""
    path = dataset.folder / "problems.csv"
    rejected = tuple(read_problems(path))
    try:
        check_sum(path)
    except FileNotFoundError:
        return
    except ValueError as error:
        st.warning(f"{escape_markdown(str(path))} is damaged: {error}.", icon=":material/warning:")
    if not rejected:
        return
    with st.expander(f"Skipped or changed files ({len(rejected):,})", icon=":material/table:"):
        table = imports.problem_table(rejected)
        st.dataframe(table, hide_index=True, alt="Files and reasons", key="browse_problems")


def _rename(name: str) -> None:
    access.require("operator")
    title = str(st.session_state[_TITLE]).strip()
    if title:
        rename_dataset(name, cached.library.settings(), title=title)
        cached.library.datasets.clear()


@st.dialog("Delete this data set?")
def _confirm(dataset: RetrievalDataset) -> None:
    info = dataset.info
    hanging = dependents_of(info.name, cached.library.settings())
    st.markdown(
        f"**{escape_markdown(info.title)}** with {plural(info.n, 'image')}, {hanging} and its "
        "thumbnails will be deleted. This cannot be undone. Features are kept: they belong to the "
        "content of images."
    )
    pressed = st.button(
        "Delete for good",
        icon=":material/delete_forever:",
        type="primary",
        on_click=_delete,
        args=(info.name,),
    )
    if pressed:
        st.rerun()


def _delete(name: str) -> None:
    access.require("operator")
    try:
        delete_with_all(name, cached.library.settings(), cached.library.store())
    except (DatasetError, StoreError, OSError) as error:
        st.session_state[_PROBLEM] = str(error)
        return
    for cache in (
        cached.library.datasets,
        cached.library.runs,
        cached.runs.boards,
    ):
        cache.clear()
    cached.search.forget_indexes()
    st.query_params.pop(state.DATASET, None)


def _manifest(dataset: RetrievalDataset) -> pd.DataFrame:
    """The manifest with lists of labels as text."""
    names = [f"labels:{labels.name}" for labels in dataset.info.label_sets]
    return dataset.manifest.assign(**{name: dataset.manifest[name].str.join("|") for name in names})
