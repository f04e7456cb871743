import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.codes import HashCodes
from pipeline.datasets.protocols import PROTOCOLS
from pipeline.evaluation.evaluate import evaluate, evaluate_cosine
from pipeline.evaluation.metric_table import rank_grid
from pipeline.evaluation.metrics import bootstrap_interval
from pipeline.evaluation.report import Curves, Report

ALL = PROTOCOLS["holdout"]
TOP_10 = ALL.model_copy(update={"cutoff": 10})


def clustered(seed, n, bits=16, classes=4):
    """Noisy codes around one centre a class, and their single labels."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((classes, bits))
    label = rng.integers(classes, size=n)
    relaxed = centres[label] + 0.7 * rng.standard_normal((n, bits))
    return HashCodes.from_relaxed(relaxed), np.eye(classes, dtype=bool)[label]


@pytest.fixture(scope="module")
def sets():
    (query_codes, query_labels), (codes, labels) = clustered(1, 30), clustered(2, 150)
    return query_codes, codes, query_labels, labels


def test_a_tiny_case_by_hand():
    """Query 1111 in class 0; database: 1111 (class 0), 1110 (class 1), 0000 (class 0).

    Distances 0, 1, 4, no ties, relevance + - +: AP = (1 + 2/3)/2 = 5/6. The radius-2 ball holds one
    relevant item of two.
    """
    query = HashCodes.from_relaxed([[1, 1, 1, 1]])
    database = HashCodes.from_relaxed([[1, 1, 1, 1], [1, 1, 1, -1], [-1, -1, -1, -1]])
    labels = np.array([[1, 0], [0, 1], [1, 0]], bool)

    evaluation = evaluate(query, database, labels[:1], labels, ALL)
    report, curves = evaluation.report, evaluation.curves

    values = report.values
    for name in ("map", "map_worst", "map_best", "wap"):
        assert values[name] == pytest.approx(5 / 6)
    assert report.map_legacy == pytest.approx(5 / 6)
    assert report.map_legacy_spread is None
    assert (values["precision_at_1"], values["recall_at_1"]) == (1, 0.5)
    assert values["precision_at_5"] is values["recall_at_1000"] is None  # only 3 items
    radius = ("precision_radius_2", "empty_radius_2", "lookup_success")
    assert [values[name] for name in radius] == [0.5, 0, 1]
    assert (report.n_query, report.n_database, report.bits, report.bytes_per_item) == (1, 3, 4, 1)
    assert values["acg_at_100"] == pytest.approx(2 / 100)
    assert report.codes.distinct == 3
    assert report.notes == ("The database has only 3 items; ACG@100 counts the others as 0.",)
    assert curves.ball_size.tolist() == [1, 2, 2, 2, 3]
    assert curves.ball_precision.tolist() == [1, 0.5, 0.5, 0.5, pytest.approx(2 / 3)]
    assert curves.ball_recall.tolist() == [0.5, 0.5, 0.5, 0.5, 1]
    assert curves.same_distances.tolist() == [1, 0, 0, 0, 1]
    assert curves.different_distances.tolist() == [0, 1, 0, 0, 0]
    assert curves.per_query_ap == pytest.approx([5 / 6])


def test_micro_and_macro_curves_treat_empty_balls_as_documented():
    """Radius 0: the first query finds the one item it wants, the second none of its two.

    Macro: precision (1 + 0)/2, recall (1 + 0)/2. Micro: 1 hit of 1 retrieved, 1 of 3 relevant.
    """
    queries = HashCodes.from_relaxed([[1, 1], [1, -1]])
    database = HashCodes.from_relaxed([[1, 1], [-1, -1]])
    query_labels, labels = np.array([[1, 0], [1, 1]], bool), np.array([[1, 0], [0, 1]], bool)

    curves = evaluate(queries, database, query_labels, labels, ALL).curves

    assert curves.ball_empty[0] == 0.5
    assert (curves.ball_precision[0], curves.ball_recall[0]) == (0.5, 0.5)
    assert (curves.ball_precision_micro[0], curves.ball_recall_micro[0]) == (1, 1 / 3)
    assert (curves.ball_precision_micro[2], curves.ball_recall_micro[2]) == (3 / 4, 1)


def test_reports_survive_json_with_their_protocol(sets):
    report = evaluate(*sets, TOP_10).report.model_copy(update={"timings": {"fit_s": 1.5}})

    again = Report.model_validate_json(report.model_dump_json())

    assert again == report
    assert again.protocol == TOP_10
    assert again.values["precision_at_100"] == report.values["precision_at_100"]


def test_reports_refuse_unknown_fields(sets):
    values = evaluate(*sets, ALL).report.model_dump()

    with pytest.raises(ValueError, match="best_map"):
        Report.model_validate(values | {"best_map": 1.0})


def test_curves_survive_a_file(sets, tmp_path):
    curves = evaluate(*sets, ALL).curves

    curves.save(tmp_path / "curves.npz")
    again = Curves.load(tmp_path / "curves.npz")

    for field in dataclasses.fields(Curves):
        assert np.array_equal(getattr(again, field.name), getattr(curves, field.name))
    assert np.array_equal(Curves.query_aps(tmp_path / "curves.npz"), curves.per_query_ap)


def test_a_file_without_all_curves_says_what_is_missing(tmp_path):
    np.savez(tmp_path / "curves.npz", ranks=np.arange(3))

    with pytest.raises(ValueError, match=r"lacks ball_empty, .*evaluate the run again"):
        Curves.load(tmp_path / "curves.npz")


def test_curves_have_the_documented_shapes(sets):
    curves = evaluate(*sets, ALL).curves

    assert len(curves.ranks) == len(curves.precision) == len(curves.recall) <= 101
    assert (curves.ranks[0], curves.ranks[-1]) == (1, 150)
    assert curves.recall[-1] == pytest.approx(1)
    for name in ("ball_size", "ball_empty", "ball_precision", "ball_recall_micro"):
        assert len(getattr(curves, name)) == 17
    assert len(curves.per_query_ap) == 30
    assert curves.same_distances.sum() + curves.different_distances.sum() == 30 * 150


@pytest.mark.parametrize("n", [1, 2, 99, 101, 1000, 59_000, 10_000_000])
def test_the_rank_grid_is_short_sorted_and_complete(n):
    grid = rank_grid(n)

    assert len(grid) <= 101
    assert (grid[0], grid[-1]) == (1, n)
    assert (np.diff(grid) > 0).all()
    assert set(grid) >= {rank for rank in (1, 5, 10, 50, 100, 500, 1000) if rank <= n}


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1), st.sampled_from([ALL, TOP_10]))
def test_database_order_changes_nothing(seed, protocol):
    (query_codes, query_labels), (codes, labels) = clustered(seed, 8, 6), clustered(seed + 1, 40, 6)
    shuffle = np.random.default_rng(seed).permutation(40)

    first = evaluate(query_codes, codes, query_labels, labels, protocol)
    second = evaluate(query_codes, codes[shuffle], query_labels, labels[shuffle], protocol)

    assert first.report == second.report


def test_equal_seeds_give_equal_reports_and_others_move_only_what_is_random(sets):
    first, again, other = (evaluate(*sets, TOP_10, seed=seed).report for seed in (0, 0, 1))

    assert first == again
    random_fields = {"ci_low", "ci_high", "map_legacy", "map_legacy_spread", "intervals"}
    assert first.model_dump(exclude=random_fields) == other.model_dump(exclude=random_fields)
    assert first.ci_low != other.ci_low
    assert first.map_legacy != other.map_legacy


def test_intervals_contain_the_value_and_ties_stay_inside_their_bounds(sets):
    for protocol in (ALL, TOP_10):
        report = evaluate(*sets, protocol).report
        assert report.ci_low < report.map < report.ci_high
        assert report.value("map_worst") < report.map < report.value("map_best")


def test_legacy_orders_are_drawn_only_when_the_denominators_differ(sets):
    drawn = evaluate(*sets, TOP_10).report
    beyond = evaluate(*sets, ALL.model_copy(update={"cutoff": 150})).report

    assert drawn.map_legacy_spread > 0
    assert drawn.map_legacy > drawn.map  # never smaller: its denominator is never larger
    assert beyond.map_legacy_spread is None
    assert beyond.map_legacy == beyond.map


def test_queries_without_relevant_items_are_counted_and_score_zero(sets):
    query_codes, codes, query_labels, labels = sets
    orphaned = query_labels.copy()
    orphaned[:6] = False

    before = evaluate(*sets, ALL)
    after = evaluate(query_codes, codes, orphaned, labels, ALL)

    assert after.report.queries_without_relevant == 6
    assert after.report.notes == ("6 queries have no relevant item and score 0.",)
    assert after.report.map == pytest.approx(before.curves.per_query_ap[6:].sum() / 30)


@pytest.mark.parametrize("protocol", [ALL, TOP_10], ids=["all", "top 10"])
def test_cosine_of_sign_vectors_is_the_hamming_ranking(sets, protocol):
    """cos(b, b') = 1 - 2d/K, so both rank alike, ties included."""
    query_codes, codes, query_labels, labels = sets

    hamming = evaluate(*sets, protocol).report
    cosine = evaluate_cosine(
        query_codes.signs().astype(float), codes.signs(), query_labels, labels, protocol
    ).report

    only_codes = {"precision_radius_2", "empty_radius_2", "lookup_success"}
    assert (cosine.notes, cosine.n_query) == (hamming.notes, hamming.n_query)
    assert (cosine.ci_low, cosine.ci_high) == pytest.approx((hamming.ci_low, hamming.ci_high))
    assert [name for name, value in cosine.values.items() if value is not None] == [
        name
        for name, value in hamming.values.items()
        if value is not None and name not in only_codes
    ]
    for name in hamming.values.keys() - only_codes:
        assert cosine.value(name) == pytest.approx(hamming.value(name), nan_ok=True), name


def test_real_valued_rankings_have_no_radius_measures(sets):
    _, _, query_labels, labels = sets
    rng = np.random.default_rng(0)
    query_features, features = rng.standard_normal((30, 9)), rng.standard_normal((150, 9))

    evaluation = evaluate_cosine(query_features, features, query_labels, labels, ALL)

    report, curves = evaluation.report, evaluation.curves
    assert (report.bits, report.bytes_per_item, report.codes) == (None, 36, None)
    for name in ("precision_radius_2", "empty_radius_2", "lookup_success"):
        assert report.values[name] is None
    assert report.value("map_worst") == pytest.approx(report.value("map_best"))
    assert len(curves.ball_size) == len(curves.same_distances) == 0
    assert Report.model_validate_json(report.model_dump_json()) == report


def test_multi_label_sets_are_graded():
    """One query with labels {0, 1}; both database codes tie, sharing 2 and 1 labels.

    ACG over 2 ranks is 3/2 whatever the order, here over 100; both are relevant, so AP = 1; WAP
    averages (2/1 + 3/2)/2 and (1/1 + 3/2)/2.
    """
    code = HashCodes.from_relaxed([[1.0, 1.0]])
    database = HashCodes.from_relaxed([[1.0, -1.0], [-1.0, 1.0]])
    query_labels, labels = np.array([[1, 1, 0]], bool), np.array([[1, 1, 1], [0, 1, 0]], bool)

    report = evaluate(code, database, query_labels, labels, ALL).report

    assert report.map == pytest.approx(1)
    assert report.value("acg_at_100") == pytest.approx(3 / 100)
    assert report.value("wap") == pytest.approx(1.5)
    assert report.value("ndcg_at_100") < 1


def test_progress_reaches_the_caller(sets):
    seen = []

    evaluate(*sets, ALL, on_progress=lambda done, total: seen.append((done, total)))

    assert seen == [(30, 30)]


def codes_and_labels(n=3, bits=4, classes=2):
    return HashCodes.from_relaxed(np.ones((n, bits))), np.ones((n, classes), bool)


@pytest.mark.parametrize(
    ("query", "database", "message"),
    [
        ({"n": 0}, {}, "there are no query codes"),
        ({}, {"n": 0}, "there are no database codes"),
        ({"bits": 8}, {"bits": 4}, "query codes have 8 bits but database codes have 4"),
        ({"classes": 3}, {}, "query labels have 3 classes but database labels have 2"),
    ],
)
def test_sets_that_do_not_fit_are_refused(query, database, message):
    (query_codes, query_labels), (codes, labels) = (
        codes_and_labels(**query),
        codes_and_labels(**database),
    )

    with pytest.raises(ValueError, match=message):
        evaluate(query_codes, codes, query_labels, labels, ALL)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.ones((4, 2), bool), "3 database codes need 3 rows of labels, got 4"),
        (np.ones((3, 2), int), r"labels of database codes must be bool \(n, classes\), got int64"),
        (np.ones((3, 0), bool), r"must be bool \(n, classes\), got bool \(3, 0\)"),
        (np.ones(3, bool), r"must be bool \(n, classes\), got bool \(3,\)"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels, message):
    codes, good = codes_and_labels()

    with pytest.raises(ValueError, match=message):
        evaluate(codes, codes, good, labels, ALL)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.ones(3), r"database features must have shape \(n, d\), got \(3,\)"),
        (np.ones((3, 5)), "query features have 4 dimensions but database features have 5"),
        (np.ones((0, 4)), "there are no database features"),
        (np.full((3, 4), np.nan), "NaN"),
    ],
)
def test_features_that_do_not_fit_are_refused(features, message):
    labels = np.ones((3, 2), bool)

    with pytest.raises(ValueError, match=message):
        evaluate_cosine(np.ones((3, 4)), features, labels, labels[: len(features)], ALL)


def test_intervals_of_further_metrics_are_kept_where_they_have_values(sets):
    evaluation = evaluate(*sets, ALL)

    report = evaluation.report
    assert [*report.intervals] == ["precision_at_10", "ndcg_at_100"]  # no neighbours were given
    for name, (low, high) in report.intervals.items():
        by_hand = bootstrap_interval(evaluation.values[name])
        assert (low, high) == pytest.approx((by_hand.low, by_hand.high))
        assert low < report.value(name) < high
