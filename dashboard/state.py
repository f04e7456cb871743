"""What one browser tab has chosen: names and accessors of state that pages share.

Data set (`ds`) and run (`run`) are the sidebar's choices. The query (`q`) is not a widget: it lives
here and in the address bar, whichever changed last.
"""

from __future__ import annotations

from typing import NoReturn

import streamlit as st

from dashboard.services.queries import Upload
from pipeline.search import Query

DATASET, RUN, PAGE = "ds", "run", "p"
COMPARED, COMPARED_QUERY = ("a", "b"), "cq"
_RUN_ID = "run_id"
_QUERY, _SEEN_QUERY = "query", "query_in_address_bar"
_UPLOAD, _CODES = "upload", "upload_codes"


def dataset() -> str | None:
    """Name of the chosen data set; None when there is none."""
    return st.session_state.get(DATASET)


def run() -> str | None:
    """Id of the chosen run; None when the data set has none."""
    return st.session_state.get(_RUN_ID)


def set_run(run_id: str | None) -> None:
    """Keep the id behind the sidebar's choice; for the sidebar."""
    st.session_state[_RUN_ID] = run_id


def switch_page(page: str, **parameters: str) -> NoReturn:
    """Go to another page of the same data set and run, which Streamlit would forget.

    Args:
        page: file, from the folder of the dashboard.
        parameters: of the address bar there.
    """
    kept = {name: st.query_params[name] for name in (DATASET, RUN) if name in st.query_params}
    st.switch_page(page, query_params=kept | parameters)


def switch_to_compare(row: int) -> NoReturn:
    """Go to the page that compares runs, with an image as the query; its runs stay."""
    runs = {name: st.query_params[name] for name in COMPARED if name in st.query_params}
    switch_page("app_pages/compare.py", **runs, **{COMPARED_QUERY: str(row)})


def choose_run(slug: str) -> None:
    """Make another run the sidebar's choice; for callbacks."""
    st.session_state[RUN] = slug


def query() -> str:
    """Link name of the query, empty for the default; the address bar wins when it was edited."""
    in_address_bar = st.query_params.get("q", "")
    if in_address_bar and in_address_bar != st.session_state.get(_SEEN_QUERY):
        st.session_state[_QUERY] = in_address_bar
        st.session_state[_SEEN_QUERY] = in_address_bar
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
    st.session_state[_SEEN_QUERY] = ref
    if not st.session_state.get(_QUERY):
        st.session_state[_QUERY] = ref
    if st.query_params.get("q") != ref:
        st.query_params["q"] = ref


def forget_query() -> None:
    """Back to the default query, for a data set whose rows mean something else."""
    st.session_state.pop(_QUERY, None)
    st.query_params.pop("q", None)


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
