"""MeasuredRun: exactly the codes and labels that a run's report was computed from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.dataset import LabelSet, RetrievalDataset
from pipeline.evaluation.ranking import Counts, HashCodes, hamming_histograms
from pipeline.runs.execute import relevance_labels
from pipeline.runs.registry import RunError, RunRegistry
from pipeline.settings import Settings


@dataclass(frozen=True, eq=False)
class MeasuredRun:
    """A run as it was measured. Images added to the index later are not among its codes.

    Attributes:
        id: of the run.
        label: short name, for example `ITQ · 32 bits`.
        dataset: of the run.
        label_set: whose labels decide relevance.
        query_codes: q codes.
        query_rows: (q,) manifest rows of these.
        query_labels: (q, C) multi-hot.
        database_codes: n codes.
        database_rows: (n,) manifest rows of these.
        database_labels: (n, C) multi-hot.
        cutoff: R of the protocol's mAP@R; None counts all ranks.
    """

    id: str
    label: str
    dataset: RetrievalDataset
    label_set: LabelSet
    query_codes: HashCodes
    query_rows: NDArray[np.int64]
    query_labels: NDArray[np.bool_]
    database_codes: HashCodes
    database_rows: NDArray[np.int64]
    database_labels: NDArray[np.bool_]
    cutoff: int | None

    @property
    def bits(self) -> int:
        """Code length."""
        return self.database_codes.bits

    def counts(self) -> Counts:
        """How many images of each relevance lie at each distance of each query, (q, K + 1, G + 1).

        Measured anew at each call, and not small.
        """
        return hamming_histograms(
            self.query_codes, self.database_codes, self.query_labels, self.database_labels
        )

    def names(self, row: int) -> tuple[str, ...]:
        """The labels of an image of the data set."""
        return tuple(self.dataset.manifest[f"labels:{self.label_set.name}"].iloc[row])

    def sha256(self, row: int) -> str:
        """The content hash of an image of the data set."""
        return str(self.dataset.manifest["sha256"].iloc[row])


def read_measured(run_id: str, dataset: RetrievalDataset, settings: Settings) -> MeasuredRun:
    """Read a run's own codes.

    Raises:
        RunError: run or codes are missing or damaged, the data set has changed, or has no labels.
    """
    run = RunRegistry(settings).open(run_id)
    run.check_dataset(*dataset.info.fingerprints)
    label_set = relevance_labels(dataset, run.spec)
    if label_set is None:
        raise RunError(f"run {run_id} is on images without labels, so nothing can be measured")
    query_codes, query_rows = run.load_codes("query")
    database_codes, database_rows = run.load_codes("database")
    labels = dataset.labels(label_set)
    return MeasuredRun(
        id=run_id,
        label=run.spec.label,
        dataset=dataset,
        label_set=label_set,
        query_codes=query_codes,
        query_rows=query_rows,
        query_labels=labels[query_rows],
        database_codes=database_codes,
        database_rows=database_rows,
        database_labels=labels[database_rows],
        cutoff=run.spec.evaluation_protocol().cutoff,
    )
