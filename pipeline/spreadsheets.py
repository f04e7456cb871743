"""Tables as CSV that spreadsheets open as data, never as formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(frame: pd.DataFrame) -> bytes:
    """UTF-8 CSV of a table; text that a spreadsheet would run is quoted with an apostrophe."""
    return frame.map(harmless).rename(columns=harmless).to_csv(index=False).encode()


def harmless(value: object) -> object:
    """A cell or header that no spreadsheet runs."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def as_it_was(text: str) -> str:
    """The text that `harmless` was given."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text
