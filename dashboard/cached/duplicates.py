"""Near-duplicates of a data set, by the codes of a run or by hashes of its pictures."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.cached.library import dataset, settings
from dashboard.cached.search import opened
from models.codes import HashCodes
from pipeline.analysis import duplicates
from pipeline.analysis.duplicates import Pairs

CODES = "Codes"


def found(name: str, measure: str, run_id: str | None) -> tuple[Pairs, HashCodes] | None:
    """Pairs of places and the codes they were found by; None where hashes are not computed yet.

    Places are manifest rows for hashes, and places in the run's images for codes; see `rows`.

    Raises:
        RunError, DatasetError: the run cannot be read.
    """
    fingerprint = dataset(name).info.fingerprint
    if measure != CODES:
        hashes = duplicates.stored_hashes(dataset(name), settings())
        if hashes is None:
            return None
        return _pairs(fingerprint, measure, _codes=hashes[measure])
    assert run_id is not None
    run = opened(run_id)
    key = f"{run_id} {len(run.searched_rows)}"
    return _pairs(fingerprint, key, _codes=run.searched_codes)


def rows(name: str, measure: str, run_id: str | None) -> NDArray[np.int64]:
    """Manifest rows of the places of `found`."""
    if measure != CODES:
        return np.arange(len(dataset(name)))
    return opened(str(run_id)).searched_rows


@st.cache_resource(max_entries=6, show_spinner=False)
def _pairs(fingerprint: str, measure: str, *, _codes: HashCodes) -> tuple[Pairs, HashCodes]:
    return duplicates.near_pairs(_codes), _codes
