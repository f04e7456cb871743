"""Report and Curves: what an evaluation measured, and how it is stored."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.datasets.protocols import Protocol
from pipeline.evaluation.code_statistics import CodeStatistics


class Report(BaseModel):
    """What was measured, with the protocol it was measured under.

    Values are means over queries, in [0, 1] and averaged over ties unless said otherwise;
    docs/evaluation.md defines each. Those over a Hamming radius are None for real-valued features.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    protocol: Protocol
    n_query: int
    n_database: int
    bits: int | None = Field(description="Code length; None for real-valued features.")
    bytes_per_item: int
    map: float = Field(description="mAP@R, R = protocol.cutoff.")
    ci_low: float = Field(description="Lower end of the 95 % bootstrap interval of map.")
    ci_high: float = Field(description="Upper end of the 95 % bootstrap interval of map.")
    map_worst: float = Field(description="mAP@R if every tie were ordered for the worst.")
    map_best: float = Field(description="mAP@R if every tie were ordered for the best.")
    map_legacy: float = Field(description="mAP@R over the relevant items inside the top R.")
    map_legacy_spread: float | None = Field(
        description="Standard deviation of map_legacy over random tie orders; None: all ranks "
        "count, the denominators agree and no order was drawn."
    )
    precision_at: dict[int, float] = Field(description="Precision of the first N.")
    recall_at: dict[int, float] = Field(description="Recall of the first N.")
    precision_radius_2: float | None = Field(None, description="Within 2 bits; empty ball: 0.")
    empty_radius_2: float | None = Field(None, description="Share of queries with empty balls.")
    lookup_success: float | None = Field(None, description="Share with a relevant item in 2 bits.")
    ndcg_at_100: float
    acg_at_100: float = Field(description="Mean number of shared labels, in [0, G].")
    wap: float = Field(description="WAP@R, in [0, G]; equals map for single labels.")
    queries_without_relevant: int = Field(description="Queries that score 0 for want of a target.")
    codes: CodeStatistics | None = Field(None, description="Of the database codes.")
    timings: dict[str, float] = Field({}, description="Seconds, filled by the caller.")
    notes: tuple[str, ...] = ()


# What stands for a measure that a stored report does not have; all reports have the others.
_UNMEASURED: dict[str, object] = {
    name: {} if field.annotation == dict[int, float] else math.nan
    for name, field in Report.model_fields.items()
    if field.is_required()
    and field.annotation in (float, float | None, dict[int, float])
    and name not in ("map", "ci_low", "ci_high")
}


def read_report(text: str) -> Report:
    """A stored report, whatever has become of measures and bounds since.

    Measures that this version does not know are left out. Those that the report does not have are
    not a number, or empty, and a note names them; statistics of the codes that lack one are left
    out whole, since they can be computed from the codes.

    Raises:
        ValueError: it is no report, or lacks more than some measures.
    """
    try:
        return Report.model_validate_json(text, extra="ignore")
    except ValidationError as error:
        wrong = {str(one["loc"][0]) for one in error.errors() if one["loc"]}
        if not wrong:
            raise  # it is no JSON object
    stored = json.loads(text)
    if "codes" in wrong:
        del stored["codes"]
    protocol = stored.get("protocol")
    if isinstance(protocol, dict) and protocol.keys() >= Protocol.model_fields.keys():
        stored["protocol"] = Protocol.model_construct(**protocol)  # whatever its bounds are now
    missing = [name for name in _UNMEASURED if name not in stored]
    stored |= {name: _UNMEASURED[name] for name in missing}
    if missing:
        note = f"not in this report: {', '.join(missing)}; evaluate the run again"
        stored["notes"] = [*stored.get("notes", []), note]
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
    """A report and the curves that belong to it."""

    report: Report
    curves: Curves
