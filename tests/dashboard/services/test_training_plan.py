"""The Train page's service: what is offered, what it costs, what is queued."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.services import training_plan
from dashboard.services.training_plan import (
    CUSTOM,
    QUICK,
    changed,
    choices,
    plan_training,
    preset,
    start,
)
from pipeline.catalog import config_fields
from pipeline.datasets.dataset import load_dataset
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.factories import unlabelled


@pytest.fixture
def own(own_home: Path) -> Settings:
    return Settings(home=own_home, threads=1, start_worker=False)


def asked(**changes: object) -> dict[str, object]:
    usual = {"dataset": "shapes", "methods": ("itq", "lsh"), "bits": (12,), "backbone": "tiny"}
    return {**usual, "label_set": "", **changes}  # as the runs of the small library have it


def test_methods_are_grouped_by_supervision_with_what_they_need(settings: Settings) -> None:
    groups = choices(settings, load_dataset("shapes", settings).info, "class")

    names = {title.split(":")[0]: {one.name for one in found} for title, found in groups.items()}
    assert {"dpsh", "csq"} <= names["Supervised"]
    assert {"itq", "ud2h"} <= names["Unsupervised"]
    assert names["Baseline"] == {"lsh"}
    by_name = {one.name: one for found in groups.values() for one in found}
    assert by_name["dpsh"].needs == ("labels",)
    assert not any(one.why_not for one in by_name.values())
    assert by_name["itq"].typical_s is not None
    assert by_name["dpsh"].typical_s is None


def test_without_labels_only_unsupervised_methods_can_be_chosen(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, threads=1)
    unlabelled(settings)
    groups = choices(settings, load_dataset("bare", settings).info, "")

    for title, found in groups.items():
        assert all(bool(one.why_not) == title.startswith("Supervised") for one in found)


def test_the_quick_preset_shortens_what_is_long_and_nothing_else() -> None:
    assert preset("dpsh", QUICK) == {"epochs": 5}
    assert preset("lsh", QUICK) == {}
    assert preset("dpsh", CUSTOM) == {}


def test_only_settings_that_differ_are_asked_for() -> None:
    fields = config_fields("itq")
    usual = {field.name: field.default for field in fields}

    assert changed(fields, usual) == {}
    assert changed(fields, usual | {"iterations": 7}) == {"iterations": 7}


def test_a_plan_knows_what_is_done_and_prices_the_rest(settings: Settings) -> None:
    found = plan_training(settings, asked(bits=(12, 16)))

    assert not found.problem
    states = {(one.spec.method, one.spec.bits): one.state for one in found.planned}
    assert states[("itq", 12)] == "done"
    assert found.n_new == 3
    assert found.price.seconds is not None
    assert found.price.memory_mb is not None
    assert found.price.memory_mb > 50
    assert found.price.n_unknown == 0
    assert plan_training(settings, asked(methods=("dpsh",))).price.seconds is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"config": {"itq": {"iterations": -3}}}, "greater than or equal to"),
        ({"grid": {"iterations": ("many",)}}, "iterations"),
        ({"dataset": "nothing"}, "unknown data set 'nothing'"),
        ({"bits": (900,)}, "bits"),
        ({"finetune": {}}, "has no gradient to fine-tune"),
        ({"protocol": "cifar"}, "unknown protocol"),
    ],
)
def test_what_cannot_be_is_said_in_words(
    settings: Settings, changes: dict[str, object], words: str
) -> None:
    found = plan_training(settings, asked(**changes))

    assert found.sweep is None
    assert words in found.problem


def test_starting_queues_each_run_once_and_asks_for_a_worker(
    own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted: list[Settings] = []
    monkeypatch.setattr(training_plan, "ensure_worker", wanted.append)
    sweep = plan_training(own, asked(methods=("itq", "lsh"), bits=(12, 16))).sweep
    assert sweep is not None

    name, n_queued = start(own, sweep)
    again = start(own, sweep)

    assert name.startswith("sweep ")
    assert (n_queued, again[1]) == (3, 0)
    assert sum(run.status().sweep == name for run in RunRegistry(own).all()) == 3
    assert wanted == [own, own]
