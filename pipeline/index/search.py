"""Search: query image -> features -> code -> the published index of one run."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from models.backbones.base import Backbone
from models.codes import HashCodes
from models.method import HashMethod
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.index.built_from import check_built_from
from pipeline.index.code_files import CodeFileStore
from pipeline.index.coverage import Images, searched_codes
from pipeline.index.payloads import IndexItems
from pipeline.index.publish import IndexRecord, index_alias, read_index, searched_images
from pipeline.index.store.base import (
    CodeStore,
    CollectionInfo,
    CollectionMissing,
    SearchResult,
    StoreUnavailable,
    Where,
)
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.wording import COMMAND

SCAN_FROM = 100_000  # codes, see reads_code_files


@dataclass(frozen=True)
class Query:
    """A query's code.

    Attributes:
        code: one hash code.
        encode_s: seconds from image to code; 0 when the code was stored.
    """

    code: HashCodes
    encode_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Encoded(Query):
    """A query that went through backbone and method just now.

    Attributes:
        relaxed: (K,) relaxed code: the closer to 0 a value is, the less certain its bit.
        features: (d,) what the backbone made of the image.
    """

    relaxed: NDArray[np.float32]
    features: NDArray[np.float32]


@dataclass(frozen=True)
class Found:
    """What a search gave, and how long the store took."""

    result: SearchResult
    search_s: float


def encode_image(image: Image.Image, backbone: Backbone, method: HashMethod) -> Encoded:
    """The code of an RGB image (as `load_rgb` gives it)."""
    began = time.perf_counter()
    with torch.inference_mode():
        features = backbone.embed([image])
        relaxed = method.relax(features)
    code = HashCodes.from_relaxed(relaxed.numpy())
    seconds = time.perf_counter() - began
    return Encoded(code, seconds, relaxed=relaxed[0].numpy(), features=features[0].numpy())


def encode_images(images: list[Image.Image], backbone: Backbone, method: HashMethod) -> HashCodes:
    """The codes of RGB images, which pass the network together."""
    return method.encode(backbone.embed(images))


def stored_query(run: Run, row: int) -> Query | None:
    """The code that the run stored for manifest row `row`, None when it has none."""
    codes, rows = searched_codes(run)
    position = np.flatnonzero(rows == row)[:1]
    return Query(codes[position]) if len(position) else None


def open_index(run: Run, store: CodeStore) -> IndexRecord:
    """The run's published index, checked against the run's weights.

    Raises:
        RunError: the run was never published.
        CollectionMissing: it was, but the store does not have it.
        CollectionMismatch: the index was built with other weights or another code length.
    """
    record = read_index(run)
    if record is None:
        raise RunError(
            f"run {run.id} has no index; publish it with: {COMMAND} index publish {run.id}"
        )
    if reads_code_files(record, store):
        facts = store.metadata(record.alias)
        info = CollectionInfo(record.alias, None, run.spec.bits, record.count, facts)
    else:
        info = store.info(record.alias)
    check_built_from(run, info)
    return record


def reads_code_files(record: IndexRecord, store: CodeStore) -> bool:
    """Whether searches of a published run read its code files rather than its index.

    The answers are the same. The embedded engine is the slower one from some 100,000 codes on, and
    takes seconds to open; a server is always asked, and an index that rescores by its features.
    """
    is_faster = store.is_embedded and record.count >= SCAN_FROM
    return is_faster and record.features == "none"


def search_index(
    store: CodeStore,
    alias: str,
    code: HashCodes,
    *,
    k: int = 100,
    radius: int | None = None,
    where: Where | None = None,
) -> Found:
    """The k nearest images, or, with a radius, the images within it (at most `k`)."""
    began = time.perf_counter()
    if radius is None:
        result = store.search(alias, code, k, where)
    else:
        result = store.radius(alias, code, radius, where, limit=k)
    return Found(result, time.perf_counter() - began)


def searchable(run: Run, dataset: RetrievalDataset, store: CodeStore) -> tuple[CodeStore, str, str]:
    """A store that answers for this run: the published index, or the run's own code file.

    Returns:
        The store, the name to search, and an empty string, or why there is no index to ask.

    Raises:
        RunError: there is neither an index nor a code file, or the data set has other content by
            now.
        CollectionMismatch: the index was built with other weights; it must be published again.
    """
    run.check_dataset(*dataset.info.fingerprints)
    try:
        record = open_index(run, store)
        if reads_code_files(record, store):
            return *exact_store(run, dataset), ""
        return store, record.alias, ""
    except (RunError, CollectionMissing, StoreUnavailable) as error:
        return *exact_store(run, dataset), str(error)


def exact_store(
    run: Run, dataset: RetrievalDataset, images: Images | None = None
) -> tuple[CodeStore, str]:
    """A store that reads the run's code files, and the name to search in it.

    Args:
        run: whose codes.
        dataset: of the run.
        images: which images it covers; None: those that the run's index covers.

    Raises:
        RunError: there are no code files.
    """
    codes, rows = searched_codes(run, images or searched_images(run))
    alias = index_alias(run)
    return CodeFileStore(alias, codes, IndexItems(run, dataset, rows)), alias
