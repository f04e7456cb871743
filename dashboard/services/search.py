"""Answer a query for the search page: hits, tie groups, relevance, and how good the answer is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboard.services.queries import Upload, Words, dataset_ref
from dashboard.services.run_choices import IndexState
from pipeline.analysis.opened_run import OpenRun
from pipeline.analysis.query_quality import Judgement, histogram, judgement, relevance
from pipeline.index.ordering import Ordering, Sorted, find_shortlist, rows_of, sort_hits
from pipeline.index.search import Found, Query
from pipeline.index.store.base import CodeStore, Hit, StoreError, Where
from pipeline.index.word_filter import words_of
from pipeline.watch.measures import Kind

MAX_RESULTS = 200  # of one search


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
        limit: most results.
        max_distance: only results at this distance or nearer; None: at any distance.
        is_ball: whether all results within `max_distance` are wanted, rather than the nearest.
        labels: only results with any of these; empty: all.
        split: only results of this part, one of `PARTS`; empty: of any.
        text: only results with all these words.
        relevance: only results of this kind.
        hidden: manifest rows that are left out, whatever else is asked for.
    """

    limit: int = 24
    max_distance: int | None = None
    is_ball: bool = False
    labels: tuple[str, ...] = ()
    split: str = ""
    text: str = ""
    relevance: str = "all"  # all, relevant, not relevant
    hidden: frozenset[int] = frozenset()

    @property
    def where(self) -> Where:
        """What the store filters by."""
        return Where(self.labels, self.split or None, words_of(self.text))

    @property
    def has_filter(self) -> bool:
        """Whether the store leaves anything out by what it is."""
        return self.where != Where()


@dataclass(frozen=True)
class QueryImage:
    """The query as the page shows it: its code and what is known about the image.

    Attributes:
        encoded: its hash code, with the relaxed one where the image was encoded just now.
        name: for people.
        row: its manifest row; None for an image that is not in the data set.
        upload: the image that the user gave; None for one of the data set.
        words: the query in words; None for an image.
    """

    encoded: Query
    name: str
    row: int | None
    upload: Upload | None = None
    words: Words | None = None

    @property
    def kind(self) -> Kind:
        """What it was asked by."""
        return "text" if self.words else "image" if self.upload else "id"

    @property
    def ref(self) -> str:
        """Its link name."""
        if self.words is not None:
            return self.words.ref
        if self.upload is not None:
            return self.upload.ref
        assert self.row is not None
        return dataset_ref(self.row)


@dataclass(frozen=True)
class Result:
    """One image found.

    Attributes:
        relevant: None when nobody knows.
        moved: ranks it gained by another order than distance; negative: lost.
    """

    rank: int
    row: int
    distance: int
    relevant: bool | None
    labels: tuple[str, ...]
    text: str
    image_id: str
    sha256: str
    moved: int = 0


@dataclass(frozen=True)
class TieGroup:
    """Results at one distance.

    Attributes:
        distance: in bits; None: results of all distances, in another order.
        results: those that are shown.
        total: images of the database at this distance that pass the filters.
    """

    distance: int | None
    results: tuple[Result, ...]
    total: int


@dataclass(frozen=True)
class Answer:
    """Everything the search page shows for one query.

    Attributes:
        query: the query.
        groups: results by distance, after the relevance filter.
        n_found: results before the relevance filter.
        n_within: images that pass the filters within the distance asked for, shown or not.
        n_database: images searched (the query itself is left out).
        judgement: None when the query has no labels.
        histogram: columns distance, relevance, images; over the whole database.
        nearest: smallest distance in the database; None when it is empty.
        cut: largest distance among the results.
        is_tie_cut: more images lie at the last distance than are shown.
        is_unusual: nothing is as near as queries of this data set usually find.
        search_s: seconds in the store.
        index: what answered.
        precision_10: share of relevant images among those with a label of the first ten as they
            are shown, before the relevance filter; None when nobody knows.
        n_unknown_10: those of the first ten that have no label.
        order: how the results were sorted.
    """

    query: QueryImage
    groups: tuple[TieGroup, ...]
    n_found: int
    n_within: int
    n_database: int
    judgement: Judgement | None
    histogram: pd.DataFrame
    nearest: int | None
    cut: int | None
    is_tie_cut: bool
    is_unusual: bool
    search_s: float
    index: IndexState
    precision_10: float | None
    n_unknown_10: int
    order: Sorted

    @property
    def results(self) -> list[Result]:
        """All that are shown, in order."""
        return [result for group in self.groups for result in group.results]


