"""What a leaderboard says at a glance: four cards, and the checks that each row fails."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from pipeline.analysis.baseline_flags import no_better_than, reached_baselines
from pipeline.wording import duration, plural

_ENOUGH = 0.95  # share of the best mAP that a small code must keep


@dataclass(frozen=True)
class Card:
    """One figure with what it belongs to."""

    name: str
    value: str
    what: str
    explained: str


def failed_checks(rows: pd.DataFrame, baselines: pd.DataFrame) -> list[str]:
    """Why nobody should rely on a row, in words; empty where nothing is wrong.

    Args:
        rows: of a leaderboard.
        baselines: columns name and map.
    """
    return [
        ", ".join(
            [
                *([plural(int(row["dead_bits"]), "dead bit")] if row["dead_bits"] else []),
                *filter(None, [no_better_than(reached_baselines(row["low"], baselines))]),
            ]
        )
        for row in rows.to_dict("records")
    ]


def cards(rows: pd.DataFrame, baselines: pd.DataFrame) -> list[Card]:
    """Best mAP, fastest training, smallest code that is good enough, rows that fail checks.

    Args:
        rows: of a leaderboard, best first, at least one.
        baselines: columns name and map.
    """
    best = rows.iloc[0]
    small = rows[rows["map"] >= _ENOUGH * best["map"]].sort_values("bits", kind="stable").iloc[0]
    trained = rows[rows["training_s"].astype(float) > 0]
    failing = [bool(words) for words in failed_checks(rows, baselines)]
    found = [Card("Best mAP", f"{100 * best['map']:.1f} %", _name(best), "Ties averaged.")]
    if len(trained):
        fast = trained.iloc[int(trained["training_s"].astype(float).argmin())]
        found.append(
            Card(
                "Fastest training",
                duration(float(fast["training_s"])),
                _name(fast),
                "On frozen features; methods that train nothing are left out.",
            )
        )
    return [
        *found,
        Card(
            "Smallest good code",
            plural(int(small["bytes"]), "byte"),
            _name(small),
            f"The shortest code with at least {100 * _ENOUGH:.0f} % of the best mAP.",
        ),
        Card(
            "Failing checks",
            f"{sum(failing)} of {len(rows)}",
            rows["model"][failing].iloc[0] + " first" if any(failing) else "none",
            "Rows with dead bits, or whose mAP interval reaches a baseline.",
        ),
    ]


def _name(row: pd.Series) -> str:
    return f"{row['model']}, {row['bits']} bits"
