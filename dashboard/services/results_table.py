"""What pages give away as CSV."""

from __future__ import annotations

import pandas as pd

from dashboard.services.search import Answer
from pipeline.analysis.opened_run import OpenRun
from pipeline.spreadsheets import to_csv

__all__ = ["results_table", "to_csv"]
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
    return pd.DataFrame(rows, columns=list(names)).assign(query=answer.query.name, run=opened.id)
