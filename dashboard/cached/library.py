"""Settings, store, data sets and runs: what all pages start from."""

from __future__ import annotations

import streamlit as st

from dashboard.services import status
from dashboard.services.run_choices import RunChoice, dataset_choices, run_choices
from pipeline.datasets.dataset import DatasetInfo, RetrievalDataset, load_dataset
from pipeline.index.store.base import CodeStore
from pipeline.index.store.opening import store_of
from pipeline.settings import Settings

_STORE_TIMEOUT_S = 5  # a page must not hang on a server that does not answer


@st.cache_resource
def settings() -> Settings:
    """The settings of this server."""
    return Settings.from_environment()


@st.cache_resource(on_release=lambda opened_store: opened_store.close())
def store() -> CodeStore:
    """The store that the settings name."""
    return store_of(
        settings(),
        is_read_only=True,
        timeout_s=_STORE_TIMEOUT_S,
        check_compatibility=False,  # asks the server at once, in a thread; commands do that
    )


@st.cache_data(ttl=5)
def datasets() -> list[DatasetInfo]:
    """The data sets of the library."""
    return dataset_choices(settings())


@st.cache_data(ttl=5, show_spinner=False)
def damage() -> list[str]:
    """What of the library cannot be read, each as a file below it and how it is."""
    return status.damage(settings())


def dataset(name: str) -> RetrievalDataset:
    """A data set with its manifest; read again when it has other content.

    Raises:
        DatasetError: it is damaged, or gone.
    """
    fingerprints = (info.fingerprint for info in datasets() if info.name == name)
    return _dataset(name, next(fingerprints, ""))


@st.cache_resource(max_entries=4, show_spinner=False)
def _dataset(name: str, fingerprint: str) -> RetrievalDataset:
    return load_dataset(name, settings())


@st.cache_data(ttl=5)
def runs(dataset: str) -> list[RunChoice]:
    """The finished runs of a data set, best first."""
    return run_choices(settings(), dataset)
