"""Images through the networks of a run: codes of uploads, of changed images, relaxed codes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from dashboard import access
from dashboard.cached.library import settings
from dashboard.cached.search import HASHED, opened
from dashboard.services.queries import EncodingError, Upload
from models.codes import HashCodes
from pipeline.analysis import perturbations
from pipeline.analysis.opened_run import OpenRun
from pipeline.analysis.perturbations import Probe
from pipeline.catalog import Backbone, HashMethod, load_backbone
from pipeline.images import ImageError
from pipeline.index import quantizers
from pipeline.index.cosine import Cosine, cosine_of
from pipeline.index.reencoding import encode_stored
from pipeline.index.search import Encoded, Query, encode_image, encode_images, stored_query
from pipeline.index.store.base import StoreError
from pipeline.progress import Progress, StageProgress
from pipeline.runs.ground_truth import GroundTruth
from pipeline.runs.registry import RunRegistry
from pipeline.watch.measures import ENCODE, SEARCHES
from pipeline.wording import sentence

_log = logging.getLogger(__name__)
_SAMPLE = 300  # images whose relaxed codes are computed for bit cards
_encoding = Lock()  # one batch at a time: torch already uses all threads


@st.cache_resource(max_entries=2, show_spinner=False)
def _backbone(name: str, tuned_run: str = "") -> Backbone:
    import torch  # only an upload needs it here

    torch.set_num_threads(settings().threads)
    return (
        RunRegistry(settings()).open(tuned_run).load_backbone()
        if tuned_run
        else load_backbone(name, settings())
    )


def load_ahead() -> None:
    """Load what encodes for the latest run, so that the first upload does not wait for it."""
    try:
        done = [run.id for run in RunRegistry(settings()).all() if run.state() == "done"]
        if not done:
            return
        backbone, method = _networks(max(done))
        if not backbone.refusal:
            encode_image(Image.new("RGB", (64, 64)), backbone, method)
    except (RuntimeError, ValueError, OSError) as error:
        _log.info("nothing is loaded ahead: %s", error)  # an upload says so where it is seen


@st.cache_resource(max_entries=3, show_spinner=False)
def _method(run_id: str) -> HashMethod:
    return RunRegistry(settings()).open(run_id).load_method()


@st.cache_data(max_entries=200, show_spinner=False)
def relaxed(run_id: str, row: int) -> Encoded:
    """An image of the run's data set, through network and method once more: for its relaxed code.

    Raises:
        EncodingError: as for an upload.
    """
    try:
        with _encoding:
            backbone, method = _networks(run_id)
            if backbone.refusal:  # own vectors are all there is
                run = RunRegistry(settings()).open(run_id)
                return encode_stored(run, opened(run_id).dataset, row, settings())
            return encode_image(opened(run_id).dataset.load_image(row), backbone, method)
    except (RuntimeError, ValueError) as error:
        raise EncodingError(str(error)) from error


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs=HASHED)
def cosine(run: OpenRun) -> Cosine:
    """What results of a run are put in order by; loads no network where the features tell whose.

    Raises:
        FeaturesMissing: they are not stored, or are not those that the codes were made of.
        RuntimeError: the network that tells which are its features is unavailable.
    """
    return cosine_of(run.run, run.dataset, settings(), lambda: _backbone(run.run.spec.backbone))


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
        EncodingError: no usable image, no fitted method, the network's weights are unavailable, or
            this client has had too many encoded.
    """
    _take_one()
    try:
        with ENCODE.labels("image").time():
            return _encode(run_id, opened(run_id).dataset.read_image(upload.content))
    except (RuntimeError, ValueError) as error:  # what image, run and weights raise
        outcome = "refused" if isinstance(error, ImageError) else "failed"
        SEARCHES.labels("page", "image", outcome).inc()
        raise EncodingError(str(error)) from error


@st.cache_data(max_entries=200, show_spinner=False)
def encoded_words(run_id: str, text: str) -> Encoded:
    """The code of words; loads the network when first needed.

    Raises:
        EncodingError: the run cannot be searched by words, or this client has had too many encoded.
    """
    _take_one()
    from pipeline.index.text_search import encode_text  # loads torch

    run = RunRegistry(settings()).open(run_id)
    try:
        with ENCODE.labels("text").time(), _encoding:
            networks = _networks(run_id)
            return encode_text(text, run, opened(run_id).dataset, *networks, settings())
    except (RuntimeError, ValueError, LookupError) as error:
        SEARCHES.labels("page", "text", "failed").inc()
        raise EncodingError(str(error)) from error


@st.cache_data(ttl=60, show_spinner=False)
def takes_words(run_id: str) -> bool:
    """Whether a run can be searched by words; nothing is loaded for that but names."""
    from pipeline.index.text_search import why_no_text  # loads torch

    return not why_no_text(RunRegistry(settings()).open(run_id), settings())


@st.cache_resource
def encoding_limit() -> access.RateLimit:
    """What each client may have encoded; the REST interface counts with it, too."""
    return access.RateLimit(settings().encodings_per_minute)


def _take_one() -> None:
    """Count an encoding for the person or machine that has this page open.

    Raises:
        EncodingError: there were too many within a minute.
    """
    wait = encoding_limit().wait_s(access.client())
    if wait:
        raise EncodingError(
            f"{settings().encodings_per_minute} images and texts per minute are encoded for one "
            f"client; wait {wait:.0f} s"
        )


