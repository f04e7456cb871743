"""What pages that are being changed elsewhere still call here; goes with those calls."""

from __future__ import annotations

import pandas as pd

from dashboard.cached.library import settings
from dashboard.cached.runs import board, boards, studies
from pipeline.analysis.leaderboard import precision_recall
from pipeline.analysis.significance_findings import Finding, leading_gap

__all__ = ["board", "boards", "curves", "finding", "studies"]


def finding(rows: pd.DataFrame) -> Finding | None:
    """What a leaderboard shows, in a sentence."""
    return leading_gap(settings(), rows)


def curves(rows: pd.DataFrame) -> pd.DataFrame:
    """PR curves of the runs of some leaderboard rows."""
    return precision_recall(settings(), rows)
