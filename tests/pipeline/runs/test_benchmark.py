"""The benchmark: what it runs, skips and reports, and what its table says."""

from __future__ import annotations

import pytest

from models.registry import get_method, list_methods
from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.source import Item, Source
from pipeline.runs.benchmark import compare, planned
from pipeline.runs.benchmark_table import COLUMNS
from pipeline.runs.experiment import Outcome
from pipeline.settings import Settings
from tests.factories import png, spec


def test_runs_are_planned_by_length_method_and_seed_and_once_where_the_seed_is_idle():
    specs = planned(spec(), ["lsh", "pcah"], [8, 16], seeds=2)

    assert [(one.bits, one.method, one.seed) for one in specs] == [
        (8, "lsh", 0),
        (8, "lsh", 1),
        (8, "pcah", 0),
        (16, "lsh", 0),
        (16, "lsh", 1),
        (16, "pcah", 0),
    ]


def test_every_method_is_planned_with_its_own_defaults():
    for one in planned(spec(config={"iterations": 7}), list_methods(), [16], seeds=1):
        defaults = get_method(one.method).Config()
        assert one.method_config() == defaults


def test_a_benchmark_runs_once_and_goes_on_where_it_stopped(own_library: Settings):
    outcomes: list[Outcome] = []

    first = compare(spec(), ["lsh"], [8], 2, own_library, on_outcome=outcomes.append)
    second = compare(spec(), ["lsh", "pcah"], [8], 2, own_library, on_outcome=outcomes.append)

    assert [outcome.state for outcome in outcomes] == [*["done"] * 2, *["done before"] * 2, "done"]
    assert [(outcome.number, outcome.total) for outcome in outcomes[2:]] == [(1, 3), (2, 3), (3, 3)]
    assert tuple(first.columns) == COLUMNS
    assert first.equals(second[second["method"] != "pcah"].reset_index(drop=True))


def test_what_is_named_twice_counts_once(own_library: Settings):
    result = compare(spec(), ["lsh", "lsh"], [8, 8], 2, own_library)

    assert result["seeds"].dropna().tolist() == [2]


def test_a_run_that_fails_is_reported_and_the_others_go_on(own_library: Settings):
    """The tiny backbone has 64 dimensions and 32 training images: PCA has no 200 axes."""
    outcomes: list[Outcome] = []

    result = compare(spec(), ["pcah", "lsh"], [200], 1, own_library, on_outcome=outcomes.append)

    assert [outcome.state for outcome in outcomes] == ["failed", "done"]
    assert "bits" in outcomes[0].text
    assert result[result["bits"].notna()]["method"].tolist() == ["lsh"]


def test_a_label_that_is_not_there_is_refused_and_a_set_without_labels_is_measured(
    own_library: Settings,
):
    with pytest.raises(DatasetError, match="Did you mean 'circle'"):
        compare(spec(), ["lsh"], [8], 1, own_library, without="circel")
    facts = {"title": "", "summary": "", "licence": "", "attribution": "", "kinds": {}}
    items = [Item(f"{i}", lambda i=i: png((i, 0, 0)), {}, ".png") for i in range(20)]  # type: ignore[misc]
    import_dataset(Source(name="bare", items=items, identity="1", **facts), own_library)  # type: ignore[arg-type]
    bare = spec(dataset="bare", label_set="")
    with pytest.raises(DatasetError, match="has no labels"):
        compare(bare, ["lsh"], [8], 1, own_library, without="circle")
    table = compare(bare, ["lsh"], [8], 1, own_library)
    assert table["method"].tolist()[:: len(table) - 1] == ["cosine", "lsh"]
    assert table["map"][0] == pytest.approx(1)  # by the neighbours of the features
    assert 0 < table["map"].iloc[-1] < 1
