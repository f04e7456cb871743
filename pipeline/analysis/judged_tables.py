"""The result of a judging round as tables, for pages, commands and exports."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.analysis.judged import Result
from pipeline.evaluation import metrics


def run_table(result: Result) -> pd.DataFrame:
    """Columns Run, P@10, NDCG@10, each with its 95 % interval, in percent, and Missing."""
    rows = []
    for run in result.runs:
        row: dict[str, object] = {"Run": run.label}
        for name, values in (("P@10", run.precision), ("NDCG@10", run.ndcg)):
            ends = metrics.bootstrap_interval(values) if len(values) else (np.nan,) * 3
            columns = (f"{name} %", f"{name} from", f"{name} to")
            row |= dict(zip(columns, (100 * end for end in ends), strict=True))
        rows.append(row | {"Missing": run.n_missing})
    return pd.DataFrame(rows)


def duel_table(result: Result) -> pd.DataFrame:
    """Columns First, Second, Wins, Ties, Losses, and the difference of P@10 in points."""
    rows = [
        (
            duel.first,
            duel.second,
            duel.wins,
            duel.ties,
            duel.losses,
            *(100 * end for end in duel.difference),
            ("better" if duel.difference.mean > 0 else "worse")
            if duel.is_separable
            else "not separable",
        )
        for duel in result.duels
    ]
    columns = ["First", "Second", "Wins", "Ties", "Losses", "Difference", "From", "To", "First is"]
    return pd.DataFrame(rows, columns=columns)


def agreement_table(result: Result) -> pd.DataFrame:
    """Columns First, Second, Pairs, Same % and Kappa."""
    rows = [(one.first, one.second, one.n, 100 * one.share, one.kappa) for one in result.agreements]
    return pd.DataFrame(rows, columns=["First", "Second", "Pairs", "Same %", "Kappa"])