def answer(
    opened: OpenRun,
    query: QueryImage,
    request: Request,
    backend: Backend,
    fall_back: Callable[[StoreError], Backend],
    ordering: Ordering | None = None,
) -> Answer:
    """Search, judge and group.

    Args:
        opened: the run.
        query: the query.
        request: what is asked for.
        backend: where to search.
        fall_back: gives the exact backend when the store fails in the middle; takes its error.
        ordering: what to sort by beside the distance; None: nothing.
    """
    try:
        found = _found(query, request, backend, ordering)
    except StoreError as error:
        backend = fall_back(error)
        found = _found(query, request, backend, ordering)
    others = opened.database_rows != (-1 if query.row is None else query.row)
    distances = query.encoded.code.hamming(opened.database_codes)[0]
    relevant = relevance(opened, query.row)
    hits = _known(found.result.hits, opened, query.row, request.hidden)
    order = sort_hits(hits, ordering)
    results = [
        _result(rank, rank - 1 if order.is_by_distance else place, hits[place], opened, relevant)
        for rank, place in enumerate(order.places[: request.limit].tolist(), 1)
    ]
    passing = distances[others & passes(opened, request)]
    n_within = int(
        (passing <= (opened.bits if request.max_distance is None else request.max_distance)).sum()
    )
    nearest = int(distances[others].min()) if others.any() else None
    cut = max((result.distance for result in results), default=None)
    shown = [result for result in results if _is_kind(result, request.relevance)]
    return Answer(
        query=query,
        groups=_groups(shown, passing) if order.is_by_distance else _one_group(shown, len(passing)),
        n_found=len(results),
        n_within=n_within,
        n_database=int(others.sum()),
        judgement=None
        if relevant is None or query.row is None
        else judgement(opened, query.encoded, query.row, others),
        histogram=histogram(opened, distances, relevant, others),
        nearest=nearest,
        cut=cut,
        is_tie_cut=_is_tie_cut(order, cut, passing, len(results)),
        # Words lie farther from images than these from each other, in any space of two towers.
        is_unusual=query.words is None and nearest is not None and nearest > opened.usual_nearest,
        search_s=found.search_s,
        index=backend.index,
        precision_10=_precision_10(results),
        n_unknown_10=sum(result.relevant is None for result in results[:10]),
        order=order,
    )


def passes(opened: OpenRun, request: Request) -> NDArray[np.bool_]:
    """Which database images (m,) pass the filters; for counts, the store filters by itself."""
    passing = opened.items.accepted(request.where)
    if request.hidden:
        passing = passing & ~np.isin(opened.database_rows, list(request.hidden))
    return passing


def bit_string(query: Query) -> str:
    """The first code of a query as a text of 0 and 1."""
    return "".join("1" if sign > 0 else "0" for sign in query.code.signs()[0])


def _found(
    query: QueryImage, request: Request, backend: Backend, ordering: Ordering | None
) -> Found:
    return find_shortlist(
        backend.store,
        backend.alias,
        query.encoded.code,
        ordering,
        # The query may be among them, and what is hidden: as many more.
        limit=min(request.limit, MAX_RESULTS) + 1 + len(request.hidden),
        max_distance=request.max_distance,
        where=request.where if request.has_filter else None,
    )


def _known(
    hits: Sequence[Hit], opened: OpenRun, query_row: int | None, hidden: frozenset[int]
) -> list[Hit]:
    """Without the query, what is hidden, and what an index got after the run was read.

    The next page has the last.
    """
    return [
        hit
        for hit, row in zip(hits, rows_of(hits).tolist(), strict=True)
        if row in opened.place_of and row != query_row and row not in hidden
    ]


def _is_tie_cut(order: Sorted, cut: int | None, passing: NDArray[np.int32], n_found: int) -> bool:
    return order.is_by_distance and cut is not None and bool((passing <= cut).sum() > n_found)


def _precision_10(results: Sequence[Result]) -> float | None:
    known = [result.relevant for result in results[:10] if result.relevant is not None]
    return known.count(True) / len(known) if known and len(results) >= 10 else None


def _result(
    rank: int, place: int, hit: Hit, opened: OpenRun, relevant: NDArray[np.bool_] | None
) -> Result:
    row = int(str(hit.payload["row"]))
    labels = opened.label_names(row)
    texts = {name: opened.text(name, row) for name in ("text", "image_id", "sha256")}
    return Result(
        rank=rank,
        row=row,
        distance=hit.distance,
        relevant=None if relevant is None or not labels else bool(relevant[row]),
        labels=labels,
        **texts,
        moved=place + 1 - rank,
    )


def _is_kind(result: Result, kind: str) -> bool:
    return kind == "all" or result.relevant is {"relevant": True, "not relevant": False}[kind]


def _groups(results: list[Result], distances: NDArray[np.int32]) -> tuple[TieGroup, ...]:
    """Results by distance, each with how many images of the database lie there."""
    sizes = np.bincount(distances) if len(distances) else np.zeros(1, int)
    return tuple(
        TieGroup(distance, tuple(members), int(sizes[distance]) if distance < len(sizes) else 0)
        for distance, members in groupby(results, key=lambda result: result.distance)
    )


def _one_group(results: list[Result], total: int) -> tuple[TieGroup, ...]:
    return (TieGroup(None, tuple(results), total),) if results else ()
