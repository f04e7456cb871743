"""OpenRun: a finished run with everything that pages compute from, read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.datasets.dataset import LabelSet, RetrievalDataset, load_dataset
from pipeline.evaluation.ranking import Counts, hamming_histograms, ranked
from pipeline.evaluation.relevance import (
    COPIES,
    LABELS,
    NEIGHBOUR_RELEVANCES,
    neighbour_labels,
)
from pipeline.index.coverage import searched_codes
from pipeline.index.payloads import IndexItems
from pipeline.index.publish import searched_images
from pipeline.runs.copies import encoded_copies
from pipeline.runs.cosine_neighbours import stored_neighbours
from pipeline.runs.ground_truth import relevance_labels
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings

_MOST_QUERIES = 200
_USUAL = 99  # percentile of the stored queries' nearest distances


@dataclass(frozen=True, eq=False)
class OpenRun:
    """A run, its data set, codes and labels. Shared by all users: never changed.

    Attributes:
        run: its folder.
        dataset: the data set that it was trained on.
        label_set: whose labels decide relevance; None without labels.
        labels: (n, C) bool over the manifest; None without labels.
        query_codes: codes of the query set.
        query_rows: manifest rows of these.
        database_codes: codes of the database; of `open_run` with the images that were added later.
        database_rows: manifest rows of these.
        searched_codes: codes of what a search covers: the images in the run's index.
        searched_rows: manifest rows of these.
        nearest: (q, k) places in the database of the images that are relevant to each query; None
            where labels decide.
    """

    run: Run
    dataset: RetrievalDataset
    label_set: LabelSet | None
    labels: NDArray[np.bool_] | None
    query_codes: HashCodes
    query_rows: NDArray[np.int64]
    database_codes: HashCodes
    database_rows: NDArray[np.int64]
    searched_codes: HashCodes
    searched_rows: NDArray[np.int64]
    nearest: NDArray[np.int64] | None = None

    @cached_property
    def searched(self) -> OpenRun:
        """This run with all that a search covers as its database; for measures take itself."""
        return replace(self, database_codes=self.searched_codes, database_rows=self.searched_rows)

    @property
    def id(self) -> str:
        """Name of the run's folder."""
        return self.run.id

    @property
    def label(self) -> str:
        """Short name, for example `ITQ · 32 bits`."""
        return self.run.spec.label

    @property
    def bits(self) -> int:
        """Code length."""
        return self.database_codes.bits

    @property
    def cutoff(self) -> int | None:
        """R of the protocol's mAP@R; None counts all ranks."""
        return self.run.spec.evaluation_protocol().cutoff

    @property
    def label_set_name(self) -> str:
        """Name of the label set; empty without labels."""
        return "" if self.label_set is None else self.label_set.name

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the C labels; empty without labels."""
        return () if self.label_set is None else self.label_set.classes

    @property
    def query_labels(self) -> NDArray[np.bool_]:
        """(q, C) multi-hot; images that share a label are relevant. C is 0 where nothing is."""
        return self._relevance[0]

    @property
    def database_labels(self) -> NDArray[np.bool_]:
        """(n, C) multi-hot, as `query_labels`."""
        return self._relevance[1]

    @cached_property
    def has_label(self) -> NDArray[np.bool_]:
        """Which database images (m,) have a label."""
        return np.asarray(self.database_labels.any(axis=1))

    @cached_property
    def _relevance(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        if self.nearest is not None:
            return neighbour_labels(self.nearest, len(self.database_rows))
        rows = self.query_rows, self.database_rows
        if self.labels is None:
            return np.zeros((len(rows[0]), 0), bool), np.zeros((len(rows[1]), 0), bool)
        return self.labels[rows[0]], self.labels[rows[1]]

    def counts(self) -> Counts:
        """How many images of each relevance lie at each distance of each query, (q, K + 1, G + 1).

        Measured at each call, and not small.
        """
        return hamming_histograms(
            self.query_codes, self.database_codes, self.query_labels, self.database_labels
        )

    @cached_property
    def usual_nearest(self) -> int:
        """The distance within which 99 of 100 stored queries find their nearest image.

        Of more than `_MOST_QUERIES`, some from all over the set are asked.
        """
        is_other = ~np.isin(self.database_rows, self.query_rows)
        queries = self.query_codes[:: -(-len(self.query_codes) // _MOST_QUERIES)]
        _, nearest = ranked(queries, self.database_codes[is_other], 1)
        return int(np.percentile(nearest, _USUAL, method="higher"))

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Manifest row of each content hash."""
        return {sha256: row for row, sha256 in enumerate(self.dataset.manifest["sha256"])}

    @cached_property
    def place_of(self) -> dict[int, int]:
        """Place in the database of each manifest row that is in it."""
        return {int(row): place for place, row in enumerate(self.database_rows)}

    @cached_property
    def items(self) -> IndexItems:
        """What an index of the database holds beside the codes; filters by it."""
        return IndexItems(self.run, self.dataset, self.database_rows)

    def name(self, row: int) -> str:
        """What an image is called: its text, or else its id."""
        return self.text("text", row) or self.text("image_id", row)

    def described(self, row: int) -> str:
        """The labels of an image, or its name where the run knows no labels."""
        if self.label_set is None:
            return self.name(row)
        return ", ".join(self.label_names(row)) or "no label"

    def label_names(self, row: int) -> tuple[str, ...]:
        """The labels of an image."""
        if self.label_set is None:
            return ()
        return tuple(self.dataset.manifest[f"labels:{self.label_set.name}"].iloc[row])

    def sha256(self, row: int) -> str:
        """The content hash of an image."""
        return self.text("sha256", row)

    def text(self, column: str, row: int) -> str:
        """A text column of the manifest for an image."""
        return str(self.dataset.manifest[column].iloc[row])


