"""Growth in words: who keeps most, who leads, and nothing where there is nothing to compare."""

from __future__ import annotations

import pytest

from pipeline.analysis.growth_table import growth_finding, growth_points, growth_table
from pipeline.evaluation.metric_table import METRICS
from pipeline.runs.growth_report import GrowthPoint, GrowthReport, GrowthRow

MAP, PRECISION = METRICS["map"], METRICS["precision_at_10"]


def row(title: str, *maps: float) -> GrowthRow:
    points = [
        GrowthPoint(
            n_images=size,
            values={"map": value},
            intervals={"map": (value - 0.01, value + 0.01)},
            search_ms=size / 1000,
        )
        for size, value in zip((100, 200, 1000), maps, strict=False)
    ]
    return GrowthRow(name=title, title=title, kind="alternative", bytes=4, points=tuple(points))


def report(*rows: GrowthRow, grows_by: str = "others") -> GrowthReport:
    return GrowthReport(
        dataset="shapes", backbone="tiny", protocol="holdout", labels="class", grows_by=grows_by,
        n_query=10, n_query_all=10, n_database=100, n_distractors=900, n_added=900, rows=rows,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "leads"),
    [
        ((row("a", 0.9, 0.8, 0.5), row("b", 0.8, 0.7, 0.4)), "a leads at both ends."),
        (
            (row("a", 0.9, 0.8, 0.5), row("b", 0.8, 0.8, 0.7)),
            "a leads among 100 images, b among 1,000.",
        ),
    ],
)
def test_the_finding_names_who_keeps_most_and_who_leads(
    rows: tuple[GrowthRow, ...], leads: str
) -> None:
    whole = report(*rows)

    finding = growth_finding(growth_points(whole, MAP), whole, MAP)

    assert finding.startswith("From 100 to 1,000 images (grown), mAP of ")
    assert "of a by -40.0" in finding
    assert finding.endswith(leads)


def test_one_size_one_row_or_no_value_is_no_finding() -> None:
    for rows in ((row("a", 0.9), row("b", 0.8)), (row("a", 0.9, 0.8, 0.5),), ()):
        whole = report(*rows)
        assert growth_finding(growth_points(whole, MAP), whole, MAP) == ""
    assert growth_points(report(row("a", 0.9)), PRECISION).empty


def test_the_table_has_every_point_and_leaves_what_was_not_measured_empty() -> None:
    table = growth_table(report(row("a", 0.9, 0.8)))

    assert table["Times"].tolist() == [1, 2]
    assert table["mAP %"].tolist() == [90.0, 80.0]
    assert table["P@10 %"].isna().all()


def test_a_report_says_what_it_grew_by_and_where_it_stopped() -> None:
    assert "by images without a label" in report(grows_by="unlabelled").sentence
    assert "There are 900: it stops at 10.0 times." in report().sentence
    assert "it stops" not in report(grows_by="subsamples").sentence
