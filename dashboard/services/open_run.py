"""OpenRun: a finished run with everything that pages compute from, read once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.base import LabelSet, RetrievalDataset, load_dataset
from pipeline.execute import chosen_labels
from pipeline.indexing import searched_codes
from pipeline.ranking import HashCodes, ranked
from pipeline.runs import RunRegistry
from pipeline.settings import Settings

_USUAL = 99  # percentile of the stored queries' nearest distances


@dataclass(frozen=True, eq=False)
class OpenRun:
    """A run, its data set, codes and labels. Shared by all users: never changed.

    Attributes:
        id: of the run.
        run_label: short name, for example `ITQ · 32 bits`.
        dataset: of the run.
        label_set: whose labels decide relevance; None without labels.
        labels: (n, C) bool over the manifest; None without labels.
        query_codes: codes of the query set.
        query_rows: manifest rows of these.
        database_codes: codes of the database, with images added later.
        database_rows: manifest rows of these.
    """

    id: str
    run_label: str
    dataset: RetrievalDataset
    label_set: LabelSet | None
    labels: NDArray[np.bool_] | None
    query_codes: HashCodes
    query_rows: NDArray[np.int64]
    database_codes: HashCodes
    database_rows: NDArray[np.int64]

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
    label_set = chosen_labels(dataset, run.spec)
    query_codes, query_rows = run.load_codes("query")
    database_codes, database_rows = searched_codes(run)
    return OpenRun(
        id=run.id,
        run_label=run.spec.label,
        dataset=dataset,
        label_set=label_set,
        labels=None if label_set is None else dataset.labels(label_set),
        query_codes=query_codes,
        query_rows=query_rows,
        database_codes=database_codes,
        database_rows=database_rows,
    )