def open_run(run_id: str, settings: Settings) -> OpenRun:
    """Read a run's codes, with those of images that were added later, and its data set.

    Raises:
        RunError: the run or its codes are missing or damaged, or its data set has changed.
        DatasetError: its data set is.
    """
    run = RunRegistry(settings).open(run_id)
    dataset = load_dataset(run.spec.dataset, settings)
    return _opened(run, dataset, *searched_codes(run, "database"))


def open_measured(
    run_id: str, dataset: RetrievalDataset, settings: Settings, relevance: str = ""
) -> OpenRun:
    """Read exactly the codes that a run's report was computed from, and what was relevant in it.

    Args:
        run_id: of the run.
        dataset: of the run.
        settings: where the run is.
        relevance: that it was measured by; empty, or one that it lacks: its default.

    Raises:
        RunError: run or codes are missing or damaged, the data set has changed, or there is neither
            a label nor a report.
    """
    run = RunRegistry(settings).open(run_id)
    opened = _opened(run, dataset, *run.load_codes("database"))
    is_known = relevance in run.all_relevances
    chosen = relevance if is_known else next(iter(run.relevances), LABELS)
    if chosen == COPIES:
        return _with_copies(opened)
    if chosen == LABELS and opened.label_set is None:
        raise RunError(f"run {run_id} is on images without labels, and was not evaluated")
    if chosen == LABELS:
        return opened
    rows, k = (opened.query_rows, opened.database_rows), NEIGHBOUR_RELEVANCES[chosen]
    try:
        nearest = stored_neighbours(dataset, *rows, settings, run.spec.backbone, k)
    except LookupError as error:
        raise RunError(f"run {run_id}: {error}") from error
    return replace(opened, nearest=nearest)


def _with_copies(opened: OpenRun) -> OpenRun:
    """The run with its copies as the queries; rows are those of the originals."""
    copies, codes = encoded_copies(opened.run, opened.dataset, opened.database_rows)
    nearest = copies.places(opened.database_rows)[:, None]
    return replace(opened, query_codes=codes, query_rows=copies.rows, nearest=nearest)


def _opened(
    run: Run, dataset: RetrievalDataset, codes: HashCodes, rows: NDArray[np.int64]
) -> OpenRun:
    run.check_dataset(*dataset.info.fingerprints)
    label_set = relevance_labels(dataset, run.spec)
    labels = None if label_set is None else dataset.labels(label_set)
    searched = searched_codes(run, searched_images(run))
    queries = run.load_codes("query")
    return OpenRun(run, dataset, label_set, labels, *queries, codes, rows, *searched)


def short_labels(runs: Sequence[Run]) -> list[str]:
    """Names of runs side by side, with the seed or the time added where they are alike."""
    for added in ("", " · seed {0.spec.seed}"):
        names = [run.spec.label + added.format(run) for run in runs]
        if len({*names}) == len(runs):
            return names
    return [f"{run.spec.label} · {run.id:.19}" for run in runs]
