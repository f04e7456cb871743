"""Examples of both ends, and the front of what was trained."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.kinds_and_things import FRONT, examples, find_front
from pipeline.runs.registry import RunRegistry
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings


@pytest.fixture
def grouped() -> tuple[np.ndarray, np.ndarray]:
    """Features of 4 groups of 40, each of 20 pairs that lie close together; and the groups."""
    rng = np.random.default_rng(0)
    centres = 8 * rng.standard_normal((4, 24))
    pairs = centres[np.arange(80) % 4] + rng.standard_normal((80, 24))
    features = np.repeat(pairs, 2, axis=0) + 0.05 * rng.standard_normal((160, 24))
    return features.astype(np.float32), np.repeat(np.arange(80) % 4, 2)


def test_kinds_come_from_the_group_and_things_are_the_nearest(grouped):
    features, groups = grouped

    found = examples(features, count=3, shown=5)

    assert len(found) == 3
    assert len({groups[one.query] for one in found}) == 3
    for one in found:
        assert {groups[row] for row in one.same_kind} == {groups[one.query]}
        assert one.same_thing[0] == one.query ^ 1  # the other of its pair
        assert one.query not in one.same_kind + one.same_thing
        assert len(set(one.same_kind)) == len(set(one.same_thing)) == 5


def test_examples_are_the_same_each_time(grouped):
    assert examples(grouped[0], seed=3) == examples(grouped[0], seed=3)


def test_few_images_have_no_examples(grouped):
    assert examples(grouped[0][:79]) == ()


def test_the_front_has_the_runs_that_were_told_what_to_find_from_kinds_to_things(own_library):
    def row(bits: int, kept: float | None, **config: object) -> dict[str, object]:
        method = "ud2h" if config else "itq"
        spec = RunSpec.model_validate(
            {"dataset": "shapes", "method": method, "bits": bits, "backbone": "tiny"}
            | {"label_set": "class", "config": config}
        )
        run = RunRegistry(own_library).create(spec).id
        values = {"map": 0.5, "precision_at_10": 0.6, "neighbours_at_10": kept}
        return {"run": run, "bits": bits} | values

    rows = pd.DataFrame(
        [
            row(32, 0.4, find="same thing"),
            row(32, 0.2, find="rather kind"),
            row(32, 0.1, find="same kind"),
            row(16, 0.2, find="both"),
            row(16, None, find="rather kind"),
            row(16, 0.2, find="rather thing", lambda_n=0.0),  # as of an earlier version
            row(32, 0.3),
        ]
    )

    front = find_front(rows, own_library)

    assert list(front.columns) == list(FRONT)
    assert list(zip(front["bits"], front["find"], strict=True)) == [
        (16, "both"),
        (32, "same kind"),
        (32, "rather kind"),
        (32, "same thing"),
    ]


def test_an_empty_board_has_an_empty_front(own_library: Settings):
    columns = ["run", "bits", "map", "precision_at_10", "neighbours_at_10"]
    assert find_front(pd.DataFrame(columns=columns), own_library).empty
