"""OpenRun: a finished run with everything that pages compute from, read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.dataset import LabelSet, RetrievalDataset, load_dataset
from pipeline.evaluation.ranking import HashCodes, ranked
from pipeline.index.payloads import parts_of
from pipeline.index.publish import searched_codes
from pipeline.index.store.base import words_of
from pipeline.runs.execute import relevance_labels
from pipeline.runs.registry import Run, RunRegistry
from pipeline.settings import Settings

_USUAL = 99  # percentile of the stored queries' nearest distances


@dataclass(frozen=True, eq=False)
class OpenRun:
    """A run, its data set, codes and labels. Shared by all users: never changed.

    Attributes:
        run: its folder.
        dataset: of the run.
        label_set: whose labels decide relevance; None without labels.
        labels: (n, C) bool over the manifest; None without labels.
        query_codes: codes of the query set.
        query_rows: manifest rows of these.
        database_codes: codes of the database, with images added later.
        database_rows: manifest rows of these.
    """

    run: Run
    dataset: RetrievalDataset
    label_set: LabelSet | None
    labels: NDArray[np.bool_] | None
    query_codes: HashCodes
    query_rows: NDArray[np.int64]
    database_codes: HashCodes
    database_rows: NDArray[np.int64]

    @property
    def id(self) -> str:
        """Of the run."""
        return self.run.id

    @property
    def run_label(self) -> str:
        """Short name, for example `ITQ · 32 bits`."""
        return self.run.spec.label

    @property
    def bits(self) -> int:
        """Code length."""
        return self.database_codes.bits

    @cached_property
    def usual_nearest(self) -> int:
        """The distance within which 99 of 100 stored queries find their nearest image."""
        _, nearest = ranked(self.query_codes, self.database_codes, 1)
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
    def parts(self) -> NDArray[np.str_]:
        """The part (m,) of each database image: train, database or added."""
        return parts_of(self.run, self.dataset, self.database_rows)

    @cached_property
    def words(self) -> list[frozenset[str]]:
        """The words (m) that a text filter finds each database image by."""
        return [
            frozenset(
                words_of(
                    " ".join(
                        [
                            self.text("image_id", row),
                            self.text("text", row),
                            *self.label_names(row),
                        ]
                    )
                )
            )
            for row in self.database_rows
        ]

    def label_names(self, row: int) -> tuple[str, ...]:
        """The labels of an image."""
        if self.label_set is None:
            return ()
        return tuple(self.dataset.manifest[f"labels:{self.label_set.name}"].iloc[row])

    def text(self, column: str, row: int) -> str:
        """A text column of the manifest for an image."""
        return str(self.dataset.manifest[column].iloc[row])


def open_run(run_id: str, settings: Settings) -> OpenRun:
    """Read a run's codes and its data set.

    Raises:
        RunError: the run or its codes are missing or damaged, or its data set has changed.
        DatasetError: its data set is.
    """
    run = RunRegistry(settings).open(run_id)
    dataset = load_dataset(run.spec.dataset, settings)
    run.check_dataset(*dataset.info.fingerprints)
    label_set = relevance_labels(dataset, run.spec)
    query_codes, query_rows = run.load_codes("query")
    database_codes, database_rows = searched_codes(run)
    return OpenRun(
        run=run,
        dataset=dataset,
        label_set=label_set,
        labels=None if label_set is None else dataset.labels(label_set),
        query_codes=query_codes,
        query_rows=query_rows,
        database_codes=database_codes,
        database_rows=database_rows,
    )


def short_labels(runs: Sequence[OpenRun]) -> list[str]:
    """Names of runs side by side, with the seed or the time added where they are alike."""
    for added in ("", " · seed {0.run.spec.seed}"):
        names = [one.run_label + added.format(one) for one in runs]
        if len({*names}) == len(runs):
            return names
    return [f"{one.run_label} · {one.id:.19}" for one in runs]
