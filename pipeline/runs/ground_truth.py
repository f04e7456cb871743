"""GroundTruth: protocol, split and labels that the rankings of a spec are measured against."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pipeline.datasets.dataset import LabelSet, RetrievalDataset
from pipeline.datasets.protocols import Protocol
from pipeline.datasets.split import Split, make_split
from pipeline.evaluation.ranking import Labels
from pipeline.runs.spec import RunSpec


@dataclass(frozen=True)
class GroundTruth:
    """Protocol, split and labels of a spec; each is made when it is first needed.

    Attributes:
        spec: gives protocol, label set and split seed.
        dataset: data set of the spec.
    """

    spec: RunSpec
    dataset: RetrievalDataset

    @cached_property
    def protocol(self) -> Protocol:
        """Protocol of the spec."""
        return self.spec.evaluation_protocol()

    @cached_property
    def label_set(self) -> LabelSet:
        """Labels that decide relevance."""
        return self.dataset.label_set(self.spec.label_set)

    @cached_property
    def split(self) -> Split:
        """Queries, database and training set."""
        return make_split(self.dataset, self.protocol, self.label_set, self.spec.split_seed)

    @cached_property
    def labels(self) -> Labels:
        """Labels (n, C) of all images, multi-hot."""
        return self.dataset.labels(self.label_set)

    @property
    def query_labels(self) -> Labels:
        """Labels (q, C) of the queries."""
        return self.labels[self.split.query]

    @property
    def database_labels(self) -> Labels:
        """Labels (m, C) of the database images."""
        return self.labels[self.split.database]
