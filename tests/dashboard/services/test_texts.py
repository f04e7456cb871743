"""Text, numbers and tables as people and spreadsheets get them."""

from __future__ import annotations

import pandas as pd
import pytest

from dashboard.services.results_table import to_csv
from dashboard.widgets import bit_strip
from pipeline.wording import duration, escape_html, escape_markdown, file_size, percent, plural


def test_markdown_of_a_file_name_stays_letters():
    assert escape_markdown("![a](b) :red[c] $d$") == r"\!\[a\]\(b\) \:red\[c\] \$d\$"


def test_html_of_a_file_name_stays_letters():
    assert escape_html("<i>'\"&\n") == "&lt;i&gt;&#x27;&quot;&amp;"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0034, "3 ms"), (1.25, "1.2 s"), (150, "2 min"), (9000, "2 h")]
)
def test_durations_have_a_fitting_unit(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 bytes"), (999, "999 bytes"), (56_400_000, "56.4 MB")]
)
def test_sizes_have_a_fitting_unit(size, text):
    assert file_size(size) == text


def test_counts_and_shares_are_written_for_people():
    assert (plural(1, "code"), plural(1492, "code")) == ("1 code", "1,492 codes")
    assert (percent(0.4176), percent(None)) == ("41.8", "–")


def test_csv_cells_are_never_formulas():
    frame = pd.DataFrame({"text": ["=1+1", "plain"], "number": [-1.5, 2.0]})

    assert to_csv(frame).decode() == "text,number\n'=1+1,-1.5\nplain,2.0\n"


def test_equal_codes_have_no_marks():
    strip = bit_strip.two_codes("10" * 40, "10" * 40)

    assert "0 of 80 bits differ'" in strip
    assert "border-top" not in strip
