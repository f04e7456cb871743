"""Own vectors on the Import page: choose, check, import."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dashboard import access, cached, state
from dashboard.services import own_vectors
from dashboard.widgets import notices
from pipeline.index.store.base import StoreError
from pipeline.vectors.importing import VectorsPlan, store_vectors
from pipeline.vectors.request import QDRANT, VectorsRequest
from pipeline.wording import escape_markdown

_PLAN, _PROBLEM, _DONE = "vectors_plan", "vectors_problem", "vectors_done"
_NEW = "a new data set, without pictures"
_FILE, _QDRANT = "File", "Qdrant collection"


def show_form() -> None:
    """Draw the choice of source and data set, and the button that checks them."""
    kind = st.segmented_control(
        "Where the vectors are",
        (_FILE, _QDRANT),
        default=_FILE,
        required=True,
        key="vectors_from",
        label_visibility="collapsed",
    )
    vectors = ids = None
    if kind == _FILE:
        left, right = st.columns(2, gap="medium")
        vectors = left.file_uploader(
            "Vectors",
            type=list(own_vectors.SUFFIXES),
            max_upload_size=own_vectors.MOST_MB,
            key="vectors_file",
            help="A row per image, of any real type; never a pickle.",
        )
        ids = right.file_uploader(
            "Ids or paths of the images",
            type=list(own_vectors.ID_SUFFIXES),
            max_upload_size=own_vectors.MOST_MB,
            key="vectors_ids_file",
            help="Leave it empty where the file of vectors has them, or where the vectors come in "
            "the order of the images.",
        )
    else:
        st.text_input("Collection", key="vectors_collection", placeholder="pets")
    into, name = st.columns(2, gap="medium")
    data_sets = [info.name for info in cached.library.datasets()]
    target = into.selectbox("Of the images of", [*data_sets, _NEW], key="vectors_dataset")
    name.text_input(
        "Name of the backbone",
        key="vectors_name",
        placeholder="dinov3-b",
        max_chars=100,
        help="Runs on these vectors are listed under it. Where it is also the name of a network "
        "that gives the same vectors, uploaded images can be searched with.",
    )
    if target == _NEW:
        st.text_input("Name of the data set", key="vectors_new", max_chars=41)
    with st.expander("Arrays, columns and fields"):
        _show_names(is_new=target == _NEW)
    st.button(
        "Check",
        icon=":material/fact_check:",
        key="vectors_check",
        type="secondary" if _PLAN in st.session_state else "primary",
        disabled=kind == _FILE and vectors is None,
        on_click=_check,
        args=(vectors, ids),
    )


def show_outcome() -> None:
    """Draw what the check has found, with the button that imports it, or what was imported."""
    if problem := st.session_state.get(_PROBLEM, ""):
        notices.problem(
            "These vectors cannot be imported.",
            reason=problem,
            works="The library is unchanged.",
            todo="Change the files or how they are read, and check again.",
            key="vectors_problem_box",
        )
    plan: VectorsPlan | None = st.session_state.get(_PLAN)
    if plan is not None:
        with st.container(border=True, key="vectors_found"):
            st.subheader("2 · What was found", anchor=False)
            st.markdown(f"{escape_markdown(plan.sentence)}.")
            st.markdown("\n".join(f"- {escape_markdown(n)}" for n in own_vectors.shown_notes(plan)))
            if plan.missing:
                st.warning(f"{escape_markdown(plan.missing)}.", icon=":material/warning:")
            st.button("Import", icon=":material/download:", type="primary", on_click=_store)
    if done := st.session_state.get(_DONE):
        dataset, sentence = done
        with st.container(border=True, key="vectors_done_box"):
            st.success(f"{escape_markdown(sentence)}.", title="The vectors are in the library.")
            if st.button("Train on them", icon=":material/model_training:"):
                cached.library.datasets.clear()
                state.switch_page("build/train_page.py", **{state.DATASET: dataset})


def _show_names(*, is_new: bool) -> None:
    left, right = st.columns(2, gap="medium")
    left.text_input(
        "Vectors",
        key="vectors_entries",
        placeholder="found by itself",
        help="Array, column or variable, or the name of the vector in Qdrant; several with commas "
        "are put one below the other.",
    )
    right.text_input(
        "Ids",
        key="vectors_ids",
        placeholder="found by itself",
        help="Array or column of the file of vectors, or a payload field.",
    )
    left.text_input("Column of the file of ids", key="vectors_id_column")
    if is_new:
        right.text_input(
            "Labels", key="vectors_labels", help="Array, column, or payload field; may stay empty."
        )
    st.toggle("Scale every vector to length 1", key="vectors_unit")


def _check(vectors: UploadedFile | None, ids: UploadedFile | None) -> None:
    for key in (_PLAN, _PROBLEM, _DONE):
        st.session_state.pop(key, None)
    try:
        st.session_state[_PLAN] = own_vectors.plan_of_files(
            _request(vectors), _file(vectors), _file(ids), cached.library.settings()
        )
    except (ValueError, OSError, StoreError) as error:
        st.session_state[_PROBLEM] = str(error)


def _request(vectors: UploadedFile | None) -> VectorsRequest:
    said = st.session_state
    is_new = said["vectors_dataset"] == _NEW
    collection = str(said.get("vectors_collection", "")).strip()
    return VectorsRequest(
        dataset=str(said.get("vectors_new", "") if is_new else said["vectors_dataset"]).strip(),
        source=vectors.name if vectors is not None else f"{QDRANT}{collection}",
        name=said["vectors_name"].strip(),
        vectors=own_vectors.names(said.get("vectors_entries", "")),
        ids=own_vectors.names(said.get("vectors_ids", "")),
        id_column=said.get("vectors_id_column", "").strip(),
        labels=own_vectors.names(said.get("vectors_labels", "")) if is_new else (),
        new=is_new,
        unit=said.get("vectors_unit", False),
    )


def _file(upload: UploadedFile | None) -> own_vectors.File | None:
    return None if upload is None else (upload.name, upload.getvalue())


def _store() -> None:
    access.require("operator")
    plan: VectorsPlan = st.session_state.pop(_PLAN)
    try:
        store_vectors(plan, cached.library.settings())
    except (ValueError, OSError) as error:
        st.session_state[_PROBLEM] = str(error)
        return
    cached.library.datasets.clear()
    st.session_state[_DONE] = plan.dataset.info.name, plan.sentence
