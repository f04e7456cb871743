"""What was measured of a growing database: a stored report with a curve per row."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from pipeline.files import write_atomic
from pipeline.runs.baseline_files import baseline_path
from pipeline.runs.ground_truth import GroundTruth
from pipeline.settings import Settings
from pipeline.sums import read_checked
from pipeline.wording import plural, sentence

UNLABELLED, SUBSAMPLES = "unlabelled", "subsamples"  # what the database grows by, beside data sets
VALUES = ("map", "precision_at_10", "ndcg_at_100")
_log = logging.getLogger(__name__)


class GrowthPoint(BaseModel):
    """One size of the database.

    Attributes:
        n_images: that every query is compared with.
        values: means over queries of the metrics `VALUES`; shares.
        intervals: 95 % intervals of these over queries.
        search_ms: of one query on one core, exact scan.
    """

    model_config = ConfigDict(frozen=True)

    n_images: int
    values: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    search_ms: float


class GrowthRow(BaseModel):
    """One method or alternative at all sizes.

    Attributes:
        name: of a run or of an alternative.
        title: for people.
        kind: which of the two.
        method: of the run; empty for alternatives.
        bits: of the code; 0 for alternatives.
        bytes: per image.
        points: smallest database first.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    kind: Literal["method", "alternative"]
    method: str = ""
    bits: int = 0
    bytes: int
    points: tuple[GrowthPoint, ...]


class GrowthReport(BaseModel):
    """A database that grows, under one protocol.

    Attributes:
        dataset: whose queries and database.
        backbone: of the features.
        protocol: its name.
        labels: label set that decides relevance.
        grows_by: `unlabelled` images, another data set by name, or `subsamples` of the database.
        n_query: queries, the same at all sizes.
        n_query_all: queries of the split that they are drawn from.
        n_database: images of the database itself: size 1.
        n_distractors: images that there are to add; 0 for subsamples.
        n_added: of them that were added at most.
        n_same: images that were left out for having the content of another.
        rows: a curve each.
        left_out: why a run or an alternative has no row, by its title.
    """

    model_config = ConfigDict(frozen=True)

    dataset: str
    backbone: str
    protocol: str
    labels: str
    grows_by: str
    n_query: int
    n_query_all: int
    n_database: int
    n_distractors: int = 0
    n_added: int = 0
    n_same: int = 0
    rows: tuple[GrowthRow, ...]
    left_out: dict[str, str] = {}

    @property
    def sentence(self) -> str:
        """What belongs to every number."""
        drawn = "" if self.n_query == self.n_query_all else f" of {self.n_query_all:,}"
        return (
            f"Protocol {self.protocol}, relevant by {self.labels}; features of {self.backbone}; "
            f"the same {self.n_query:,}{drawn} queries at all sizes; {self._grows()} Exact scan, "
            "ties are averaged; methods by Hamming distance, alternatives with real-valued queries."
        )

    def _grows(self) -> str:
        n = plural(self.n_database, "image")
        if self.grows_by == SUBSAMPLES:
            return (
                f"the database of {n} is thinned, stratified by label, so that relevant images "
                "become fewer as well: nothing is left to add."
            )
        by = (
            "images without a label"
            if self.grows_by == UNLABELLED
            else f"images of {self.grows_by}"
        )
        end = f"the database of {n} grows by {by}, which count as not relevant."
        if self.n_same:
            end += f" {plural(self.n_same, 'image')} of the same content left out."
        whole = 1 + self.n_added / self.n_database
        of = "There are" if self.n_added == self.n_distractors else f"{self.n_added:,} are added of"
        return f"{end} {of} {self.n_distractors:,}: it stops at {whole:.1f} times."


def growth_path(truth: GroundTruth, settings: Settings, grows_by: str) -> Path:
    """Where the report is kept."""
    return baseline_path("growth", truth, settings, truth.spec.backbone, grows_by)


def stored_growth(truth: GroundTruth, settings: Settings, grows_by: str) -> GrowthReport | None:
    """What was measured before; None where nothing can be read."""
    path = growth_path(truth, settings, grows_by)
    try:
        return GrowthReport.model_validate_json(read_checked(path).decode())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        _log.warning("the growth in %s cannot be read: %s", path, sentence(error))
        return None


def keep_growth(report: GrowthReport, truth: GroundTruth, settings: Settings) -> None:
    """Store a report."""
    path = growth_path(truth, settings, report.grows_by)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, report.model_dump_json(indent=2))
