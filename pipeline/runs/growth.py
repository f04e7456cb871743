"""How quality and time change as a database grows by images that are not relevant.

Queries, relevant images and everything that was trained stay the same; only what has to be told
apart from the relevant images becomes more. Where there is nothing to add, the database is thinned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from models.codes import HashCodes
from models.wording import unknown
from pipeline.evaluation.bootstrap import band, resampled_counts
from pipeline.evaluation.metric_table import METRICS, Ranking
from pipeline.evaluation.ranking import (
    Labels,
    Similarities,
    inner_products,
    similarity_histograms,
)
from pipeline.evaluation.relevance import LABELS
from pipeline.features import FeatureCache
from pipeline.progress import StageProgress, ignore_progress
from pipeline.runs.alternative_vectors import (
    TIMED_QUERIES,
    Decoded,
    JoinedRows,
    Vectors,
    encoded,
    scan_s,
    trained_codec,
)
from pipeline.runs.alternatives import ALTERNATIVES, Alternative
from pipeline.runs.distractors import Growth, plan_growth, usual_growth
from pipeline.runs.ground_truth import GroundTruth, relevance_labels
from pipeline.runs.growth_report import VALUES, GrowthPoint, GrowthReport, GrowthRow, keep_growth
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings
from pipeline.wording import sentence

N_QUERIES, N_IMAGES, MOST = 250, 200_000, 100
GROWN = ("float32", "int8", "signs", "rabitq", "plain-pq-4", "plain-pq-8")  # unless chosen
_CELLS = 16_000_000  # similarities at a time
_BLOCK = 8192  # features that are encoded at a time


def measure_growth(
    truth: GroundTruth,
    settings: Settings,
    cache: FeatureCache,
    *,
    grows_by: str = "",
    alternatives: Sequence[str] = GROWN,
    most: float = MOST,
    n_query: int = N_QUERIES,
    n_images: int = N_IMAGES,
    on_progress: StageProgress = ignore_progress,
) -> GrowthReport:
    """Measure all methods and some alternatives at each size, and keep the report.

    Args:
        truth: data set and split; labels must decide.
        settings: where runs, other data sets and the report are.
        cache: features of the backbone.
        grows_by: `unlabelled`, `subsamples`, or a data set by name; empty: what there is.
        alternatives: names of `ALTERNATIVES`.
        most: largest multiple of the database.
        n_query: most queries, drawn evenly with a fixed seed.
        n_images: most images of all.
        on_progress: called with a title, rows done and rows in all.

    Raises:
        ValueError: labels do not decide, or there is no such alternative.
        DatasetError: there is no such data set, or it has no image to add.
        ImageError: an image whose features are missing is gone or has changed.
    """
    if truth.relevance != LABELS:
        raise ValueError(f"growth is measured by labels; {truth.relevance} changes with each image")
    if names := [name for name in alternatives if name not in ALTERNATIVES]:
        raise ValueError(unknown("alternative", names[0], tuple(ALTERNATIVES)))
    chosen = grows_by or usual_growth(truth)
    growth = plan_growth(truth, settings, cache, chosen, most=most, n_images=n_images)
    bench = _Bench.of(truth, Vectors(truth, settings, cache), growth, n_query)
    runs, left_out = _runs(truth, settings)
    jobs: dict[str, Run | Alternative] = {**runs}
    for one in (ALTERNATIVES[name] for name in alternatives):
        jobs[one.title if one.title != one.family else one.name] = one
    rows = []
    for done, (title, job) in enumerate(jobs.items()):
        on_progress(title, done, len(jobs))
        try:
            rows.append(bench.row(job, title))
        except (RunError, Obstacle) as error:
            left_out[title] = sentence(error)
    report = bench.report(rows, left_out)
    keep_growth(report, truth, settings)
    return report


def _title(spec: RunSpec) -> str:
    """Method, bits, and the settings that are not the default."""
    own = [f"{name}={value}" for name, value in spec.changed.items()]
    return ", ".join([spec.title.partition(" (")[0], f"{spec.bits} bits", *own])


class Obstacle(ValueError):  # noqa: N818 - the name says what is wrong
    """An alternative cannot be trained on these images; the message says why."""


def _runs(truth: GroundTruth, settings: Settings) -> tuple[dict[str, Run], dict[str, str]]:
    """Finished runs of the same conditions by title, the lowest seed of each; who is left out."""
    found: dict[str, Run] = {}
    left_out: dict[str, str] = {}
    for run in sorted(RunRegistry(settings).all(), key=lambda run: -run.spec.seed):
        spec = run.spec
        same = (spec.dataset, spec.backbone, spec.split_seed, spec.evaluation_protocol())
        if run.state() != "done" or same != (
            truth.spec.dataset, truth.spec.backbone, truth.spec.split_seed, truth.protocol
        ):  # fmt: skip
            continue
        labels = relevance_labels(truth.dataset, spec)
        if labels is None or labels.name != truth.key:
            continue
        title = _title(spec)
        if spec.finetune is not None:
            left_out[title] = "its backbone learned, and encodes no stored features"
        else:
            found[title] = run
    return dict(sorted(found.items())), left_out


@dataclass(frozen=True, eq=False)
class _Bench:
    """What every row is measured on.

    Attributes:
        vectors: of the data set.
        growth: images in order.
        chosen: places of the queries in the split.
        labels: (q, C) of the queries, and (n, C) of all images in order; distractors have none.
    """

    vectors: Vectors
    growth: Growth
    chosen: NDArray[np.int64]
    labels: tuple[Labels, Labels]

    @classmethod
    def of(cls, truth: GroundTruth, vectors: Vectors, growth: Growth, n_query: int) -> _Bench:
        n = len(truth.split.query)
        chosen = np.sort(np.random.default_rng(0).permutation(n)[:n_query])
        queries, database = truth.labels
        nothing = np.zeros((len(growth.rows), database.shape[1]), bool)
        labels = queries[chosen], np.concatenate([database[growth.order], nothing])
        return cls(vectors, growth, chosen, labels)

    def report(self, rows: Sequence[GrowthRow], left_out: dict[str, str]) -> GrowthReport:
        """The rows with what belongs to them."""
        truth, growth = self.vectors.truth, self.growth
        return GrowthReport(
            dataset=truth.dataset.info.name,
            backbone=truth.spec.backbone,
            protocol=truth.protocol.name,
            labels=truth.key,
            grows_by=growth.grows_by,
            n_query=len(self.chosen),
            n_query_all=len(truth.split.query),
            n_database=len(truth.split.database),
            n_distractors=growth.n_distractors,
            n_added=len(growth.rows),
            n_same=growth.n_same,
            rows=tuple(rows),
            left_out=left_out,
        )

    def row(self, job: Run | Alternative, title: str) -> GrowthRow:
        """The curve of a run or an alternative.

        Raises:
            RunError: a run's codes or its model are not there, or are of another split.
            Obstacle: there are too few images for an alternative.
        """
        if isinstance(job, Alternative):
            return self._alternative(job)
        return self._method(job, title)

    def _method(self, run: Run, title: str) -> GrowthRow:
        """A run by Hamming distance.

        Raises:
            RunError: its codes or its model are not there, or are of another split.
        """
        split = self.vectors.truth.split
        run.check_dataset(*self.vectors.truth.dataset.info.fingerprints)
        (query, query_rows), (database, rows) = run.load_codes("query"), run.load_codes("database")
        if not (np.array_equal(query_rows, split.query) and np.array_equal(rows, split.database)):
            raise RunError(f"the codes of run {run.id} are of another split; run it again")
        added = self._encoded(run)
        packed = np.concatenate([database[self.growth.order].packed, added])
        queries, items = query[self.chosen], HashCodes(packed, database.bits)
        return GrowthRow(
            name=run.id,
            title=title,
            kind="method",
            method=run.spec.method,
            bits=database.bits,
            bytes=packed.shape[1],
            points=self._points(_by_hamming(queries, items), lambda n: scan_s(queries, items[:n])),
        )

    def _alternative(self, one: Alternative) -> GrowthRow:
        """An alternative, trained as ever, with a query of real values unless it says otherwise."""
        split = self.vectors.truth.split
        if reason := one.obstacle(len(split.train), self.growth.features.shape[1]):
            raise Obstacle(reason)
        codec = trained_codec(one, self.vectors, 0)
        queries = self.vectors.rows(split.query[self.chosen], one)[:]
        rows = JoinedRows(
            (
                self.vectors.rows(split.database[self.growth.order], one),
                self.vectors.unit(self.growth.features, self.growth.rows, one),
            )
        )
        codes = encoded(rows, codec)
        if one.has_bit_query and codes is not None:
            bits, items = HashCodes.from_relaxed(queries), HashCodes(codes, queries.shape[1])
            points = self._points(_by_hamming(bits, items), lambda n: scan_s(bits, items[:n]))
        else:
            stored = Decoded(rows, codec, codes)
            points = self._points(
                inner_products(queries, stored),
                lambda n: codec.search_s(stored.coded(slice(n)), queries[:TIMED_QUERIES]),
            )
        size = "" if one.title == one.family == "float" else f", {codec.code_bytes:,} bytes"
        return GrowthRow(
            name=one.name,
            title=f"{one.title}{size}",
            kind="alternative",
            bytes=codec.code_bytes,
            points=points,
        )

    def _encoded(self, run: Run) -> NDArray[np.uint8]:
        """Packed codes (m, bytes) of the distractors."""
        rows, method = self.growth.rows, run.load_method()
        blocks = [np.zeros((0, -(-run.spec.bits // 8)), np.uint8)]
        for start in range(0, len(rows), _BLOCK):
            features = np.array(self.growth.features[rows[start : start + _BLOCK]])
            blocks.append(method.encode(torch.from_numpy(features)).packed)
        return np.concatenate(blocks)

    def _points(
        self, similarities: Iterator[Similarities], seconds: Callable[[int], float]
    ) -> tuple[GrowthPoint, ...]:
        """A point per size, from similarities (b, n) of successive queries to all images."""
        sizes, (query_labels, labels) = self.growth.sizes, self.labels
        per_query: dict[int, dict[str, list[NDArray[np.float64]]]] = {
            size: {name: [] for name in VALUES} for size in sizes
        }
        first = 0
        for block in similarities:
            own = query_labels[first : first + len(block)]
            for size in sizes:
                for name, values in self._measured(block[:, :size], own, labels[:size]):
                    per_query[size][name].append(values)
            first += len(block)
        counts = resampled_counts(len(query_labels))
        return tuple(
            _point(
                size,
                {name: np.concatenate(parts) for name, parts in values.items() if parts},
                counts,
                seconds(size),
            )
            for size, values in per_query.items()
        )

    def _measured(
        self, similarities: Similarities, query_labels: Labels, labels: Labels
    ) -> Iterator[tuple[str, NDArray[np.float64]]]:
        cutoff = self.vectors.truth.protocol.cutoff
        for counts, _ in similarity_histograms([similarities], query_labels, labels):
            ranking = Ranking(counts, cutoff, is_hamming=False)
            for name in VALUES:
                if (values := METRICS[name].function(ranking)) is not None:
                    yield name, values


def _point(
    size: int,
    values: dict[str, NDArray[np.float64]],
    counts: NDArray[np.float64],
    seconds: float,
) -> GrowthPoint:
    intervals = {}
    for name, own in values.items():
        low, high = band(own[:, None], counts)
        intervals[name] = float(low[0]), float(high[0])
    means = {name: float(own.mean()) for name, own in values.items()}
    return GrowthPoint(n_images=size, values=means, intervals=intervals, search_ms=1000 * seconds)


def _by_hamming(queries: HashCodes, items: HashCodes) -> Iterator[Similarities]:
    rows = max(1, _CELLS // len(items))
    for start in range(0, len(queries), rows):
        yield -queries[start : start + rows].hamming(items).astype(np.float32)
