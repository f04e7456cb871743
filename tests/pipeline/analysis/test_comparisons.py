"""What sets runs apart that would look equal."""

from __future__ import annotations

from pipeline.analysis.comparisons import Comparison, told_apart
from pipeline.datasets.protocols import PROTOCOLS
from pipeline.evaluation.relevance import COPIES
from pipeline.runs.spec import RunSpec


def spec(**changes: object) -> RunSpec:
    usual = {"dataset": "shapes", "method": "itq", "bits": 16, "backbone": "tiny"}
    return RunSpec.model_validate({**usual, **changes})


def test_runs_that_were_measured_alike_need_no_words() -> None:
    specs = [spec(), spec(bits=32), spec(method="lsh", label_set="class")]

    assert told_apart(specs, {"shapes": "class"}) == ["", "", ""]


def test_what_differs_within_a_data_set_stands_behind_each_of_its_runs() -> None:
    specs = [
        spec(),
        spec(label_set="tags", protocol="given"),
        spec(split_seed=3, backbone="efficientnet_lite0"),
        spec(dataset="others", label_set="breed"),
    ]

    assert told_apart(specs, {"shapes": "class"}) == [
        " on class · protocol holdout · split 0 · tiny",
        " on tags · protocol given · split 0 · tiny",
        " on class · protocol holdout · split 3 · efficientnet_lite0",
        "",
    ]


def test_a_data_set_without_labels_says_so_beside_one_that_was_given_some() -> None:
    assert told_apart([spec(), spec(label_set="class")], {}) == [" without labels", " on class"]


def test_copies_of_images_with_other_labels_have_a_name_of_their_own() -> None:
    """Their database is another one: a choice of two equal names would choose the first."""
    names = [
        Comparison("d", PROTOCOLS["holdout"], labels, 0, COPIES, first_labels="class").label
        for labels in ("", "class", "tags")
    ]

    assert names == ["holdout · copies", "holdout · copies", "holdout · copies · images with tags"]
