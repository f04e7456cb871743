"""The result of a round, against figures computed by hand."""

from __future__ import annotations

from collections.abc import Mapping
from math import log2

import pytest

from pipeline.analysis.judged import Result, label_answers, read_result
from pipeline.analysis.judged_tables import agreement_table, duel_table, run_table
from pipeline.analysis.judging_rounds import JudgedQuery, JudgedRun, JudgingRound
from pipeline.annotations.verdicts import Pair, Verdict, Word
from pipeline.datasets.dataset import RetrievalDataset

FIRST, SECOND = "a" * 64, "b" * 64
W, X, Y, Z = (letter * 64 for letter in "0123")
SHORT: dict[str, Word] = {"+": "relevant", "-": "not relevant", "?": "unsure"}
PAIRS = [(FIRST, X), (FIRST, Y), (FIRST, Z), (SECOND, W), (SECOND, X), (SECOND, Y), (SECOND, Z)]
# Run A finds X, Y and W, X; run B finds Y, Z and Y, Z.
ROUND = JudgingRound(
    id="0123abcd",
    name="Round 1",
    question="Is it the same?",
    dataset="shapes",
    fingerprint="f",
    labels="class",
    created="2026-01-31T12:00:00+00:00",
    seed=1,
    depth=2,
    n_images=40,
    runs=(JudgedRun(id="run-a", label="A"), JudgedRun(id="run-b", label="B")),
    queries=(
        JudgedQuery(query=FIRST, results=((X, Y), (Y, Z))),
        JudgedQuery(query=SECOND, results=((W, X), (Y, Z))),
    ),
)


def said(words: str) -> dict[Pair, Verdict]:
    """Verdicts of a judge on `PAIRS`, a sign each; a space: none."""
    return {
        pair: Verdict(query=pair[0], result=pair[1], verdict=SHORT[sign])
        for pair, sign in zip(PAIRS, words, strict=True)
        if sign != " "
    }


def measured(labels: Mapping[Pair, bool] | None = None, **judges: str) -> Result:
    verdicts = {judge: said(words) for judge, words in judges.items()}
    return read_result(ROUND, verdicts, labels or {})


def test_precision_and_ndcg_are_those_computed_by_hand():
    result = measured(Ann="+-+++--")

    a, b = result.runs
    best = 1 + 1 / log2(3)  # two relevant results in the pool of each query
    assert a.precision.tolist() == [0.5, 1]
    assert b.precision.tolist() == [0.5, 0]
    assert a.ndcg.tolist() == pytest.approx([1 / best, 1])
    assert b.ndcg.tolist() == pytest.approx([1 / log2(3) / best, 0])
    [duel] = result.duels
    assert (duel.wins, duel.ties, duel.losses) == (1, 1, 0)
    assert tuple(duel.difference) == pytest.approx((0.5, 0, 1))
    assert not duel.is_separable
    assert result.finding == (
        "A has the highest P@10, 75.0 % (95 % interval 50.0 to 100.0) over 2 queries, judged by "
        "1 person. B is not separable from it."
    )


def test_runs_that_are_level_lead_together():
    result = measured(Ann="+++++++")

    assert result.finding.startswith("A and B have the highest P@10, 100.0 %")
    assert "separable" not in result.finding


def test_a_run_that_wins_every_query_is_separable():
    result = measured(Ann="+--++--")

    assert result.duels[0].is_separable
    assert result.finding.endswith("B is worse.")
    assert duel_table(result)["First is"].tolist() == ["better"]


def test_only_complete_queries_count_and_what_is_missing_is_said():
    result = measured(Ann="+-+ +--", Bob="  +    ")

    assert [query.query for query in result.complete] == [FIRST]
    assert [run.n_missing for run in result.runs] == [1, 0]  # W is of run A
    assert [len(run.precision) for run in result.runs] == [1, 1]
    assert "Counted: 1 of 2 queries" in result.limits
    assert "Missing: 1 of 7 judgements." in result.limits
    assert "what no run found is unknown" in result.limits
    assert run_table(result)["Missing"].tolist() == [1, 0]


def test_without_a_complete_query_there_is_no_figure():
    result = measured(Ann="+      ")

    assert result.finding == "No query is completely judged yet."
    assert (result.complete, result.duels, result.disputed) == ((), (), ())
    assert run_table(result)["P@10 %"].isna().all()


def test_the_majority_decides_and_a_draw_is_not_relevant_and_counted():
    result = measured(Ann="++?++--", Bob="+-?++--", Cem="+??+---")

    assert result.relevant[FIRST, X]
    assert not result.relevant[FIRST, Y]  # one of each
    assert not result.relevant[FIRST, Z]  # all unsure
    assert result.relevant[SECOND, X]  # two against one
    assert result.n_undecided == 2
    assert "Undecided, counted as not relevant: 2." in result.limits
    assert result.judges == {"Ann": 7, "Bob": 7, "Cem": 7}


def test_agreement_is_that_computed_by_hand():
    labels = dict(zip(PAIRS[:4], (True, True, False, False), strict=True))

    result = measured(labels, Ann="++--???", Bob="+---+  ")

    ann_bob, with_labels = result.agreements
    # The same on 3 of 4; by chance 1/2 * 1/4 + 1/2 * 3/4 = 1/2: kappa = (3/4 - 1/2) / (1 - 1/2).
    assert (ann_bob.first, ann_bob.second, ann_bob.n) == ("Ann", "Bob", 4)
    assert (ann_bob.share, ann_bob.kappa) == (0.75, pytest.approx(0.5))
    assert (with_labels.second, with_labels.n) == ("labels: class", 3)  # Y is undecided
    assert with_labels.share == 1
    assert agreement_table(result)["Same %"].tolist() == [75, 100]


def test_kappa_is_unknown_where_both_always_answer_alike():
    [agreement] = measured(Ann="++++   ", Bob="++++   ").agreements

    assert (agreement.share, agreement.kappa) == (1, None)


def test_queries_are_in_dispute_first_where_judges_then_where_runs_differ():
    assert measured(Ann="+-+++--").disputed == (1, 0)
    assert measured(Ann="+-+++--", Bob="--+++--").disputed == (0, 1)


def test_labels_answer_only_for_images_that_have_some(shapes: RetrievalDataset):
    cells = shapes.manifest["labels:class"].tolist()
    shas = shapes.manifest["sha256"].tolist()
    other = next(row for row, names in enumerate(cells) if names[0] != cells[0][0])
    same = next(row for row in range(1, len(cells)) if cells[row][0] == cells[0][0])
    query = JudgedQuery(query=shas[0], results=((shas[same], shas[other], "9" * 64), ()))
    judged = ROUND.model_copy(update={"queries": (query,)})

    assert label_answers(judged, shapes) == {
        (shas[0], shas[same]): True,
        (shas[0], shas[other]): False,
    }
    assert label_answers(judged.model_copy(update={"labels": ""}), shapes) == {}
    assert label_answers(judged.model_copy(update={"labels": "gone"}), shapes) == {}
