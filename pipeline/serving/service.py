"""Service: answers queries for runs, which it keeps open."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock, Semaphore

import numpy as np
import torch

from models.backbones.base import Backbone
from models.codes import HashCodes
from models.errors import WeightsError
from models.method import HashMethod
from models.wording import unknown
from pipeline.datasets.dataset import RetrievalDataset, list_datasets, load_dataset
from pipeline.images import ImageError
from pipeline.index.cosine import Cosine, cosine_of
from pipeline.index.ordering import Ordering, find_shortlist, rows_of, sort_hits
from pipeline.index.payloads import check_where
from pipeline.index.publish import read_index
from pipeline.index.search import encode_image, searchable, stored_query
from pipeline.index.store.base import CodeStore, Hit, Where
from pipeline.index.text_search import encode_text
from pipeline.index.word_filter import words_of
from pipeline.logs import note
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.serving import messages
from pipeline.serving.messages import DatasetFacts, Encoded, Found, Query, RunFacts, Search
from pipeline.settings import Settings
from pipeline.stored_features import FeaturesMissing
from pipeline.watch.measures import ENCODE, Outcome, counted_search

_MOST_OPEN = 4  # runs
_FRESH_S = 30.0  # after which an open run is compared with the disk again
_WAITING_S = 20.0  # for a turn to encode


class Busy(RuntimeError):  # noqa: N818 - not a fault, a state
    """Too many queries are being encoded; the client may try again."""


class Refused(ValueError):  # noqa: N818 - the answer to a request
    """A request that cannot be answered as it is; `field` says which part."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class _Asked:
    """A query's code, and features where it has any."""

    code: HashCodes
    features: np.ndarray[tuple[int, ...], np.dtype[np.float32]] | None
    row: int | None = None


@dataclass
class _Open:
    """A run with what its queries need; its networks are loaded with the first that needs them."""

    run: Run
    dataset: RetrievalDataset
    opened: float
    lock: Lock = field(default_factory=Lock)
    networks: tuple[Backbone, HashMethod] | None = None
    cosine: Cosine | None = None
    cosine_problem: str = ""
    place: tuple[CodeStore, str, str] | None = None

    def encoders(self) -> tuple[Backbone, HashMethod]:
        """Backbone and method, loaded once."""
        with self.lock:
            if self.networks is None:
                self.networks = self.run.load_backbone(), self.run.load_method()
            return self.networks

    def searched(self, store: Callable[[], CodeStore]) -> tuple[CodeStore, str, str]:
        """Where codes are searched, found once."""
        with self.lock:
            if self.place is None:
                self.place = searchable(self.run, self.dataset, store())
            return self.place


