"""A run opened for search: its codes, its index, and the codes of queries."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from dashboard.services import bits, probing, robustness
from dashboard.services.alignment import Aligned, align
from dashboard.services.open_run import OpenRun, open_run
from dashboard.services.permalink import stored_query as saved_query
from dashboard.services.probing import Probe
from dashboard.services.queries import (
    EncodingError,
    Example,
    Upload,
    example_queries,
    preview,
)
from dashboard.services.resources.stored import datasets, runs, settings, store
from dashboard.services.runs import IndexState, index_state
from dashboard.services.search import Backend
from pipeline.catalog import Backbone, HashMethod, load_backbone
from pipeline.datasets.base import RetrievalDataset
from pipeline.images import ImageError, load_rgb
from pipeline.indexing import index_alias, read_index
from pipeline.ranking import HashCodes
from pipeline.runs import RunError, RunRegistry
from pipeline.search import (
    Encoded,
    Query,
    encode_image,
    encode_images,
    exact_store,
    stored_query,
)
from pipeline.store.base import CodeStore

_SAMPLE = 300  # images whose relaxed codes are computed for bit cards
_encoding = Lock()  # one image at a time: torch already uses all threads


def _content(run: OpenRun) -> tuple[str, str, int]:
    """What a cache knows an open run by; a refresh adds images to it."""
    return run.id, run.dataset.info.fingerprint, len(run.database_rows)


_HASHED: dict[str | type, Callable[[Any], Any]] = {OpenRun: _content}


def opened(run_id: str) -> OpenRun:
    """A run with codes and labels; read again when its data set has other content.

    Raises:
        RunError, DatasetError: it cannot be read, or does not fit its data set any more.
    """
    run = RunRegistry(settings()).open(run_id)
    found = (info.fingerprint for info in datasets() if info.name == run.spec.dataset)
    record = read_index(run)
    return _opened(run_id, next(found, ""), record.count if record else 0)


@st.cache_resource(max_entries=4, show_spinner=False)
def _opened(run_id: str, fingerprint: str, n_published: int) -> OpenRun:
    return open_run(run_id, settings())


@st.cache_data(max_entries=50, show_spinner=False)
def examples(run_id: str) -> list[Example]:
    """Six queries to start with."""
    return example_queries(opened(run_id), settings())


@st.cache_data(ttl=20, show_spinner=False)
def index(run_id: str) -> IndexState:
    """Whether the run's index answers."""
    try:
        run = RunRegistry(settings()).open(run_id)
    except RunError as error:  # deleted a moment ago
        return IndexState("missing", reason=str(error))
    return index_state(run, store())


def backend(run_id: str) -> Backend:
    """Where to search: the index when it is ready, else the run's own codes."""
    found = index(run_id)
    if found.kind != "ready":
        return _exact_backend(run_id, found)
    return Backend(store(), index_alias(RunRegistry(settings()).open(run_id)), found)


def fall_back(run_id: str, reason: str) -> Backend:
    """The exact backend after the store failed in mid-use; the index is asked again next time."""
    index.clear()
    return _exact_backend(run_id, IndexState("unavailable", reason=reason))


def retry() -> None:
    """Forget what is known about runs and indexes: the next page looks at them anew."""
    runs.clear()
    index.clear()


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs=_HASHED)
def _exact(run: OpenRun) -> tuple[CodeStore, str]:
    return exact_store(run.run, run.dataset)


def _exact_backend(run_id: str, found: IndexState) -> Backend:
    exact, alias = _exact(opened(run_id))
    return Backend(exact, alias, found)


@st.cache_resource(max_entries=2, show_spinner=False)
def _backbone(name: str, tuned_run: str = "") -> Backbone:
    import torch  # only an upload needs it here

    torch.set_num_threads(settings().threads)
    return (
        RunRegistry(settings()).open(tuned_run).load_backbone()
        if tuned_run
        else load_backbone(name)
    )


@st.cache_resource(max_entries=3, show_spinner=False)
def _method(run_id: str) -> HashMethod:
    return RunRegistry(settings()).open(run_id).load_method()


def stored(run_id: str, row: int) -> Query | None:
    """The code that the run stored for an image of its data set; None when it has none."""
    return stored_query(RunRegistry(settings()).open(run_id), row)


@st.cache_data(max_entries=200, show_spinner=False)
def relaxed(run_id: str, row: int) -> Encoded:
    """An image of the run's data set, through network and method once more: for its relaxed code.

    Raises:
        EncodingError: as for an upload.
    """
    try:
        return _encode(run_id, opened(run_id).dataset.load_image(row))
    except (RuntimeError, ValueError) as error:
        raise EncodingError(str(error)) from error


