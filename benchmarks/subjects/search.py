"""Search: the nearest codes of single queries, one after the other, with and without a filter."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import faiss
import numpy as np
import qdrant_edge as edge

from benchmarks.frame import Case, Figures, Role, Subject, Work
from benchmarks.library import BITS, CLASSES, searchable
from models.codes import HashCodes
from pipeline.index.coverage import searched_codes
from pipeline.index.publish import index_alias, read_index
from pipeline.index.search import SCAN_FROM, exact_store
from pipeline.index.store.base import CodeStore, Where
from pipeline.index.store.edge_files import EdgeFiles
from pipeline.index.store.edge_values import edge_filter, search_params
from pipeline.index.store.opening import open_store
from pipeline.index.store.qdrant_values import SEARCH_PARAMS, condition
from pipeline.settings import Settings

TOP, QUERIES = 100, 200
Search = Callable[[HashCodes], list[int]]  # of one code: the distances of the nearest


def library(folder: Path) -> Settings:
    """The library that subjects of one size share."""
    return Settings(home=folder / "library", threads=1)


def prepare(size: int, folder: Path) -> None:
    """A library with a published run."""
    searchable(size, library(folder))


class _Codes:
    """Queries, and the codes that pass a filter.

    Attributes:
        queries: one code each.
        codes: all codes.
        places: of the codes that pass.
        truth: distances of the `TOP` nearest of each query among those that pass.
    """

    def __init__(self, size: int, folder: Path, where: Where | None) -> None:
        self.run, self.dataset = searchable(size, library(folder))
        self.codes, rows = searched_codes(self.run)
        some = self.run.load_codes("query")[0][:QUERIES]
        self.queries = [some[number : number + 1] for number in range(len(some))]
        self.places = np.arange(len(rows))
        if where is not None:
            labels = self.dataset.labels(self.dataset.label_set())
            columns = [self.dataset.label_set().classes.index(name) for name in where.labels]
            self.places = np.flatnonzero(labels[rows][:, columns].any(axis=1))
        passing = self.codes.words()[self.places, 0]
        words = [query.words()[0, 0] for query in self.queries]
        self.truth = [np.sort(np.bitwise_count(passing ^ word))[:TOP].tolist() for word in words]

    def work(self, search: Search) -> Work:
        """Search for each query; the figures say how long one took."""

        def work() -> Figures:
            times, found = [], []
            for query in self.queries:
                began = time.perf_counter()
                found.append(search(query))
                times.append(1000 * (time.perf_counter() - began))
            assert found == self.truth, "the distances are not those of a scan"
            p50, p95 = np.percentile(times, [50, 95])
            return {"count": len(found), "p50 ms": float(p50), "p95 ms": float(p95)}

        return work


def code_files(where: Where | None, size: int, folder: Path) -> Work:
    """The product's scan of a run's code files, opened before."""
    codes = _Codes(size, folder, where)
    return codes.work(_by_store(*exact_store(codes.run, codes.dataset), where))


def engine(where: Where | None, size: int, folder: Path) -> Work:
    """The product's search of the embedded engine, opened before."""
    codes = _Codes(size, folder, where)
    store = open_store(None, library(folder).index_path)
    return codes.work(_by_store(store, index_alias(codes.run), where))


def _by_store(store: CodeStore, alias: str, where: Where | None) -> Search:
    def search(query: HashCodes) -> list[int]:
        return [hit.distance for hit in store.search(alias, query, TOP, where).hits]

    search(HashCodes(np.zeros((1, BITS // 8), np.uint8), BITS))  # opens what it needs
    return search


def by_faiss(where: Where | None, size: int, folder: Path) -> Work:
    """Faiss's scan, told the places that pass."""
    codes = _Codes(size, folder, where)
    faiss.omp_set_num_threads(1)
    index = faiss.IndexBinaryFlat(BITS)
    index.add(codes.codes.packed)
    chosen = None
    if where is not None:
        chosen = faiss.SearchParameters(sel=faiss.IDSelectorBatch(codes.places))

    def search(query: HashCodes) -> list[int]:
        distances, places = index.search(query.packed, TOP, params=chosen)
        nearest: list[int] = distances[places >= 0].tolist()  # -1: fewer pass
        return nearest

    return codes.work(search)


def plain_engine(where: Where | None, size: int, folder: Path) -> Work:
    """The engine alone: no payloads, and no look at other images as near as the last one."""
    codes = _Codes(size, folder, where)
    record = read_index(codes.run)
    assert record is not None
    shard = edge.EdgeShard.load(str(EdgeFiles(library(folder).index_path).shard(record.collection)))
    params, asked = search_params(SEARCH_PARAMS), condition(where)
    only = None if asked is None else edge_filter(asked)

    def search(query: HashCodes) -> list[int]:
        nearest = edge.Query.Nearest(query.signs()[0].astype(float).tolist(), None)
        request = edge.QueryRequest(
            limit=TOP, query=nearest, params=params, filter=only, with_payload=False
        )
        return [round((BITS - point.score) / 2) for point in shard.query(request)]

    search(codes.queries[0])
    return codes.work(search)


def scan(where: Where | None, size: int, folder: Path) -> Work:
    """All distances, and nothing kept of them."""
    codes = _Codes(size, folder, where)
    passing = codes.codes.words()[codes.places, 0]
    words = [query.words()[0, 0] for query in codes.queries]

    def work() -> Figures:
        for word in words:
            np.bitwise_count(passing ^ word)
        return {"count": len(words)}

    return work


def cases(group: str, where: Where | None) -> tuple[Case, ...]:
    """The ways to search, with one filter."""

    def case(what: str, role: Role, ready: Callable[[Where | None, int, Path], Work]) -> Case:
        return Case(what, role, partial(ready, where), group)

    return (
        case("HashLens, code files", "ours", code_files),
        case("HashLens, embedded engine", "ours", engine),
        case("faiss, `IndexBinaryFlat`", "peer", by_faiss),
        case("Qdrant Edge alone", "peer", plain_engine),
        case("XOR + popcount", "bound", scan),
    )


PROTOCOL = (
    f"The {TOP} nearest of {QUERIES} queries, one after the other, among codes of {BITS} bits in "
    f"{CLASSES} classes; code files and index are open, after a first search. Every row finds the "
    "distances that a scan finds. HashLens also gives what is known of each image, and looks at "
    "all images as near as the last one, so that the order does not depend on chance. Search reads "
    f"the embedded engine below {SCAN_FROM:,} codes and the code files from there on."
)
PEER = "faiss's exact scan, and Qdrant Edge, the embedded engine, without our layer."
SUBJECT = Subject(
    name="search",
    title="Search",
    protocol=PROTOCOL,
    peer=PEER,
    bound="XOR and popcount over all codes.",
    unit="queries",
    prepare=prepare,
    cases=cases("", None),
)
