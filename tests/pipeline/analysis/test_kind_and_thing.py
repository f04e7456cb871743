"""Same kind against same thing: rows by both measures, and what is said of them."""

from __future__ import annotations

import pandas as pd
import pytest

from pipeline.analysis.comparisons import comparisons
from pipeline.analysis.kind_and_thing import COLUMNS, KindAndThing, read_kind_and_thing, references
from pipeline.analysis.leaderboard import Leaderboard, read_leaderboard
from pipeline.evaluation.relevance import COPIES, LABELS, RELEVANCES
from pipeline.runs.run import Run
from pipeline.settings import Settings


def both(*points: tuple[str, float, float]) -> KindAndThing:
    rows = [(name, name, 32, name, kind, 0.01, thing, 0.02) for name, kind, thing in points]
    return KindAndThing(pd.DataFrame(rows, columns=list(COLUMNS)), ())


@pytest.fixture
def boards(done_run: Run, own_library: Settings) -> dict[str, Leaderboard]:
    return {
        one.relevance: read_leaderboard(own_library, one)
        for one in comparisons(own_library, "shapes", RELEVANCES)
    }


def test_a_run_has_the_map_of_both_reports(
    boards: dict[str, Leaderboard], done_run: Run, own_library: Settings
) -> None:
    found = read_kind_and_thing(boards[LABELS].rows, own_library)

    (row,) = found.rows[found.rows["run"] == done_run.id].to_dict("records")
    assert row["kind"] == done_run.report().map
    assert row["thing"] == done_run.report(COPIES).map
    assert row["thing_half"] == done_run.report(COPIES).half_width
    assert not found.unmeasured


def test_runs_without_a_report_on_copies_are_named(
    boards: dict[str, Leaderboard], done_run: Run, own_library: Settings
) -> None:
    (done_run.folder / "report-copies.json").unlink()

    found = read_kind_and_thing(boards[LABELS].rows, own_library)

    assert found.unmeasured == (done_run.id,)
    assert done_run.id not in set(found.rows["run"])


def test_the_references_are_cosine_by_both_and_the_hash_by_copies(
    boards: dict[str, Leaderboard],
) -> None:
    found = references(boards[LABELS], boards[COPIES])

    assert found["name"].tolist() == ["float cosine", "perceptual hash"]
    assert found["kind"].notna().tolist() == [True, False]
    assert found["kind"][0] == boards[LABELS].cosine["map"][0]
    assert found["thing"][0] == boards[COPIES].cosine["map"][0]


def test_the_finding_names_the_best_at_each_and_how_the_orders_agree() -> None:
    reversed_ = both(("A", 0.9, 0.1), ("B", 0.8, 0.2), ("C", 0.7, 0.3), ("D", 0.6, 0.4))
    assert reversed_.finding == (
        "A at 32 bits finds most of the same kind (mAP 90.0 %, copies 10.0 %); D at 32 bits finds "
        "copies best (mAP 40.0 %, same kind 60.0 %). Rank correlation of the two orders: -1.00."
    )
    few = both(("A", 0.9, 0.5), ("B", 0.8, 0.2))
    assert few.finding == "A at 32 bits is best at both: mAP 90.0 % by kind and 50.0 % by copies."
    assert not both(("A", 0.9, 0.5)).finding