def features(run_id: str, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """The backbone's features (n, d) of images of the run's data set, from the cache on disk."""
    from pipeline.features import FeatureCache  # loads torch

    spec = RunRegistry(settings()).open(run_id).spec
    return FeatureCache(_backbone(spec.backbone), settings()).get(
        opened(run_id).dataset, images=rows
    )


def encoded(run_id: str, upload: Upload) -> Encoded:
    """The code of an uploaded image; loads the network when first needed.

    Raises:
        EncodingError: no usable image, no fitted method, or the network's weights cannot be had.
    """
    try:
        return _encode(run_id, load_rgb(upload.content))
    except (RuntimeError, ValueError) as error:  # what image, run and weights raise
        raise EncodingError(str(error)) from error


def _encode(run_id: str, image: Image.Image) -> Encoded:
    with _encoding:
        return encode_image(image, *_networks(run_id))


def _encode_all(run_id: str, images: list[Image.Image]) -> HashCodes:
    with _encoding:
        return encode_images(images, *_networks(run_id))


def _networks(run_id: str) -> tuple[Backbone, HashMethod]:
    spec = RunRegistry(settings()).open(run_id).spec
    return _backbone(spec.backbone, run_id if spec.finetune else ""), _method(run_id)


@st.cache_data(max_entries=60, show_spinner=False, hash_funcs=_HASHED)
def probes(run: OpenRun, row: int, strength: int) -> list[Probe]:
    """What small changes of an image do to its code, the stored one if there is one.

    Raises:
        EncodingError: as for an upload.
    """
    return _probes(run, lambda: run.dataset.load_image(row), stored(run.id, row), row, strength)


@st.cache_data(max_entries=6, show_spinner=False, hash_funcs=_HASHED, scope="session")
def probes_of_upload(run: OpenRun, upload: Upload, strength: int, _query: Query) -> list[Probe]:
    """The same for an upload with its code; kept for the tab alone, as the upload is.

    Raises:
        EncodingError: as for an upload.
    """
    return _probes(run, lambda: load_rgb(upload.content), _query, None, strength)


def _probes(
    run: OpenRun,
    load: Callable[[], Image.Image],
    query: Query | None,
    row: int | None,
    strength: int,
) -> list[Probe]:
    try:
        image = load()
        return probing.probes(
            run,
            image,
            (query or _encode(run.id, image)).code,
            row,
            lambda images: _encode_all(run.id, images),
            strength,
        )
    except (RuntimeError, ValueError) as error:
        raise EncodingError(str(error)) from error


@st.cache_data(max_entries=5000, show_spinner=False, hash_funcs=_HASHED)
def steadiness(run: OpenRun, row: int) -> NDArray[np.float64]:
    """What changes of a query image do to its code, see `robustness.steadiness`.

    Raises:
        ImageError: it cannot be read.
        EncodingError: as for an upload.
    """
    import torch  # only where images are encoded

    spec, content = run.run.spec, (run.dataset.info.name, run.dataset.info.fingerprint)
    try:
        network = spec.backbone, run.id if spec.finetune else ""
        method = _method(run.id)
        codes = method.encode(torch.from_numpy(_changed(content, network, row, run.dataset)))
    except ImageError:
        raise
    except (RuntimeError, ValueError) as error:
        raise EncodingError(str(error)) from error
    return robustness.steadiness(run, row, codes)


@st.cache_data(max_entries=500, show_spinner=False)
def _changed(
    content: tuple[str, str], network: tuple[str, str], row: int, _dataset: RetrievalDataset
) -> NDArray[np.float32]:
    """Features of a changed image, for all runs on the same network."""
    images = robustness.all_altered(_dataset.load_image(row))
    with _encoding:
        features: NDArray[np.float32] = _backbone(*network).embed(images).numpy()
    return features


@st.cache_data(max_entries=100, show_spinner=False)
def saved_preview(ref: str) -> str:
    """A small version of a saved query, as a data address; empty when it is gone or damaged."""
    found = saved_query(ref, settings())
    return "" if found is None else preview(found, 96)


@st.cache_data(max_entries=8, show_spinner=False, hash_funcs=_HASHED)
def bit_table(run: OpenRun) -> pd.DataFrame:
    """Every bit of a run: balance, twin, label."""
    return bits.bit_table(run)


@st.cache_data(max_entries=8, show_spinner=False, hash_funcs=_HASHED)
def code_buckets(run: OpenRun) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The fullest distinct codes of a run, on a plane, and the pairs that belong together."""
    table = bits.buckets(run)
    return table, bits.links(run, table)


@st.cache_data(max_entries=20, show_spinner=False, hash_funcs=_HASHED)
def aligned(run: OpenRun, other: OpenRun) -> Aligned:
    """The bits of a run and their counterparts in another.

    Raises:
        ValueError: the runs have no image in common.
    """
    return align(run, other)


@st.cache_data(max_entries=8, show_spinner=False, hash_funcs=_HASHED)
def relaxed_sample(run: OpenRun) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Manifest rows (n,) of up to 300 database images, and their relaxed codes (n, K).

    Raises:
        EncodingError: the network or the method cannot be had.
    """
    import torch  # only here and for uploads

    every = run.database_rows
    rows = every[np.linspace(0, len(every) - 1, min(_SAMPLE, len(every))).astype(int)]
    try:
        inputs = torch.from_numpy(np.array(features(run.id, rows)))
        with torch.inference_mode():
            return rows, _method(run.id).relax(inputs).numpy()
    except (RuntimeError, ValueError) as error:
        raise EncodingError(str(error)) from error