def _encode(run_id: str, image: Image.Image) -> Encoded:
    with _encoding:
        return encode_image(image, *_networks(run_id))


def _encode_all(run_id: str, images: list[Image.Image]) -> HashCodes:
    with _encoding:
        return encode_images(images, *_networks(run_id))


def _networks(run_id: str) -> tuple[Backbone, HashMethod]:
    spec = RunRegistry(settings()).open(run_id).spec
    return _backbone(spec.backbone, run_id if spec.finetune else ""), _method(run_id)


@st.cache_data(max_entries=60, show_spinner=False, hash_funcs=HASHED)
def probes(run: OpenRun, row: int, strength: int) -> list[Probe]:
    """What small changes of an image do to its code, the stored one if there is one.

    Raises:
        EncodingError: as for an upload.
    """
    return _probes(
        run, lambda: run.dataset.load_image(row), stored_query(run.run, row), row, strength
    )


@st.cache_data(max_entries=6, show_spinner=False, hash_funcs=HASHED, scope="session")
def probes_of_upload(run: OpenRun, upload: Upload, strength: int, _query: Query) -> list[Probe]:
    """What small changes of an upload do to its code; kept for the tab alone, as the upload is.

    Raises:
        EncodingError: as for an upload.
    """
    return _probes(run, lambda: run.dataset.read_image(upload.content), _query, None, strength)


def _probes(
    run: OpenRun,
    load: Callable[[], Image.Image],
    query: Query | None,
    row: int | None,
    strength: int,
) -> list[Probe]:
    try:
        image = load()
        return perturbations.probes(
            run,
            image,
            (query or _encode(run.id, image)).code,
            row,
            lambda images: _encode_all(run.id, images),
            strength,
        )
    except (RuntimeError, ValueError) as error:
        raise EncodingError(str(error)) from error


@contextmanager
def _measuring() -> Iterator[None]:
    """Say what ends a measurement as one error: network, relevance, engine, disk."""
    try:
        yield
    except (RuntimeError, ValueError, LookupError, StoreError, OSError) as error:
        raise EncodingError(sentence(error)) from error


def measure_copies(run_id: str, on_progress: StageProgress) -> None:
    """Find edited images with a run and with the baselines beside it; stored with the run.

    Raises:
        EncodingError: as for an upload.
    """
    from pipeline.features import FeatureCache  # loads torch
    from pipeline.runs.execute import measure_copies

    run = RunRegistry(settings()).open(run_id)
    with _measuring(), _encoding:
        cache = FeatureCache(_backbone(run.spec.backbone), settings())
        measure_copies(run, opened(run_id).dataset, settings(), cache, on_progress)


def measure_ranking(run_id: str, relevance: str, ranking: str, on_progress: StageProgress) -> None:
    """Measure a run in another ranking; the report is stored with it.

    Raises:
        EncodingError: features or model are unavailable; says why.
    """
    from pipeline.features import FeatureCache  # loads torch
    from pipeline.runs.measurement import evaluate_run

    run = RunRegistry(settings()).open(run_id)
    with _measuring(), _encoding:
        cache = FeatureCache(_backbone(run.spec.backbone), settings())
        dataset = opened(run_id).dataset
        evaluate_run(run, dataset, settings(), cache, on_progress, relevance, ranking)


def measure_quantizers(run_id: str, relevance: str, on_progress: Progress) -> None:
    """Measure the database's quantizers on the features of a run; stored with the baselines.

    Raises:
        EncodingError: the features, the relevance or the engine are unavailable; says why.
    """
    from pipeline.features import FeatureCache  # loads torch

    spec = RunRegistry(settings()).open(run_id).spec
    truth = GroundTruth(spec, opened(run_id).dataset, settings(), relevance)
    with _measuring():
        cache = FeatureCache(_backbone(spec.backbone), settings())
        quantizers.measure_quantizers(truth, settings(), cache, on_progress)


def measure_alternatives(run_id: str, relevance: str, on_progress: StageProgress) -> None:
    """Measure other ways to store the features of a run; stored with the baselines.

    Raises:
        EncodingError: features or relevance are unavailable; says why.
    """
    from pipeline.features import FeatureCache  # loads torch
    from pipeline.runs import alternative_reports

    spec = RunRegistry(settings()).open(run_id).spec
    truth = GroundTruth(spec, opened(run_id).dataset, settings(), relevance)
    with _measuring():
        cache = FeatureCache(_backbone(spec.backbone), settings())
        alternative_reports.measure_alternatives(truth, settings(), cache, on_progress=on_progress)


def measure_growth(run_id: str, grows_by: str, on_progress: StageProgress) -> None:
    """Measure runs and alternatives as the database of a run grows; stored with the baselines.

    Raises:
        EncodingError: features, labels or distractors are unavailable; says why.
    """
    from pipeline.features import FeatureCache  # loads torch
    from pipeline.runs import growth

    spec = RunRegistry(settings()).open(run_id).spec
    truth = GroundTruth(spec, opened(run_id).dataset, settings())
    with _measuring():
        cache = FeatureCache(_backbone(spec.backbone), settings())
        growth.measure_growth(truth, settings(), cache, grows_by=grows_by, on_progress=on_progress)


@st.cache_data(max_entries=8, show_spinner=False, hash_funcs=HASHED)
def relaxed_sample(run: OpenRun) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Manifest rows (n,) of up to 300 database images, and their relaxed codes (n, K).

    Raises:
        EncodingError: the network or the method is unavailable.
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
