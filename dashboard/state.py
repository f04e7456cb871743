"""What one browser tab has chosen: names and accessors of state that pages share.

Data set (`ds`) and run (`run`) are the sidebar's choices. The query (`q`) is not a widget. All are
kept here, shown in the address bar, and taken from there where a link or the browser's Back asks.
"""

from __future__ import annotations

from typing import NoReturn

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.services.queries import Upload
from pipeline.search import Query

DATASET, RUN, PAGE = "ds", "run", "p"
COMPARED, COMPARED_QUERY = ("a", "b"), "cq"
_RUN_ID = "run_id"
_QUERY, _COMPARED_ROW, _UPLOAD, _CODES = "query", "compared_row", "upload", "upload_codes"
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


def asked(name: str, current: str | None) -> str | None:
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


def show(name: str, choice: str) -> None:
    """Write what is chosen into the address bar."""
    if st.query_params.get(name) != choice:
        st.query_params[name] = choice


def switch_page(page: str, **parameters: str) -> NoReturn:
    """Go to another page of the same data set and run, which Streamlit would forget.

    Args:
        page: file, from the folder of the dashboard.
        parameters: of the address bar there.
    """
    kept = {name: st.session_state[name] for name in (DATASET, RUN) if name in st.session_state}
    st.session_state[_LINKED] = set(parameters)
    st.switch_page(page, query_params=kept | parameters)


def switch_to_compare(row: int) -> NoReturn:
    """Go to the page that compares runs, with an image as the query; its runs stay."""
    runs = {name: st.session_state[name] for name in COMPARED if name in st.session_state}
    switch_page("app_pages/compare.py", **runs, **{COMPARED_QUERY: str(row)})


def choose_run(slug: str) -> None:
    """Make another run the sidebar's choice; for callbacks."""
    st.session_state[RUN] = slug


def query() -> str:
    """Link name of the query, empty for the default."""
    if wanted := asked("q", st.session_state.get(_QUERY)):
        st.session_state[_QUERY] = wanted
    return str(st.session_state.get(_QUERY, ""))


def choose_query(ref: str) -> None:
    """Make `ref` the query, from its first result on; for callbacks."""
    st.session_state[_QUERY] = ref
    first_page()


def first_page() -> None:
    """Back to the first results; for callbacks of controls that change what is found."""
    st.session_state[PAGE] = 1


def show_query(ref: str) -> None:
    """Write the query on screen into the address bar; a default one stays for other runs."""
    if not st.session_state.get(_QUERY):
        st.session_state[_QUERY] = ref
    show("q", ref)


def forget_query() -> None:
    """Back to the default queries, for a data set whose rows mean something else."""
    for key, name in ((_QUERY, "q"), (_COMPARED_ROW, COMPARED_QUERY)):
        st.session_state.pop(key, None)
        st.query_params.pop(name, None)


def compared_row(default: int, size: int) -> int:
    """Manifest row of the query that runs are compared on, of a data set of `size` images."""
    wanted = asked(COMPARED_QUERY, st.session_state.get(_COMPARED_ROW))
    wanted = wanted or st.session_state.get(_COMPARED_ROW, "")
    row = int(wanted) if wanted.isdecimal() and len(wanted) < 10 else default
    row = row if row < size else default
    choose_compared_row(row)
    show(COMPARED_QUERY, str(row))
    return row


def choose_compared_row(row: int) -> None:
    """Compare runs on another query; for callbacks."""
    st.session_state[_COMPARED_ROW] = str(row)


def upload() -> Upload | None:
    """The image this tab uploaded last."""
    return st.session_state.get(_UPLOAD)


def keep_upload(image: Upload | None) -> None:
    """Keep an upload, or forget the last one, and search with it."""
    st.session_state[_UPLOAD] = image
    st.session_state[_CODES] = {}
    choose_query(image.ref if image else "")


def take_stored(image: Upload) -> None:
    """Search with an upload that a link brought back."""
    st.session_state[_UPLOAD] = image
    st.session_state[_CODES] = {}


def upload_codes() -> dict[str, Query]:
    """Codes of the upload by run id, so that it is encoded once a run."""
    codes: dict[str, Query] = st.session_state.setdefault(_CODES, {})
    return codes
