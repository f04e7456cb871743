"""The relaxed code of a query, which is not stored."""

from __future__ import annotations

import streamlit as st

from dashboard import cached
from dashboard.services.search import QueryImage
from pipeline.analysis.opened_run import OpenRun
from pipeline.index.search import Encoded


def relaxed_query(opened: OpenRun, query: QueryImage) -> Encoded:
    """The query with its relaxed code, which is not stored and costs one pass of the network.

    Raises:
        EncodingError: the network or the image is unavailable.
    """
    if isinstance(query.encoded, Encoded):
        return query.encoded
    assert query.row is not None  # only an upload has none, and that is encoded
    with st.spinner("Encoding the query again for its relaxed code"):
        return cached.networks.relaxed(opened.id, query.row)
