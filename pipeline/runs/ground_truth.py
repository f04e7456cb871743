"""GroundTruth: protocol, split and relevance that the rankings of a spec are measured against."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pipeline.datasets.dataset import LabelSet, RetrievalDataset
from pipeline.datasets.protocols import Protocol
from pipeline.datasets.split import Split, make_split
from pipeline.evaluation.ranking import Labels
from pipeline.evaluation.relevance import COPIES, LABELS, NEIGHBOUR_RELEVANCES, neighbour_labels
from pipeline.runs.copies import draw_copies
from pipeline.runs.cosine_neighbours import stored_neighbours
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings


def relevance_labels(dataset: RetrievalDataset, spec: RunSpec) -> LabelSet | None:
    """The label set of a spec, also where nothing could be trained any more.

    None without labels, and where none is named and none came with the images.

    Raises:
        DatasetError: the data set does not have it.
    """
    if not (spec.label_set or dataset.info.imported_labels):
        return None  # it was asked for before labels came
    return dataset.label_set(spec.label_set)


@dataclass(frozen=True)
class GroundTruth:
    """Protocol, split and relevance of a spec; each is made when it is first needed.

    Attributes:
        spec: gives protocol, label set and split seed.
        dataset: data set of the spec.
        settings: say where the neighbours by cosine are kept.
        relevance: one of `RELEVANCES`.
    """

    spec: RunSpec
    dataset: RetrievalDataset
    settings: Settings
    relevance: str = LABELS

    @cached_property
    def protocol(self) -> Protocol:
        """Protocol of the spec."""
        return self.spec.evaluation_protocol()

    @cached_property
    def label_set(self) -> LabelSet | None:
        """Labels of the spec; None where the data set has none."""
        return relevance_labels(self.dataset, self.spec)

    @property
    def key(self) -> str:
        """What reports are kept under: the label set, or else the relevance."""
        if self.relevance != LABELS:
            return self.relevance
        return "" if self.label_set is None else self.label_set.name

    @cached_property
    def split(self) -> Split:
        """Queries, database and training set."""
        return make_split(self.dataset, self.protocol, self.label_set, self.spec.split_seed)

    @cached_property
    def labels(self) -> tuple[Labels, Labels]:
        """Labels (q, C) of the queries and (m, C) of the database images; shared ones are relevant.

        The queries are those of the split, or the copies that are drawn from the database.

        Raises:
            LookupError: there are no labels, or the neighbours by cosine are not stored.
        """
        split = self.split
        if self.relevance == LABELS:
            if self.label_set is None:
                raise LookupError(f"{self.dataset.info.name!r} has no labels any more")
            labels = self.dataset.labels(self.label_set)
            return labels[split.query], labels[split.database]
        if self.relevance == COPIES:
            return draw_copies(self.dataset, split.database).labels(split.database)
        k = NEIGHBOUR_RELEVANCES[self.relevance]
        nearest = stored_neighbours(
            self.dataset, split.query, split.database, self.settings, self.spec.backbone, k
        )
        return neighbour_labels(nearest, len(split.database))
