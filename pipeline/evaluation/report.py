"""Report and Curves: what an evaluation measured, and how it is stored."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pipeline.datasets.protocols import Protocol
from pipeline.evaluation.code_statistics import CodeStatistics
from pipeline.evaluation.metric_table import METRICS, REPORT_RANKS
from pipeline.evaluation.rankings import HAMMING
from pipeline.evaluation.relevance import LABELS


class Report(BaseModel):
    """Measurements, with the protocol that they were made under."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    protocol: Protocol
    relevance: str = Field(LABELS, description="What is relevant to a query; see `RELEVANCES`.")
    ranking: str = Field(HAMMING, description="How items are put in order; see `RANKINGS`.")
    n_query: int
    n_database: int
    bits: int | None = Field(description="Code length; None for real-valued features.")
    bytes_per_item: int = Field(description="Of what a search compares a query with.")
    cold_bytes_per_item: int = Field(
        0, description="Of what is read from the disk for the first results alone."
    )
    values: dict[str, float | None] = Field(
        description="Mean over queries of each metric of `METRICS`, averaged over ties unless its "
        "name says otherwise; None where the ranking has no such value."
    )
    ci_low: float = Field(description="Lower end of the 95 % bootstrap interval of mAP.")
    ci_high: float = Field(description="Upper end of the 95 % bootstrap interval of mAP.")
    intervals: dict[str, tuple[float, float]] = Field(
        {}, description="95 % bootstrap intervals of `WITH_INTERVAL`; none in earlier reports."
    )
    map_legacy: float | None = Field(
        description="mAP@R over the relevant items inside the top R; None: not measured."
    )
    map_legacy_spread: float | None = Field(
        description="Standard deviation of map_legacy over random tie orders; None: all ranks "
        "count, the denominators agree and no order was drawn."
    )
    queries_without_relevant: int = Field(
        description="Queries that score 0 because nothing in the database is relevant to them."
    )
    codes: CodeStatistics | None = Field(None, description="Of the database codes.")
    timings: dict[str, float] = Field({}, description="Seconds, filled by the caller.")
    notes: tuple[str, ...] = ()

    @field_validator("values")
    @classmethod
    def _known(cls, values: dict[str, float | None]) -> dict[str, float | None]:
        """Refuse names that are no metric, and values without mAP."""
        if others := sorted(values.keys() - METRICS.keys()):
            raise ValueError(f"there is no metric {others[0]!r}; known are {', '.join(METRICS)}")
        if values.get("map") is None:
            raise ValueError("a report needs a value of the metric map")
        return values

    def half_of(self, name: str) -> float:
        """Half the width of the 95 % interval of a metric; not a number where none was kept."""
        if name == "map":
            return self.half_width
        low, high = self.intervals.get(name, (math.nan, math.nan))
        return (high - low) / 2

    @property
    def map(self) -> float:
        """Value of mAP@R, R = protocol.cutoff."""
        return self.value("map")

    @property
    def half_width(self) -> float:
        """Half the width of the 95 % interval of mAP."""
        return (self.ci_high - self.ci_low) / 2

    def value(self, name: str) -> float:
        """The value of the metric called `name`; not a number where it was not measured."""
        value = self.values.get(name)
        return math.nan if value is None else value


def read_report(text: str) -> Report:
    """A stored report, whatever has become of metrics and bounds since.

    Metrics that this version does not know are left out. Those that the report does not have are
    not a number, and a note names them; statistics of the codes that lack one are left out whole,
    since they can be computed from the codes.

    Raises:
        ValueError: it is no report, or lacks more than some metrics.
    """
    try:
        stored = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"this is no Report: {error}") from error
    if not isinstance(stored, dict):
        raise ValueError(f"this is no Report but {text[:40]!r}")
    if "values" not in stored:
        stored["values"] = _values_of_old(stored)
    if isinstance(stored["values"], dict):
        known = {name: stored["values"].get(name) for name in METRICS if name in stored["values"]}
        missing = [name for name in METRICS if name not in known]
        stored["values"] = known
    else:
        missing = []
    for name in ("map_legacy", "map_legacy_spread"):
        if name not in stored:
            stored[name], missing = None, [*missing, name]
    if missing:
        note = f"not in this report: {', '.join(missing)}; evaluate the run again"
        stored["notes"] = [*stored.get("notes", []), note]
    return _validated(stored)


