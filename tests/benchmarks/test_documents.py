"""docs/benchmarks/ is what benchmarks/results/ says."""

from __future__ import annotations

import pytest

from benchmarks import documents
from benchmarks.__main__ import NAMES, subject
from benchmarks.frame import Row
from pipeline.cli.documents import rewritten
from tests.benchmarks.made_up import run_of

ROWS = (
    Row(group="", what="mine", role="ours", wall_s=0.5, cpu_s=0.25, figures={"count": 5, "p95": 7}),
    Row(group="", what="faiss", role="peer", wall_s=2, cpu_s=1, peak_mib=1234),
    Row(group="", what="adding", role="bound", failed="no memory"),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_document_is_fresh(name):
    """`python -m benchmarks docs` writes all of them."""
    runs = documents.load(name)
    text = (documents.DOCUMENTS / f"{name}.md").read_text("utf-8")

    assert [run.size for run in runs][:2] == [10_000, 59_000 if name == "evaluation" else 100_000]
    assert not [row for run in runs for row in run.rows if row.failed]
    assert text == documents.document(subject(name), runs)


def test_the_index_is_fresh():
    text = documents.INDEX.read_text("utf-8")

    assert rewritten(text, "subjects", documents.index(map(subject, NAMES))) == text


def test_a_run_is_read_as_it_was_written(tmp_path):
    small, large = run_of(*ROWS), run_of(*ROWS).model_copy(update={"size": 9})
    for run in (small, large):
        documents.save(run, tmp_path)

    assert documents.load("made-up", tmp_path) == [large, small]
    assert documents.load("made", tmp_path) == []


def test_a_table_has_ratios_rates_and_figures_and_says_what_failed():
    assert documents.tables([run_of(*ROWS)], "images").splitlines() == [
        "| size | what | s | CPU s | MiB | images/CPU s | peer ÷ this | this ÷ bound | p95 |",
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| 10 | **mine** | 0.5 | 0.25 | 0 | 20 | 4 |  | 7 |",
        "| 10 | faiss | 2 | 1 | 1,234 |  | 1 |  |  |",
        "| 10 | adding | failed: no memory |  |  |  |  |  |  |",
    ]
