"""The history of a training run: its loss terms by epoch."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd


def terms_table(history: Sequence[dict[str, object]]) -> pd.DataFrame:
    """The loss terms of a history: columns epoch, term, value; lines without terms are left out."""
    rows = [
        (int(number_of(line["epoch"])), name, value)
        for line in history
        for name, value in terms_of(line).items()
    ]
    return pd.DataFrame(rows, columns=["epoch", "term", "value"])


def terms_of(line: dict[str, object]) -> dict[str, float]:
    """The loss terms of one line of a history; empty for a line without."""
    terms = line.get("terms")
    return terms if isinstance(terms, dict) else {}


def number_of(value: object) -> float:
    """A number in a line of a history."""
    return float(str(value))
