"""The index of one run: its state, and what can be done with it; the worker does it."""

from __future__ import annotations

import streamlit as st

from dashboard import access, cached
from dashboard.services.run_choices import IndexKind, IndexView, index_view
from dashboard.widgets.fact_lines import Badge
from pipeline.datasets.dataset import DatasetError, load_dataset
from pipeline.images import ImageError
from pipeline.index.coverage import Images, in_words, searched_codes
from pipeline.index.index_features import KeptFeatures, feature_sizes
from pipeline.index.index_jobs import Action, verify, verify_rescoring
from pipeline.index.publish import IndexRecord
from pipeline.index.store.base import StoreError
from pipeline.index.verification import WrongCodes
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.wording import escape_markdown, file_size, plural

_STATES: dict[IndexKind, Badge] = {
    "ready": ("live", ":material/check_circle:", "green"),
    "missing": ("not published", ":material/do_not_disturb_on:", "orange"),
    "unavailable": ("not responding", ":material/error:", "red"),
    "mismatch": ("does not match the run", ":material/error:", "red"),
}
_IMAGES: dict[Images, str] = {"all": "All images", "database": "Database only"}
_HELP: dict[Action, str] = {
    "publish": "Builds a new version, compares it with the codes, then switches over in one step.",
    "refresh": "Encodes what the index lacks, such as images added since, then publishes them.",
    "roll back": "Points searches at the previous version.",
}


def show_index(run_id: str) -> None:
    """Badge, last request and buttons of one run's index."""
    state, current = cached.search.index(run_id), view(run_id)
    word, icon, color = _STATES[state.kind]
    word = state.summary.lower() or word
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(word, icon=icon, color=color)
        if current.record:
            record = current.record
            covered = _covered(run_id, record)
            beside = "" if record.features == "none" else f" · {record.features} features"
            st.caption(f"{covered}{beside} · {record.collection} · {record.created[:16]} UTC")
    if state.reason:
        st.caption(escape_markdown(state.reason))
    if current.waiting:
        progress = f" {escape_markdown(current.progress)}." if current.progress else ""
        st.info(
            f"Waiting for the worker: {current.waiting}.{progress} Searches keep using the live "
            "version.",
            icon=":material/hourglass_top:",
        )
        return
    if current.result:
        done = "Done" if current.result.is_done else "Failed"
        st.caption(
            f"Last request: {current.result.action}. "
            f"{done}: {escape_markdown(current.result.message)}"
        )
    if not access.may("operator"):
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        images = st.selectbox(
            "Images to publish",
            list(_IMAGES),
            format_func=_IMAGES.__getitem__,
            key="index_images",
            help="All: also queries and images without a label can be found. Measures are the same "
            "either way: they are always of the database alone.",
            width=200,
        )
        features = _features_to_keep(run_id, images)
        for action, help_text in _HELP.items():
            st.button(
                action.capitalize(),
                on_click=ask,
                args=(run_id, action, images, features),
                help=help_text,
                disabled=action != "publish" and current.record is None,
                key=f"index_{action}",
            )
        is_verify_pressed = st.button("Verify", disabled=current.record is None, key="index_verify")
        with st.popover("Drop", icon=":material/delete:", disabled=current.record is None):
            st.markdown("Removes all versions of this run's index. The run is kept.")
            st.button("Drop the index", on_click=ask, args=(run_id, "drop"), key="index_drop")
    if is_verify_pressed:
        _verify(run_id)


def _features_to_keep(run_id: str, images: Images) -> KeptFeatures:
    """What the index is to keep beside the codes; each choice says its size."""
    settings = cached.library.settings()
    run = RunRegistry(settings).open(run_id)
    try:
        n_images = _n_images(run.spec.dataset)
        if images == "database" or n_images is None:
            n_images = len(searched_codes(run, images)[1])
    except RunError:  # it has no codes: the button says so when it is pressed
        n_images = 0
    sizes = feature_sizes(run, n_images, settings)
    choices: dict[KeptFeatures, str] = {"none": "None"}
    for kept, n_bytes in sizes.items():
        choices[kept] = f"{kept} · {file_size(n_bytes)}"
    help_text = (
        "Kept on the disk beside the codes. Search ordered by similarity then runs inside Qdrant "
        "in one query, also where the features are not at hand."
    )
    if not sizes:
        help_text += " Features of this run's backbone are not stored here."
    return st.selectbox(
        "Features in the index",
        list(choices),
        format_func=choices.__getitem__,
        key="index_features",
        help=help_text,
        disabled=not sizes,
        width=200,
    )


def _n_images(dataset: str) -> int | None:
    return {info.name: info.n for info in cached.library.datasets()}.get(dataset)


def _covered(run_id: str, record: IndexRecord) -> str:
    n_images = _n_images(RunRegistry(cached.library.settings()).open(run_id).spec.dataset)
    if n_images is None:
        return plural(record.count, "code")
    words = in_words(record.count, n_images, record.images)
    return words[0].upper() + words[1:]


def view(run_id: str) -> IndexView:
    """Where a run is published, what the worker is to do, and what came of the last request."""
    return index_view(RunRegistry(cached.library.settings()).open(run_id))


def ask(
    run_id: str, action: Action, images: Images = "all", features: KeptFeatures = "none"
) -> None:
    """Ask the worker for a change of a run's index; for callbacks."""
    try:
        has_worker = cached.runs.change_index(run_id, action, images, features)
    except (RunError, OSError) as error:
        st.toast(escape_markdown(str(error)), icon=":material/error:")
        return
    if not has_worker:
        st.toast("Queued, but no worker is running. Runs and Search offer to start one.")


def _verify(run_id: str) -> None:
    settings = cached.library.settings()
    try:
        run = RunRegistry(settings).open(run_id)
        with st.spinner("Comparing codes and re-encoding some images"):
            dataset, store = load_dataset(run.spec.dataset, settings), cached.library.store()
            sentence = verify(run, dataset, store) + verify_rescoring(run, dataset, store, settings)
    except WrongCodes as error:
        st.error(escape_markdown(str(error)), title="The index does not match the codes")
    except (RunError, DatasetError, ImageError, StoreError) as error:
        st.error(escape_markdown(str(error)), title="The index could not be verified")
    else:
        st.success(sentence, icon=":material/check_circle:")
