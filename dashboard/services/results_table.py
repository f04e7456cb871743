"""What pages give away as CSV."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dashboard.services.search import Answer
from pipeline.analysis.comparisons import Comparison
from pipeline.analysis.opened_run import OpenRun
from pipeline.spreadsheets import to_csv

__all__ = ["results_table", "to_csv", "with_conditions"]
_RELEVANCE = {True: "relevant", False: "not relevant", None: "unknown"}


def results_table(answer: Answer, opened: OpenRun) -> pd.DataFrame:
    """The results of a search, a row each, in their order; labels are joined by `|`."""
    rows = [
        (
            result.rank,
            result.distance,
            opened.bits,
            _RELEVANCE[result.relevant],
            "|".join(result.labels),
            result.text,
            result.image_id,
            result.sha256,
        )
        for result in answer.results
    ]
    names = ("rank", "distance", "bits", "relevance", "labels", "caption", "image", "sha256")
    return pd.DataFrame(rows, columns=list(names)).assign(
        query=answer.query.name, run=opened.id, relevant_by=opened.label_set_name
    )


def with_conditions(table: pd.DataFrame, measured_in: Sequence[Comparison]) -> pd.DataFrame:
    """The table with columns that name protocol, labels and split of its numbers.

    Args:
        table: to export.
        measured_in: the comparisons of its runs; several are joined by `|`.
    """
    names = list(measured_in[0].columns) if measured_in else []
    return table.assign(
        **{name: "|".join(str(one.columns[name]) for one in measured_in) for name in names}
    )
