"""CSV that spreadsheets open as data."""

from __future__ import annotations

import pandas as pd
import pytest

from pipeline.spreadsheets import as_it_was, harmless, to_csv


def test_cells_and_headers_are_no_formulas() -> None:
    frame = pd.DataFrame({"=cmd()": ["@x", "plain"], "n": [1, -2]})

    assert to_csv(frame) == b"'=cmd(),n\n'@x,1\nplain,-2\n"


@pytest.mark.parametrize("text", ["=1", "+a", "-b", "@c", "plain", "", "'quoted"])
def test_texts_come_back(text: str) -> None:
    assert as_it_was(str(harmless(text))) == text
