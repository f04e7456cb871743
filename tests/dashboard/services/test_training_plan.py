"""The Train page's service: what is offered, what it costs, what is queued."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dashboard.services import training_plan
from dashboard.services.training_plan import (
    CUSTOM,
    QUICK,
    already_there,
    changed,
    choices,
    cost_in_words,
    first_choice,
    fitting_backbones,
    plan_training,
    preset,
    start,
)
from pipeline.catalog import config_fields
from pipeline.datasets.dataset import load_dataset
from pipeline.runs.cost_estimates import Estimate
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from pipeline.vectors.importing import plan_vectors, store_vectors
from pipeline.vectors.request import VectorsRequest
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


def test_a_method_is_there_when_all_its_runs_are(settings: Settings) -> None:
    fields = {name: value for name, value in asked().items() if name != "methods"}
    methods = ("itq", "lsh", "dpsh")

    there = already_there(settings, methods, fields)

    assert there.keys() == {"itq"}
    assert there["itq"].words.startswith("Trained, mAP ")
    assert not already_there(settings, methods, fields | {"bits": (12, 16)})
    assert not already_there(settings, methods, fields | {"config": {"itq": {"iterations": 7}}})
    assert not already_there(settings, methods, fields | {"dataset": "nothing"})
    assert not already_there(settings, methods, fields | {"bits": (900,)})


def test_the_first_choice_is_what_is_recommended_and_not_there(settings: Settings) -> None:
    groups = choices(settings, load_dataset("shapes", settings).info, "class")
    there = already_there(settings, ("itq",), asked(bits=(12,)))

    assert first_choice(groups, ("itq", "lsh"), there) == {"lsh"}
    (other,) = first_choice(groups, ("itq",), there)
    assert other != "itq"


@pytest.mark.parametrize(
    ("price", "words"),
    [
        (Estimate(90.0, None, 0, 60.0), "about 90 s (features about 60 s, training about 30 s)"),
        (Estimate(0.2, None, 0), "under 1 s"),
        (Estimate(600.0, None, 2), "about 10 min, plus 2 runs of unknown length"),
        (Estimate(None, None, 1, 60.0), "features about 60 s, training time not known"),
        (Estimate(None, None, 1), "training time not known"),
    ],
)
def test_a_price_names_features_and_training(price: Estimate, words: str) -> None:
    assert cost_in_words(price) == words


def test_features_are_priced_where_they_are_not_stored(settings: Settings) -> None:
    known = plan_training(settings, asked(methods=("itq",), bits=(24,))).price
    other = plan_training(settings, asked(methods=("itq",), backbone="efficientnet_lite0")).price

    assert (known.features_s, known.basis[0]) == (0.0, "Features of tiny are stored already.")
    assert other.features_s == pytest.approx(60 * 0.03)
    assert "for 60 images, at 30 ms each (assumed" in other.basis[0]
    assert other.seconds is not None
    assert other.seconds > other.features_s


def test_augmented_views_are_priced_too(settings: Settings) -> None:
    price = plan_training(settings, asked(methods=("cibhash",))).price

    assert price.features_s > 0
    assert "augmented images" in price.basis[0]
    assert price.basis[-1].endswith("has not run here yet, so its time is not known.")


def test_features_cost_what_they_have_cost_here(own: Settings) -> None:
    unlabelled(own)
    run = RunRegistry(own).all()[0]
    run.update(timings={**run.status().timings, "features": 6.0})  # 60 images

    price = plan_training(own, asked(dataset="bare", methods=("itq",))).price

    assert "at 100 ms each (as measured here)" in price.basis[0]
    n = load_dataset("bare", own).info.n
    assert price.features_s == pytest.approx(0.1 * n)


def test_own_vectors_are_offered_to_their_images_and_refused_where_some_lack_one(
    own: Settings, tmp_path: Path, rng: np.random.Generator
) -> None:
    def store(name: str, rows: np.ndarray, **options: object) -> None:
        np.savez(tmp_path / f"{name}.npz", **{"vectors": rows, **options.pop("arrays", {})})
        source = str(tmp_path / f"{name}.npz")
        request = VectorsRequest(source=source, name=name, **{"dataset": "shapes", **options})
        store_vectors(plan_vectors(request, own), own)

    shapes = load_dataset("shapes", own)
    some = shapes.manifest["image_id"].to_numpy(str)[:-2]
    store("whole", rng.normal(size=(len(shapes), 6)))
    store("part", rng.normal(size=(len(some), 6)), arrays={"ids": some})
    store("alone", rng.normal(size=(20, 6)), dataset="points", new=True)

    offered = fitting_backbones(shapes.info, own)
    assert [name for name in offered if "vectors:" in name] == ["vectors:part", "vectors:whole"]
    points = load_dataset("points", own).info
    assert list(fitting_backbones(points, own)) == ["vectors:alone"]
    plan = plan_training(own, asked(backbone="vectors:part"))
    assert plan.problem.startswith("2 of ")
    assert "have no vector in vectors:part" in plan.problem
    assert not plan_training(own, asked(backbone="vectors:whole")).problem
