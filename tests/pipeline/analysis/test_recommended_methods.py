"""Which three methods to train first, by labels, size and supervision, each with its reason."""

from __future__ import annotations

import pytest

from pipeline.analysis.recommended_methods import recommended_bits, recommended_methods
from pipeline.datasets.dataset import DatasetInfo, LabelSet


def info(n: int = 1000, *labels: LabelSet) -> DatasetInfo:
    return DatasetInfo(
        name="pets",
        title="Pets",
        summary="",
        licence="",
        attribution="",
        default_protocol="holdout",
        label_sets=labels,
        n=n,
        n_problems=0,
        fingerprint="f",
        created="2026-01-01",
    )


def classes(n: int, kind: str = "single") -> LabelSet:
    return LabelSet.model_validate(
        {"name": "species", "kind": kind, "classes": tuple(f"c{number}" for number in range(n))}
    )


@pytest.mark.parametrize(
    ("facts", "third", "why"),
    [
        (info(1000, classes(10)), "orthohash", "10 labels of species, one per image"),
        (info(1000, classes(10, "multi")), "dfadh", "an image may have several"),
        (info(1000), "lsh", "There are no labels"),
        (info(50_000), "bihalf", "50,000 images alone"),
        (info(1000, classes(1)), "lsh", "the same label of species"),
        (info(1000, classes(500)), "lsh", "only 2.0 images each"),
    ],
)
def test_the_third_method_learns_from_the_labels_where_they_can_teach(
    facts: DatasetInfo, third: str, why: str
):
    found = recommended_methods(facts)

    assert [one.method for one in found] == ["itq", "ud2h", third]
    assert why in found[-1].reason
    assert all(one.reason[0].isupper() and one.reason.endswith(".") for one in found)


def test_the_labels_may_be_named():
    many = LabelSet(name="tags", kind="multi", classes=("a", "b"))

    assert recommended_methods(info(1000, classes(10), many), "tags")[-1].method == "dfadh"
    assert recommended_methods(info(1000, classes(10), many))[-1].method == "orthohash"


@pytest.mark.parametrize(
    ("n", "bits"), [(12, 8), (50, 16), (199, 16), (200, 32), (20_000, 32), (20_001, 64)]
)
def test_more_images_get_longer_codes(n: int, bits: int):
    assert recommended_bits(n) == bits
    assert {one.bits for one in recommended_methods(info(n))} == {bits}