def _values_of_old(stored: dict[str, Any]) -> dict[str, Any]:
    """The values of a report from before the table of metrics: fields, and ranks of two fields."""
    values = {name: stored.pop(name) for name in METRICS if name in stored}
    for field, prefix in (("precision_at", "precision_at_"), ("recall_at", "recall_at_")):
        by_rank = stored.pop(field, None)
        if isinstance(by_rank, dict):  # ranks beyond the end of the database were left out
            values |= {f"{prefix}{rank}": by_rank.get(str(rank)) for rank in REPORT_RANKS}
    return values


def _validated(stored: dict[str, Any]) -> Report:
    """The report, without what of it is beyond the bounds of this version."""
    try:
        return Report.model_validate(stored, extra="ignore")
    except ValidationError as error:
        wrong = {str(detail["loc"][0]) for detail in error.errors() if detail["loc"]}
    if "codes" in wrong:
        del stored["codes"]
    protocol = stored.get("protocol")
    if isinstance(protocol, dict) and protocol.keys() >= Protocol.model_fields.keys():
        stored["protocol"] = Protocol.model_construct(**protocol)  # whatever its bounds are now
    return Report.model_validate(stored, extra="ignore")


@dataclass(frozen=True, eq=False)
class Curves:
    """The arrays behind the charts. Those over a radius are empty for real-valued features.

    Attributes:
        ranks: (m,) int, 1 to n on a roughly logarithmic grid, m <= 101.
        precision: (m,) mean precision of the first N; against `recall` it is the PR curve by rank.
        recall: (m,) mean recall of the first N.
        ball_size: (K + 1,) mean number of items within radius 0, 1, ..., K.
        ball_empty: (K + 1,) share of queries with nothing inside.
        ball_precision: (K + 1,) mean over queries, an empty ball counting 0 (macro).
        ball_recall: (K + 1,) mean over queries (macro).
        ball_precision_micro: (K + 1,) all hits over all items retrieved; 0 if none.
        ball_recall_micro: (K + 1,) all hits over all relevant items.
        same_distances: (K + 1,) int, pairs that share a label, by distance.
        different_distances: (K + 1,) int, pairs that do not.
        per_query_ap: (q,) AP@R of each query.
    """

    ranks: NDArray[np.int64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    ball_size: NDArray[np.float64]
    ball_empty: NDArray[np.float64]
    ball_precision: NDArray[np.float64]
    ball_recall: NDArray[np.float64]
    ball_precision_micro: NDArray[np.float64]
    ball_recall_micro: NDArray[np.float64]
    same_distances: NDArray[np.int64]
    different_distances: NDArray[np.int64]
    per_query_ap: NDArray[np.float64]

    def save(self, path: Path) -> None:
        """Write all arrays to `path` as npz."""
        with path.open("wb") as file:
            np.savez_compressed(
                file, **{item.name: getattr(self, item.name) for item in fields(self)}
            )

    @classmethod
    def load(cls, path: Path) -> Curves:
        """Read what `save` wrote.

        Raises:
            ValueError: an array is missing from the file.
        """
        names = [item.name for item in fields(cls)]
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            if missing := sorted(set(names) - set(stored.files)):
                raise ValueError(f"{path} lacks {', '.join(missing)}; evaluate the run again")
            return cls(**{name: stored[name] for name in names})

    @staticmethod
    def query_aps(path: Path) -> NDArray[np.float64]:
        """`per_query_ap` (q,) alone, for tables of many runs.

        Raises:
            KeyError: it is missing from the file.
        """
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return np.asarray(stored["per_query_ap"])


@dataclass(frozen=True)
class Evaluation:
    """A report, the curves that belong to it, and the values (q,) of each metric, by name."""

    report: Report
    curves: Curves
    values: dict[str, NDArray[np.float64]]
