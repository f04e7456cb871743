"""Quality per byte: one axis for methods and alternatives, and an honest sentence about them."""

from __future__ import annotations

import pandas as pd
import pytest

from pipeline.analysis.leaderboard import ALTERNATIVE_COLUMNS, COSINE_COLUMNS
from pipeline.analysis.quality_per_byte import (
    ALTERNATIVE,
    LABELLED,
    QUALITIES,
    UNLABELLED,
    quality_finding,
    quality_points,
)
from pipeline.evaluation.metric_table import METRICS

MAP = METRICS["map"]


def methods(*rows: tuple[str, int, float, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["model", "bits", "map", "supervision"])
    return frame.assign(
        bytes=frame["bits"] // 8, half=0.01, precision_at_10=None, run=frame["model"].str.lower()
    )


def references(names: tuple[str, ...], *rows: tuple[object, ...]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(names))
    return frame.reindex(columns=list(ALTERNATIVE_COLUMNS)).assign(backbone="lite0", half=0.01)


NAMES = ("name", "family", "title", "bytes", "map")
PQ = ("pq-4", "PCA + PQ", "PCA + PQ", 4, 0.5)
FLOAT32 = ("float32", "float", "float32", 5120, 0.47)
NO_COSINE = pd.DataFrame(columns=list(COSINE_COLUMNS))


def test_methods_and_alternatives_stand_on_one_axis_with_fronts_of_their_own():
    rows = methods(("UD2H (x)", 32, 0.6, "unsupervised"), ("CSQ", 32, 0.9, "supervised"))

    points = quality_points(rows, references(NAMES, PQ, FLOAT32), NO_COSINE, MAP)

    assert points["bytes"].tolist() == [4, 4, 4, 5120]
    assert points["kind"].tolist() == [UNLABELLED, LABELLED, ALTERNATIVE, ALTERNATIVE]
    assert points["is_front"].tolist() == [True, True, False, False]
    assert points["label"].tolist() == ["UD2H", "CSQ", "PCA + PQ", "float32"]
    assert points["half"].notna().all()


def test_the_cosine_stands_for_float32_where_nothing_else_was_measured():
    cosine = pd.DataFrame({"backbone": ["lite0"], "map": [0.4], "bytes": [5120], "half": [0.01]})

    points = quality_points(
        methods(("ITQ", 16, 0.3, "unsupervised")), references(NAMES), cosine, MAP
    )

    assert points["title"].tolist() == ["ITQ, 16 bits", "float32"]
    assert quality_finding(points, MAP) == ""


def test_what_was_not_measured_is_left_out():
    rows = methods(("ITQ", 16, 0.3, "unsupervised"))

    points = quality_points(rows, references(NAMES), NO_COSINE, QUALITIES["P@10"])

    assert points.empty


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            methods(("UD2H", 32, 0.6, "unsupervised"), ("CSQ", 16, 0.9, "supervised")),
            "UD2H, 32 bits (4 bytes) reaches 60.0 % mAP; the best alternative of at most that "
            "size, PCA + PQ (4 bytes) reaches 50.0 % mAP. float32 (5,120 bytes) reaches 47.0 % "
            "mAP.",
        ),
        (
            methods(("ITQ", 64, 0.5, "unsupervised")),
            "ITQ, 64 bits (8 bytes) reaches 50.0 % mAP; the best alternative of at most that "
            "size, PCA + PQ (4 bytes) reaches 50.0 % mAP. float32 (5,120 bytes) reaches 47.0 % "
            "mAP. So by this quality hash codes do not pay here.",
        ),
        (
            methods(("CSQ", 16, 0.9, "supervised")),
            "CSQ, 16 bits (2 bytes) reaches 90.0 % mAP, with labels; no alternative is as small. "
            "float32 (5,120 bytes) reaches 47.0 % mAP.",
        ),
    ],
    ids=["codes win", "codes lose", "labels"],
)
def test_the_finding_compares_at_equal_size_and_says_where_codes_lose(rows, sentence):
    points = quality_points(rows, references(NAMES, PQ, FLOAT32), NO_COSINE, MAP)

    assert quality_finding(points, MAP) == sentence


def test_the_finding_names_the_better_of_two_methods_and_of_two_alternatives():
    rows = methods(("LSH", 32, 0.2, "unsupervised"), ("UD2H", 32, 0.6, "unsupervised"))
    worse = ("pca-1", "PCA", "PCA, 1 value", 4, 0.1)

    points = quality_points(rows, references(NAMES, worse, PQ, FLOAT32), NO_COSINE, MAP)

    assert quality_finding(points, MAP).startswith(
        "UD2H, 32 bits (4 bytes) reaches 60.0 % mAP; the best alternative of at most that size, "
        "PCA + PQ (4 bytes) reaches 50.0 % mAP."
    )


def test_each_quality_has_its_own_interval_where_one_was_kept() -> None:
    rows = methods(("ITQ", 32, 0.6, "unsupervised")).assign(
        precision_at_10=0.7, ndcg_at_100=0.5, half_precision_at_10=0.03
    )
    none = references(NAMES).head(0)

    for name, half in (("map", 0.01), ("precision_at_10", 0.03)):
        [found] = quality_points(rows, none, NO_COSINE, METRICS[name])["half"]
        assert found == half
    assert quality_points(rows, none, NO_COSINE, METRICS["ndcg_at_100"])["half"].isna().all()
