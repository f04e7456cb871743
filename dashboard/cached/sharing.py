"""A run's search as one file: how large it would be, and the file."""

from __future__ import annotations

import streamlit as st

from dashboard.cached.library import dataset, settings
from pipeline.runs.registry import RunRegistry
from pipeline.sharing.findings import Findings
from pipeline.sharing.search_file import Shared, open_shared, shared_page


@st.cache_data(ttl=60, max_entries=30, show_spinner=False)
def summary(runs: tuple[str, ...], pixels: int, findings: Findings) -> tuple[str, bool]:
    """Size and shape of the search of one run or two in words, and whether it is a folder.

    Raises:
        ShareError, RunError, DatasetError: it cannot be shared; the message says why.
    """
    shared = _opened(runs, pixels, findings)
    return shared.summary, shared.is_folder


def page(runs: tuple[str, ...], pixels: int, findings: Findings) -> bytes:
    """The file, for arguments and errors see `summary`."""
    return shared_page(_opened(runs, pixels, findings))


def _opened(runs: tuple[str, ...], pixels: int, findings: Findings) -> Shared:
    registry = RunRegistry(settings())
    opened = [registry.open(run_id) for run_id in runs]
    return open_shared(opened, dataset(opened[0].spec.dataset), findings, pixels)