class Service:
    """Answers requests; safe to use from several threads.

    Args:
        settings: say where the library is.
        store: gives the index.
        at_once: queries that are encoded at the same time; others wait for up to 20 seconds.
    """

    def __init__(
        self, settings: Settings, store: Callable[[], CodeStore], *, at_once: int = 1
    ) -> None:
        self._settings, self._store = settings, store
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._opening = Lock()
        self._turns = Semaphore(at_once)

    def datasets(self) -> messages.Datasets:
        """Facts of all data sets."""
        facts = [
            DatasetFacts(
                name=info.name,
                title=info.title,
                images=info.n,
                label_sets=[labels.name for labels in info.label_sets],
                licence=info.licence,
                attribution=info.attribution,
            )
            for info in list_datasets(self._settings)
        ]
        return messages.Datasets(datasets=facts)

    def runs(self, dataset: str = "") -> messages.Runs:
        """Facts of all runs, or of those on one data set; newest first."""
        runs = RunRegistry(self._settings).all()
        return messages.Runs(
            runs=[_run_facts(run) for run in runs if dataset in ("", run.stored.dataset)]
        )

    def encode(self, query: Query) -> Encoded:
        """The code of a query.

        Raises:
            Refused: it does not fit the run, or there is no such run.
            ImageError, WeightsError: the image cannot be read, or nothing here can encode it.
            Busy: others are being encoded.
        """
        began = time.perf_counter()
        opened = self._opened(query.run)
        asked = self._asked(opened, query)
        return _encoded(opened, asked, time.perf_counter() - began)

    def search(self, search: Search) -> Found:
        """The nearest images of a query; for what it raises see `encode`, and StoreError."""
        with counted_search("rest", search.kind, (Refused, ImageError)) as outcome:
            return self._search(search, outcome)

    def _search(self, search: Search, outcome: Outcome) -> Found:
        began = time.perf_counter()
        opened = self._opened(search.run)
        where = Where(tuple(search.labels), search.split or None, words_of(search.contains))
        check_where(where, opened.run, opened.dataset)
        asked = self._asked(opened, search)
        encoded = _encoded(opened, asked, time.perf_counter() - began)
        store, alias, problem = opened.searched(self._store)
        ordering, no_order = self._ordering(opened, asked, search)
        found = find_shortlist(
            store,
            alias,
            asked.code,
            ordering,
            limit=search.k + 1,  # the query may be among them
            max_distance=search.max_distance,
            where=None if where == Where() else where,
        )
        outcome.is_fallback, outcome.search_s = bool(problem), found.search_s
        rows = rows_of(found.result.hits)
        own = -1 if asked.row is None else asked.row
        is_shown = (rows != own) & (rows < len(opened.dataset))  # some came a moment ago
        hits = [found.result.hits[place] for place in np.flatnonzero(is_shown)]
        order = sort_hits(hits, ordering)
        shown = [hits[place] for place in order.places[: search.k]]
        is_cut = len(hits) > search.k and any(
            hit.distance == shown[-1].distance for hit in hits[search.k :]
        )
        notes = [note for note in (problem, no_order or order.problem) if note]
        return Found(
            **encoded.model_dump(),
            hits=_hits(shown, opened.dataset),
            is_cut=is_cut or found.result.tie_cut,
            order="within" if ordering and not order.problem else "codes",
            notes=notes,
            search_seconds=found.search_s,
        )

    def _opened(self, run_id: str) -> _Open:
        try:
            run = RunRegistry(self._settings).open(run_id)
        except RunError as error:
            raise Refused(str(error), "run") from error
        note(run=run.id)
        with self._opening:
            known = self._open.get(run.id)
            if known is None or time.monotonic() - known.opened > _FRESH_S:
                dataset = load_dataset(run.spec.dataset, self._settings)
                run.check_dataset(*dataset.info.fingerprints)
                networks = known.networks if known else None  # a finished run keeps its weights
                known = _Open(run, dataset, time.monotonic(), networks=networks)
                self._open[run.id] = known
            self._open.move_to_end(run.id)
            while len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)
            return known

    def _asked(self, opened: _Open, query: Query) -> _Asked:
        if query.id is not None:
            return _stored(opened, query.id)
        if query.code is not None:
            return _given_code(opened.run, query.code)
        with ENCODE.labels(query.kind).time(), self._turn(), torch.inference_mode():
            if query.image is not None:
                image = opened.dataset.read_image(query.image)
                encoded = encode_image(image, *opened.encoders())
            elif query.text is not None:
                encoded = encode_text(
                    query.text, opened.run, opened.dataset, *opened.encoders(), self._settings
                )
            else:
                return _given_vector(opened, query.vector or [])
        return _Asked(encoded.code, encoded.features)

    def _ordering(
        self, opened: _Open, asked: _Asked, search: Search
    ) -> tuple[Ordering | None, str]:
        """What sorts equally near images, and why nothing does."""
        if search.order == "codes":
            return None, ""
        with opened.lock:
            if opened.cosine is None and not opened.cosine_problem:
                try:
                    opened.cosine = cosine_of(
                        opened.run, opened.dataset, self._settings, opened.run.load_backbone
                    )
                except (FeaturesMissing, WeightsError, RuntimeError) as error:
                    opened.cosine_problem = str(error)
        if opened.cosine is None:
            return None, f"equally near images are sorted by id: {opened.cosine_problem}"
        features = asked.features
        if features is None and asked.row is not None:
            features = opened.cosine.of_row(asked.row)
        if features is None:
            return None, "equally near images are sorted by id: a code has no features"
        return Ordering(opened.cosine.values(features)), ""

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=_WAITING_S):
            raise Busy("too many queries are being encoded; try again")
        try:
            yield
        finally:
            self._turns.release()


def _stored(opened: _Open, image_id: str) -> _Asked:
    ids = opened.dataset.manifest["image_id"]
    rows = np.flatnonzero(ids == image_id)
    if not len(rows):
        known = tuple(ids.iloc[:5000])
        raise Refused(unknown(f"image of {opened.dataset.info.name}", image_id, known), "id")
    query = stored_query(opened.run, int(rows[0]))
    if query is None:
        raise Refused(f"the run has no code of {image_id!r}; index refresh adds it", "id")
    return _Asked(query.code, None, int(rows[0]))


def _given_code(run: Run, digits: str) -> _Asked:
    packed = np.frombuffer(bytes.fromhex(digits), np.uint8)[None]
    try:
        return _Asked(HashCodes(packed, run.spec.bits), None)
    except ValueError as error:
        raise Refused(f"code: {error}", "code") from error


def _given_vector(opened: _Open, values: list[float]) -> _Asked:
    method = opened.encoders()[1]
    features = np.array([values], np.float32)
    if not np.isfinite(features).all():
        raise Refused("the vector holds numbers that are not finite", "vector")
    try:
        return _Asked(method.encode(torch.from_numpy(features)), features[0])
    except ValueError as error:
        raise Refused(str(error), "vector") from error


def _encoded(opened: _Open, asked: _Asked, seconds: float) -> Encoded:
    code = asked.code.packed.tobytes().hex()
    return Encoded(run=opened.run.id, bits=asked.code.bits, code=code, seconds=seconds)


def _hits(found: list[Hit], dataset: RetrievalDataset) -> list[messages.Hit]:
    names = dataset.manifest[["image_id", "sha256", "text"]].iloc[rows_of(found)]
    labels = [hit.payload["labels"] for hit in found]
    return [
        messages.Hit(
            id=image_id,
            sha256=sha256,
            distance=hit.distance,
            labels=list(map(str, named)) if isinstance(named, list) else [],
            text=text,
            split=str(hit.payload["split"]),
        )
        for hit, named, (image_id, sha256, text) in zip(
            found, labels, names.itertuples(index=False), strict=True
        )
    ]


def _run_facts(run: Run) -> RunFacts:
    try:
        value = run.report().map
    except RunError:
        value = None
    stored = run.stored
    return RunFacts(
        id=run.id,
        dataset=stored.dataset,
        method=stored.method,
        backbone=str(getattr(stored, "backbone", "")),
        bits=stored.bits,
        state=run.state(),
        map=value,
        is_published=read_index(run) is not None,
    )
