"""Answer a query for the search page: hits, tie groups, relevance, and how good the answer is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboard.services.open_run import OpenRun
from dashboard.services.runs import IndexState
from pipeline.metrics import balls, precision_at
from pipeline.ranking import hamming_histograms
from pipeline.search import Found, Query, search_index
from pipeline.store.base import CodeStore, Hit, StoreError, Where

MOST = 200  # results one search may return
RADIUS = 2  # of the fixed lookup measure


@dataclass(frozen=True)
class Backend:
    """Where a search goes: the published index, or the run's own codes when that cannot answer."""

    store: CodeStore
    alias: str
    index: IndexState


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        k: most results.
        radius: only results within this distance; None: the k nearest.
        labels: only results with any of these; empty: all.
        relevance: only results of this kind.
    """

    k: int = 24
    radius: int | None = None
    labels: tuple[str, ...] = ()
    relevance: str = "all"  # all, relevant, not relevant


@dataclass(frozen=True)
class AskedImage:
    """The query as the page shows it: its code and what is known about the image.

    Attributes:
        query: its hash code.
        name: for people.
        row: its manifest row; None for an image that is not in the data set.
    """

    query: Query
    name: str
    row: int | None


@dataclass(frozen=True)
class Result:
    """One image found. `relevant` is None when nobody knows."""

    rank: int
    row: int
    distance: int
    relevant: bool | None
    labels: tuple[str, ...]
    text: str
    image_id: str
    sha256: str


@dataclass(frozen=True)
class TieGroup:
    """Results at one distance.

    Attributes:
        distance: in bits.
        results: those that are shown.
        total: images of the database at this distance that pass the label filter.
    """

    distance: int
    results: tuple[Result, ...]
    total: int


@dataclass(frozen=True)
class Judgement:
    """How good the ranking of the whole database is for one query; ties averaged.

    Attributes:
        precision_10: P@10; None in a smaller database.
        precision_100: P@100; None in a smaller database.
        ball_relevant: relevant images within 2 bits.
        ball_size: images within 2 bits.
        n_relevant: relevant images in the whole database.
    """

    precision_10: float | None
    precision_100: float | None
    ball_relevant: int
    ball_size: int
    n_relevant: int


@dataclass(frozen=True)
class Answer:
    """Everything the search page shows for one query.

    Attributes:
        asked: the query.
        groups: results by distance, after the relevance filter.
        n_found: results before the relevance filter.
        n_database: images searched (the query itself is left out).
        judgement: None when the query has no labels.
        histogram: columns distance, relevance, images; over the whole database.
        nearest: smallest distance in the database; None when it is empty.
        cut: largest distance among the results.
        is_tie_cut: more images lie at the last distance than are shown.
        is_unusual: nothing is as near as queries of this data set usually find.
        search_s: seconds in the store.
        index: what answered.
    """

    asked: AskedImage
    groups: tuple[TieGroup, ...]
    n_found: int
    n_database: int
    judgement: Judgement | None
    histogram: pd.DataFrame
    nearest: int | None
    cut: int | None
    is_tie_cut: bool
    is_unusual: bool
    search_s: float
    index: IndexState


def answer(
    opened: OpenRun,
    asked: AskedImage,
    request: Request,
    backend: Backend,
    fall_back: Callable[[str], Backend],
) -> Answer:
    """Search, judge and group.

    Args:
        opened: the run.
        asked: the query.
        request: what is asked for.
        backend: where to search.
        fall_back: gives the exact backend when the store fails in the middle; takes the reason.
    """
    try:
        found = _found(asked, request, backend)
    except StoreError as error:
        backend = fall_back(str(error))
        found = _found(asked, request, backend)
    others = opened.database_rows != (-1 if asked.row is None else asked.row)
    distances = asked.query.code.hamming(opened.database_codes)[0]
    relevant = _relevance(opened, asked)
    hits = [hit for hit in found.result.hits if hit.payload["row"] != asked.row][: request.k]
    results = [_result(rank, hit, opened, relevant) for rank, hit in enumerate(hits, 1)]
    passing = others & _has_label(opened, request.labels)
    groups = _groups(results, distances[passing], request.relevance)
    nearest = int(distances[others].min()) if others.any() else None
    cut = results[-1].distance if results else None
    n_near = int((distances[passing] <= cut).sum()) if cut is not None else 0
    return Answer(
        asked=asked,
        groups=groups,
        n_found=len(results),
        n_database=int(others.sum()),
        judgement=None if relevant is None else _judgement(opened, asked, others),
        histogram=_histogram(opened, distances, relevant, others),
        nearest=nearest,
        cut=cut,
        is_tie_cut=n_near > len(results),
        is_unusual=nearest is not None and nearest > opened.usual_nearest,
        search_s=found.search_s,
        index=backend.index,
    )


def bit_string(query: Query) -> str:
    """The first code of a query as a text of 0 and 1."""
    return "".join("1" if sign > 0 else "0" for sign in query.code.signs()[0])


def _found(asked: AskedImage, request: Request, backend: Backend) -> Found:
    return search_index(
        backend.store,
        backend.alias,
        asked.query.code,
        k=min(request.k, MOST) + 1,  # one more, since the query itself may be among them
        radius=request.radius,
        where=Where(labels=request.labels) if request.labels else None,
    )


def _relevance(opened: OpenRun, asked: AskedImage) -> NDArray[np.bool_] | None:
    """Whether each image (n,) of the manifest shares a label with the query; None if unknown."""
    if opened.labels is None or asked.row is None or not opened.labels[asked.row].any():
        return None
    return np.asarray(opened.labels[:, opened.labels[asked.row]].any(axis=1))


def _result(rank: int, hit: Hit, opened: OpenRun, relevant: NDArray[np.bool_] | None) -> Result:
    row = int(str(hit.payload["row"]))
    return Result(
        rank=rank,
        row=row,
        distance=hit.distance,
        relevant=None if relevant is None else bool(relevant[row]),
        labels=opened.label_names(row),
        text=opened.text("text", row),
        image_id=opened.text("image_id", row),
        sha256=opened.text("sha256", row),
    )


def _groups(
    results: list[Result], distances: NDArray[np.int32], relevance: str
) -> tuple[TieGroup, ...]:
    wanted = {"relevant": True, "not relevant": False}
    shown = [one for one in results if relevance == "all" or one.relevant is wanted[relevance]]
    sizes = np.bincount(distances) if len(distances) else np.zeros(1, int)
    return tuple(
        TieGroup(distance, tuple(members), int(sizes[distance]) if distance < len(sizes) else 0)
        for distance, members in groupby(shown, key=lambda one: one.distance)
    )


def _has_label(opened: OpenRun, labels: tuple[str, ...]) -> NDArray[np.bool_]:
    """Which database images (m,) pass the label filter."""
    if not labels or opened.labels is None or opened.label_set is None:
        return np.ones(len(opened.database_rows), bool)
    columns = [opened.label_set.classes.index(name) for name in labels]
    return np.asarray(opened.labels[opened.database_rows][:, columns].any(axis=1))


def _judgement(opened: OpenRun, asked: AskedImage, others: NDArray[np.bool_]) -> Judgement:
    assert opened.labels is not None
    rows = opened.database_rows[others]
    counts = hamming_histograms(
        asked.query.code,
        opened.database_codes[others],
        opened.labels[[asked.row]],
        opened.labels[rows],
        threads=1,
    )
    retrieved, hits = balls(counts)
    at_10, at_100 = precision_at(counts, [10, 100])[0]
    radius = min(RADIUS, opened.bits)
    return Judgement(
        precision_10=float(at_10) if len(rows) >= 10 else None,
        precision_100=float(at_100) if len(rows) >= 100 else None,
        ball_relevant=int(hits[0, radius]),
        ball_size=int(retrieved[0, radius]),
        n_relevant=int(hits[0, -1]),
    )


def _histogram(
    opened: OpenRun,
    distances: NDArray[np.int32],
    relevant: NDArray[np.bool_] | None,
    others: NDArray[np.bool_],
) -> pd.DataFrame:
    if relevant is None:
        kinds = np.full(len(distances), "unknown")
    else:
        kinds = np.where(relevant[opened.database_rows], "relevant", "not relevant")
    frame = pd.DataFrame({"distance": distances[others], "relevance": kinds[others]})
    counts = frame.groupby(["distance", "relevance"], as_index=False).size()
    return counts.rename(columns={"size": "images"})
