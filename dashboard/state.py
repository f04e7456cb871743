"""What one browser tab has chosen: names and accessors of state that pages share.

Data set (`ds`) and run (`run`) are the sidebar's choices. The query (`q`) is not a widget. All are
kept here, shown in the address bar, and taken from there where a link or the browser's Back asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.services.queries import Upload
from pipeline.index.search import Query

DATASET, RUN, PAGE = "ds", "run", "p"
QUERY, COMPARED, COMPARED_QUERY = "q", ("a", "b"), "cq"
RELEVANCE, RANKING = "relevance", "ranking"  # by which runs are evaluated
FAILURE = "failure"  # manifest row of the query in detail on Failures
TO_TRAIN = "to_train"  # names of methods that another page asks Train to begin with
FINGERPRINT = "ix"  # of what a link was made from; see `permalink`
_RUN_ID, _UPLOADS, _GOING = "run_id", "uploads", "going_to_search"
_LINKED = "linked"  # names in the address bar that a link within the dashboard has set


def dataset() -> str | None:
    """Name of the chosen data set; None when there is none."""
    return st.session_state.get(DATASET)


def run() -> str | None:
    """Id of the chosen run; None when the data set has none."""
    return st.session_state.get(_RUN_ID)


def set_run(run_id: str | None) -> None:
    """Keep the id behind the sidebar's choice; for the sidebar."""
    st.session_state[_RUN_ID] = run_id


def from_address(name: str, current: str | None) -> str | None:
    """What the address bar asks for under `name`; None if nothing.

    It asks when the tab is new, at a link, and at the browser's Back or Forward. At any other time
    a request may have left before the browser heard of the last choice, and must not undo it.

    Args:
        name: of the parameter.
        current: what is chosen so far; None in a new tab, or on a page that was just opened.
    """
    context, linked = get_script_run_ctx(), st.session_state.get(_LINKED, set())
    is_asking = name in linked or (context is not None and context.is_history_navigation)
    linked.discard(name)
    return st.query_params.get(name) if is_asking or current is None else None


def write_address(name: str, choice: str) -> None:
    """Write what is chosen into the address bar.

    A link's fingerprint is of the runs that it names: it leaves with them, in one step, since two
    would be two for the browser's Back.
    """
    was = st.query_params.get(name)
    if was != choice:
        is_other = was is not None and name in (DATASET, RUN, *COMPARED)
        st.query_params.update({name: choice} | ({FINGERPRINT: []} if is_other else {}))


def switch_page(page: str, **parameters: str) -> NoReturn:
    """Go to another page of the same data set and run, which Streamlit would forget.

    Args:
        page: file, from the folder of the dashboard.
        parameters: of the address bar there.
    """
    kept = {name: st.session_state[name] for name in (DATASET, RUN) if name in st.session_state}
    st.session_state[_LINKED] = set(parameters)
    st.switch_page(page, query_params=kept | parameters)


def switch_to_compare(ref: str) -> NoReturn:
    """Go to the page that compares runs, on the query of a link name; its runs stay."""
    runs = {name: st.session_state[name] for name in COMPARED if name in st.session_state}
    switch_page("explore/compare_page.py", **runs, **{COMPARED_QUERY: ref})


def relevance() -> str:
    """What is relevant to a query on the evaluating pages; empty for the default of each run."""
    if wanted := from_address(RELEVANCE, st.session_state.get(RELEVANCE)):
        st.session_state[RELEVANCE] = wanted
    return str(st.session_state.get(RELEVANCE, ""))


def ranking() -> str:
    """How codes put images in order on the evaluating pages; empty for Hamming distance."""
    if wanted := from_address(RANKING, st.session_state.get(RANKING)):
        st.session_state[RANKING] = wanted
    return str(st.session_state.get(RANKING, ""))


def write_conditions() -> None:
    """Write the chosen relevance and ranking into the address bar, where any was chosen."""
    for name, choice in ((RELEVANCE, relevance()), (RANKING, ranking())):
        if choice:
            write_address(name, choice)


def choose_conditions(relevance: str, ranking: str) -> None:
    """Make other conditions those of the evaluating pages; for callbacks."""
    st.session_state[RELEVANCE], st.session_state[RANKING] = relevance, ranking


def choose_run(slug: str) -> None:
    """Make another run the sidebar's choice; for callbacks."""
    st.session_state[RUN] = slug


def query(name: str = QUERY) -> str:
    """Link name of the query, empty for the default.

    Args:
        name: of its parameter: `q` on Search, `cq` where runs are compared.
    """
    if wanted := from_address(name, st.session_state.get(name)):
        # Older links name the row alone.
        st.session_state[name] = f"ds:{wanted}" if wanted.isdecimal() else wanted
    return str(st.session_state.get(name, ""))


def choose_query(ref: str, name: str = QUERY) -> None:
    """Make `ref` the query, on Search from its first result on; for callbacks."""
    st.session_state[name] = ref
    if name == QUERY:
        first_page()


def search_next(ref: str) -> None:
    """Make `ref` the query and go to Search, which `go_on` does; for callbacks."""
    choose_query(ref)
    st.session_state[_GOING] = True


def go_on() -> None:
    """Go to Search where a callback asked for it: only a page itself can switch."""
    if st.session_state.pop(_GOING, False):
        switch_page("explore/search_page.py", q=query())


def first_page() -> None:
    """Back to the first results; for callbacks of controls that change what is found."""
    st.session_state[PAGE] = 1


def show_query(ref: str, name: str = QUERY) -> None:
    """Write the query on screen into the address bar; a default one stays for other runs."""
    if not st.session_state.get(name):
        st.session_state[name] = ref
    write_address(name, ref)


def forget_query() -> None:
    """Back to the default queries, for a data set whose rows mean something else."""
    for name in (QUERY, COMPARED_QUERY, FAILURE):
        st.session_state.pop(name, None)
        st.query_params.pop(name, None)


def upload(ref: str) -> Upload | None:
    """The upload behind a link name; None if this tab does not have it."""
    image, _ = _uploads().get(ref, (None, {}))
    return image


def upload_codes(ref: str) -> dict[str, Query]:
    """Codes of an upload by run id, so that it is encoded once per run while this tab keeps it."""
    _, codes = _uploads().get(ref, (None, {}))
    return codes


def keep_upload(image: Upload | None) -> None:
    """Search with an upload; None: forget all."""
    choose_query(image.ref if image else "")
    if image is None:
        _uploads().clear()
    else:
        take_upload(image)


def take_upload(image: Upload) -> None:
    """Keep an upload for this tab; of older ones those that are a query stay."""
    used = (image.ref, *(st.session_state.get(name) for name in (QUERY, COMPARED_QUERY)))
    kept = {ref: entry for ref, entry in _uploads().items() if ref in used}
    st.session_state[_UPLOADS] = {**kept, image.ref: (image, upload_codes(image.ref))}


def _uploads() -> dict[str, tuple[Upload, dict[str, Query]]]:
    kept: dict[str, tuple[Upload, dict[str, Query]]] = st.session_state.setdefault(_UPLOADS, {})
    return kept


def understand_old(name: str, renamed: Mapping[str, str]) -> None:
    """Take a choice in a link of an earlier version for what it is called now.

    Args:
        name: of the parameter and of its widget, which is drawn afterwards.
        renamed: choices of earlier versions and what they are called now.
    """
    if (linked := st.query_params.get(name, "")) in renamed:
        st.query_params[name] = st.session_state[name] = renamed[linked]
