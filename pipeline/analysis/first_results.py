"""What several runs find first for the same queries among the same images, as Search shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.index.cosine import cosine_of
from pipeline.index.coverage import searched_codes
from pipeline.index.payloads import item_id
from pipeline.runs.run import Run
from pipeline.settings import Settings
from pipeline.stored_features import FeaturesMissing

_Within = Callable[[int, NDArray[np.int64]], NDArray[Any]]  # of equally near rows, least first


@dataclass(frozen=True)
class Searched:
    """A run with the codes that it is searched by.

    Attributes:
        run: the run.
        codes: of all images that it has codes of.
        rows: manifest rows of these.
        query_codes: codes of its queries.
        query_rows: manifest rows of these.
    """

    run: Run
    codes: HashCodes
    rows: NDArray[np.int64]
    query_codes: HashCodes
    query_rows: NDArray[np.int64]

    @classmethod
    def of(cls, run: Run, dataset: RetrievalDataset) -> Searched:
        """Read a run.

        Raises:
            RunError: its codes are missing or damaged, or are of other content.
        """
        run.check_dataset(*dataset.info.fingerprints)
        return cls(run, *searched_codes(run), *run.load_codes("query"))


def common_rows(runs: Sequence[Searched]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Manifest rows of the images, and of the queries, that all runs have codes of."""
    rows = reduce(np.intersect1d, [one.rows for one in runs])
    queries = reduce(np.intersect1d, [one.query_rows for one in runs])
    return rows, queries


def first_results(
    searched: Searched,
    queries: Sequence[int],
    among: NDArray[np.int64],
    depth: int,
    dataset: RetrievalDataset,
    settings: Settings,
) -> tuple[list[list[int]], str]:
    """Manifest rows of the first results of each query, without the query itself.

    Equally near images are in the order of their features' cosine, as on Search.

    Args:
        searched: the run.
        queries: manifest rows of queries of the run.
        among: manifest rows of the images to search.
        depth: results of each query.
        dataset: of the run.
        settings: say where features are.

    Returns:
        The results, and why the ids decide between equally near images; empty if they do not.
    """
    try:
        within = _by_cosine(searched.run, dataset, settings)
        return _ranked(searched, queries, among, depth, within), ""
    except (FeaturesMissing, RuntimeError, OSError) as error:
        ids = np.array([item_id(dataset.info.name, sha) for sha in dataset.manifest["sha256"]])
        return _ranked(searched, queries, among, depth, lambda _, rows: ids[rows]), str(error)


def _by_cosine(run: Run, dataset: RetrievalDataset, settings: Settings) -> _Within:
    cosine = cosine_of(run, dataset, settings, run.load_backbone)
    return lambda query, rows: cosine.values(cosine.of_row(query))(rows)


def _ranked(
    searched: Searched,
    queries: Sequence[int],
    among: NDArray[np.int64],
    depth: int,
    within: _Within,
) -> list[list[int]]:
    is_searched = np.isin(searched.rows, among)
    codes, rows = searched.codes[is_searched], searched.rows[is_searched]
    places = {int(row): place for place, row in enumerate(searched.query_rows)}
    ranked = []
    for query in queries:
        distances = searched.query_codes[[places[query]]].hamming(codes)[0]
        others = np.flatnonzero(rows != query)
        n = min(depth, len(others))
        last = np.partition(distances[others], n - 1)[n - 1] if n else -1
        near = others[distances[others] <= last]
        order = np.lexsort((within(query, rows[near]), distances[near]))
        ranked.append([int(row) for row in rows[near[order[:n]]]])
    return ranked
