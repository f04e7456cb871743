"""Which of two runs is better on the queries that both were measured on, and queries to look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.evaluation.metrics import paired_bootstrap
from pipeline.wording import plural

_EQUAL = 0.05  # points of AP below which two runs are equal on a query


@dataclass(frozen=True)
class RunVerdict:
    """Two runs, A and B, over all queries of both.

    Attributes:
        difference: of mAP, B minus A, in points.
        low: lower end of its paired 95 % bootstrap interval over queries.
        high: upper end.
        n_a: queries on which A is better.
        n_b: queries on which B is better.
        n_equal: queries on which they are equal.
        looks: manifest rows of the queries that say most, by what they are.
    """

    difference: float
    low: float
    high: float
    n_a: int
    n_b: int
    n_equal: int
    looks: dict[str, int]

    @property
    def title(self) -> str:
        """Which is better, or that these queries do not tell."""
        if self.low > 0:
            return "B is better"
        return "A is better" if self.high < 0 else "Not separable"

    @property
    def sentence(self) -> str:
        """How much better, how sure that is, and on how many queries."""
        return self._numbers("A", "B")

    def named(self, a: str, b: str) -> str:
        """The verdict with the names of the runs, where nothing else says which A and B are."""
        verdict = f"{b} and {a} are not separable"
        if self.title != "Not separable":
            better, other = (b, a) if self.low > 0 else (a, b)
            verdict = f"{better} is better than {other}"
        return f"{verdict}. {self._numbers(a, b)}"

    def _numbers(self, a: str, b: str) -> str:
        return (
            f"mAP {self.difference:+.1f} points from {a} to {b} (95 % interval of the paired "
            f"difference {self.low:+.1f} to {self.high:+.1f}). {a} is better on "
            f"{plural(self.n_a, 'query')}, {b} on {self.n_b:,}, equal on {self.n_equal:,}."
        )


def run_verdict(table: pd.DataFrame) -> RunVerdict | None:
    """Judge two runs; None where no query was measured under both.

    Args:
        table: columns row, a, b and delta, AP in percent, of every query of both.
    """
    if table.empty:
        return None
    delta = table["delta"].to_numpy()
    gap = paired_bootstrap(table["b"], table["a"])
    typical = int(np.abs(delta - np.median(delta)).argmin())
    places: dict[str, int] = {
        "Best for A": int(delta.argmin()),
        "Typical": typical,
        "Best for B": int(delta.argmax()),
    }
    return RunVerdict(
        difference=gap.mean,
        low=gap.low,
        high=gap.high,
        n_a=int((delta < -_EQUAL).sum()),
        n_b=int((delta > _EQUAL).sum()),
        n_equal=int((np.abs(delta) <= _EQUAL).sum()),
        looks={name: int(table["row"].iloc[place]) for name, place in places.items()},
    )
