"""Small parts: text, CSV, bit strips, status lines, the launcher."""

from __future__ import annotations

import ast
from pathlib import Path

import pandas as pd
import pytest

from dashboard.services.results_table import to_csv
from dashboard.services.status import folder_size, worker_line
from dashboard.widgets import bit_strip
from pipeline.wording import duration, escape_html, escape_markdown, file_size, percent, plural

DASHBOARD = Path(__file__).resolve().parents[2] / "dashboard"


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


def test_differing_bits_are_named_and_counted():
    strip = bit_strip.two_codes("1100", "1010")

    assert "2 of 4 bits differ: bits 2, 3" in strip
    assert strip.count("border-top:5px") == 2


def test_equal_codes_have_no_marks():
    strip = bit_strip.two_codes("10" * 40, "10" * 40)

    assert "0 of 80 bits differ'" in strip
    assert "border-top" not in strip


def test_codes_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="argument 2"):
        bit_strip.two_codes("110", "1010")


@pytest.mark.parametrize(
    ("age_s", "n_queued", "level"),
    [(1.0, 0, "good"), (None, 0, "idle"), (100.0, 0, "idle"), (None, 2, "warning")],
)
def test_a_worker_is_missed_only_when_something_is_queued(age_s, n_queued, level):
    line = worker_line(age_s, n_queued)

    assert line.level == level
    assert bool(line.remedy) == (level == "warning")


def test_the_size_of_a_missing_folder_is_nothing(tmp_path: Path):
    assert folder_size(tmp_path / "none") == 0


def test_charts_and_services_do_not_import_streamlit_and_pages_stay_short():
    for path in DASHBOARD.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        imported = {
            name.split(".")[0]
            for node in ast.walk(tree)
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        part = path.relative_to(DASHBOARD).parts[0]
        if part in ("charts", "services"):
            assert "streamlit" not in imported, path
        assert "models" not in imported, f"{path} reaches past the pipeline"
        if path.name.endswith("_page.py"):
            assert len(path.read_text("utf-8").splitlines()) <= 80, path
