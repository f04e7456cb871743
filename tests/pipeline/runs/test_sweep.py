"""Sweeps: every combination once, nothing that is done again, and clear refusals."""

from __future__ import annotations

import shlex

import pytest
from pydantic import ValidationError

from pipeline.cli import app
from pipeline.datasets.dataset import DatasetError
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.runs.spec import RunSpec
from pipeline.runs.sweep import Sweep, plan, submit
from pipeline.settings import Settings
from pipeline.worker import work
from tests.factories import spec, unlabelled


def sweep(**changes: object) -> Sweep:
    usual = {"dataset": "shapes", "methods": ("itq", "lsh"), "bits": (8, 16), "seeds": 2}
    return Sweep.model_validate({**usual, "backbone": "tiny", "label_set": "class", **changes})


def test_every_combination_is_there_once() -> None:
    found = [(one.bits, one.method, one.seed) for one in sweep().specs()]

    assert found == [(b, m, s) for b in (8, 16) for m in ("itq", "lsh") for s in (0, 1)]


def test_a_method_without_a_seed_runs_once_and_a_setting_varies_only_where_it_exists() -> None:
    found = sweep(methods=("pcah", "itq"), bits=(8,), grid={"iterations": (10, 20)}).specs()

    assert [(one.method, one.config.get("iterations"), one.seed) for one in found] == [
        ("pcah", None, 0),
        ("itq", 10, 0),
        ("itq", 10, 1),
        ("itq", 20, 0),
        ("itq", 20, 1),
    ]


def test_fixed_and_varied_settings_go_together() -> None:
    found = sweep(
        methods=("dpsh",),
        bits=(8,),
        seeds=1,
        grid={"eta": (0.1, 0.5), "epochs": (2, 3)},
        config={"dpsh": {"hidden": 0}},
    ).specs()

    assert [(s.config["eta"], s.config["epochs"], s.config["hidden"]) for s in found] == [
        (0.1, 2, 0),
        (0.1, 3, 0),
        (0.5, 2, 0),
        (0.5, 3, 0),
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"grid": {"iteration": (1,)}}, "unknown setting of itq, lsh 'iteration'. Did you mean"),
        ({"grid": {"iterations": ()}}, "'iterations' has no values"),
        ({"config": {"dpsh": {"eta": 1}}}, "settings for 'dpsh', which is not among the methods"),
        ({"methods": ()}, "at least 1"),
        ({"methods": ("itqq",)}, "unknown hash method 'itqq'"),
        ({"seeds": 0}, "greater than or equal to 1"),
    ],
)
def test_nonsense_is_refused_by_name(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        sweep(**changes)


def test_a_value_out_of_bounds_is_refused_before_anything_is_queued(own_library: Settings) -> None:
    with pytest.raises(ValidationError, match="iterations"):
        submit(sweep(grid={"iterations": (-1,)}), own_library)


def test_what_is_done_or_waiting_is_not_queued_again(own_library: Settings) -> None:
    """The library has ITQ with 16 bits and seed 0 already."""
    waiting = RunRegistry(own_library).create(spec(method="lsh", bits=8))

    planned = submit(sweep(), own_library, "mine")

    states = {(one.spec.method, one.spec.bits, one.spec.seed): one.state for one in planned}
    assert states.pop(("itq", 16, 0)) == "done"
    assert [one.run for one in planned if one.spec == waiting.spec] == [waiting]
    queued = [run for run in RunRegistry(own_library).all() if run.status().sweep == "mine"]
    assert len(queued) == 6
    assert len(submit(sweep(), own_library)) == 8
    assert len(RunRegistry(own_library).all()) == 8


def test_of_equal_runs_the_newest_finished_one_is_shown(
    own_library: Settings, done_run: Run
) -> None:
    """As on the leaderboard and by `finished`; one that waits is not preferred to it."""
    registry = RunRegistry(own_library)
    newer = registry.create(done_run.spec)
    execute(newer, own_library)
    registry.create(done_run.spec)

    [planned] = plan(sweep(methods=("itq",), bits=(16,), seeds=1), own_library)

    assert (planned.state, planned.run) == ("done", newer)
    assert registry.find(done_run.spec) == newer


def test_the_worker_executes_a_queued_sweep(own_library: Settings) -> None:
    submit(sweep(bits=(8,), seeds=1), own_library)

    assert work(own_library, exit_when_idle=True) == 2


def test_a_method_that_the_data_set_cannot_serve_is_refused_with_the_reason(
    settings: Settings,
) -> None:
    unlabelled(settings)

    with pytest.raises(DatasetError, match="DPSH needs labels, and 'bare' has none"):
        plan(sweep(dataset="bare", methods=("dpsh",), label_set=""), settings)


def test_the_command_asks_for_the_same_runs(
    own_library: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = sweep(
        methods=("dpsh", "orthohash"),
        bits=(8, 12),
        grid={"eta": (0.1, 0.2)},
        config={"dpsh": {"epochs": 2}, "orthohash": {"batch_norm": False, "epochs": 2}},
        validation=0.25,
        finetune={"stages": 1, "augment": False},
    )
    asked: list[Sweep] = []
    for module in ("sweeping", "run_options"):
        monkeypatch.setattr(f"pipeline.cli.{module}.current_settings", lambda: own_library)
    monkeypatch.setattr("pipeline.cli.sweeping.submit", lambda found, *_: asked.append(found) or [])

    words = shlex.split(wanted.command())[3:]
    app([*words, "--queue"], standalone_mode=False)

    assert [one.digest for one in asked[0].specs()] == [one.digest for one in wanted.specs()]


def test_specs_of_earlier_versions_keep_their_digest() -> None:
    """Fields that came later count only when they are used."""
    old = spec()

    assert "finetune" in RunSpec.model_fields
    assert old.digest.startswith("0cd5")
    assert spec(validation=0.2).digest != old.digest
