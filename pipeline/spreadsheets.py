"""Tables as CSV that spreadsheets open as data, never as formulas."""

from __future__ import annotations

import pandas as pd

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(frame: pd.DataFrame) -> bytes:
    """UTF-8 CSV of a table; text that a spreadsheet would run is quoted with an apostrophe."""
    return frame.map(_harmless).to_csv(index=False).encode()


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
