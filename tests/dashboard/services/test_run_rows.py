"""The Runs page's service: states in words, progress, time left, alerts."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path

import numpy as np
import pytest

from dashboard.services import run_rows
from dashboard.services.run_rows import alerts, list_runs, open_job, sweeps
from models.codes import HashCodes
from models.method import EpochLog
from pipeline.files import write_atomic
from pipeline.jobs import LOST_AFTER_S
from pipeline.runs.control import RunBusy
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings
from tests.factories import files_read


@pytest.fixture
def own(own_home: Path) -> Settings:
    return Settings(home=own_home, threads=1)


@pytest.fixture
def run(own: Settings) -> Run:
    spec = RunSpec(dataset="shapes", method="dpsh", bits=12, backbone="tiny", label_set="class")
    return RunRegistry(own).create(spec, "sweep 1")


def job_of(settings: Settings, run: Run) -> run_rows.RunRow:
    return next(job for job in list_runs(settings) if job.id == run.id)


def epoch(number: int, loss: float = 0.5) -> EpochLog:
    return EpochLog(number, 10, {"a": loss, "b": 0.25}, 2.0 * number)


def test_finished_runs_have_their_map_and_are_at_the_end_of_their_bar(own: Settings) -> None:
    found = list_runs(own)

    assert {job.state for job in found} == {"done"}
    assert all(job.share == 1.0 and job.map and job.elapsed_s is not None for job in found)
    assert not any(job.is_live for job in found)


def test_queued_runs_know_their_place(own: Settings, run: Run) -> None:
    second = RunRegistry(own).create(run.spec)

    assert [job_of(own, one).place for one in (run, second)] == [1, 2]
    assert sweeps(list_runs(own)) == ["sweep 1"]
    assert [job.id for job in list_runs(own, "sweep 1")] == [run.id]


def test_time_left_is_the_pace_of_recent_epochs_times_those_to_come(
    own: Settings, run: Run
) -> None:
    """Two seconds an epoch, seven epochs to go."""
    with run.started(), run.stage("training"):
        for number in (1, 2, 3):
            run.log_epoch(epoch(number), validation_map=0.1 * number)
        run.update(done=3, total=10)
        job, detail = job_of(own, run), open_job(own, run.id)

    assert (job.state, job.stage, job.share) == ("running", "training", 0.3)
    assert job.left_s == pytest.approx(14)
    assert job.losses == (0.75, 0.75, 0.75)
    assert len(detail.history) == 6
    assert detail.validation["map"].tolist() == pytest.approx([10, 20, 30])


@pytest.mark.parametrize(
    ("act", "word"),
    [
        (lambda run: None, "queued"),
        (lambda run: run.request_stop(), "stopping"),
        (lambda run: run.stop(), "stopped"),
        (lambda run: run.update(state="failed", error="x"), "failed"),
        (lambda run: run.update(state="running"), "running"),
    ],
)
def test_states_have_words(own: Settings, run: Run, act, word: str) -> None:
    act(run)

    assert job_of(own, run).state == word


def test_a_silent_run_is_lost(own: Settings, run: Run) -> None:
    run.update(state="running", heartbeat=time.time() - LOST_AFTER_S - 1)
    assert job_of(own, run).state == "lost"

    (run.folder / "heartbeat").touch()
    assert job_of(own, run).state == "running"
    old = time.time() - LOST_AFTER_S - 1
    os.utime(run.folder / "heartbeat", (old, old))
    assert job_of(own, run).state == "lost"


def test_a_loss_that_is_not_a_number_raises_an_alert(run: Run) -> None:
    run.log_epoch(epoch(1))
    assert alerts(run, run.history()) == []

    run.log_epoch(epoch(2, math.nan))

    assert "not a number (epoch 2)" in alerts(run, run.history())[0]


def test_equal_codes_and_dead_bits_raise_alerts(run: Run) -> None:
    rng = np.random.default_rng(0)
    relaxed = rng.standard_normal((40, 12))
    rows = np.arange(40)
    run.save_codes("database", HashCodes.from_relaxed(relaxed), rows)
    assert alerts(run, []) == []

    relaxed[:, :5] = 1
    run.save_codes("database", HashCodes.from_relaxed(relaxed), rows)
    assert alerts(run, []) == ["5 of 12 bits are the same in every code."]

    run.save_codes("database", HashCodes.from_relaxed(np.ones((40, 12))), rows)
    assert "All codes are equal" in alerts(run, [])[0]


def test_a_map_below_that_of_a_random_order_raises_an_alert(own: Settings) -> None:
    """Three balanced classes: a random order has a mean precision of about a third."""
    done = next(run for run in RunRegistry(own).all() if run.state() == "done")
    assert alerts(done, []) == []
    path = done.folder / "report.json"
    report = done.report()
    report = report.model_copy(update={"values": report.values | {"map": 0.2}})
    write_atomic(path, report.model_dump_json())

    assert "mAP 20.0 is below that of a random order, 3" in alerts(done, [])[0]


def test_a_run_can_be_stopped_queued_again_and_deleted(own: Settings, run: Run) -> None:
    run_rows.stop(own, run.id)
    assert run.state() == "cancelled"
    run_rows.resume(own, run.id)
    assert run.state() == "queued"
    with run.claimed(), pytest.raises(RunBusy):
        run_rows.delete(own, run.id)
    run_rows.delete(own, run.id)

    with pytest.raises(RunError):
        open_job(own, run.id)


def test_a_run_in_full_names_settings_and_environment(own: Settings) -> None:
    done = next(run for run in RunRegistry(own).all() if run.spec.method == "itq")

    detail = open_job(own, done.id)

    assert dict(detail.asked)["bits"] == "12"
    assert dict(detail.asked)["iterations"]
    assert {"host", "torch", "memory", "training took"} <= {*dict(detail.environment)}
    assert detail.is_published
    assert any("done" in line for line in detail.log)


def test_a_run_in_full_names_what_the_method_chose(own: Settings, run: Run) -> None:
    run.update(chosen={"neighbours": 10})

    asked = dict(open_job(own, run.id).asked)

    assert asked["neighbours, chosen by the method"] == "10"


def test_finished_runs_are_read_once_however_often_the_page_looks(
    own: Settings, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = RunRegistry(own).open(next(job.id for job in list_runs(own) if job.state == "done"))
    (done.folder / "history.jsonl").write_text('{"epoch": 1, "terms": {"a": 2.0}}\n', "utf-8")
    read = files_read(done, monkeypatch)

    for _ in range(3):
        assert job_of(own, done).losses == (2.0,)

    assert sorted(read) == ["history.jsonl", "report.json", "run.json", "spec.json"]


@pytest.mark.parametrize(
    ("method", "sentence"),
    [("dpsh", "within a mini-batch. Resume continues"), ("ud2h", "Resume restarts its training")],
)
def test_what_a_stop_does_depends_on_the_method(own: Settings, method: str, sentence: str) -> None:
    run = RunRegistry(own).create(
        RunSpec(dataset="shapes", method=method, bits=12, backbone="tiny", label_set="class")
    )

    assert sentence in open_job(own, run.id).on_stop


def test_a_run_of_another_version_says_what_is_not_understood(own: Settings, run: Run) -> None:
    path = run.folder / "spec.json"
    write_atomic(path, path.read_text("utf-8").replace('"eta"', '"momentum"'))

    detail = open_job(own, run.id)

    assert "unknown hyper-parameter of dpsh 'momentum'" in detail.alerts[0]
    assert ("momentum", "0.1") in detail.asked


def test_a_finished_run_shows_that_its_baselines_are_measured_while_its_process_lives(
    own: Settings, run: Run
) -> None:
    with run.started():
        pass
    run.update(stage="baselines", done=3, total=4)
    assert (job_of(own, run).state, job_of(own, run).stage) == ("done", "baselines")
    assert (job_of(own, run).share, job_of(own, run).is_live) == (0.75, True)

    long_ago = time.time() - LOST_AFTER_S - 1
    os.utime(run.folder / "heartbeat", (long_ago, long_ago))

    assert (job_of(own, run).stage, job_of(own, run).share) == ("", 1.0)
    assert not job_of(own, run).is_live


def test_a_finished_run_has_its_measures_in_the_words_of_all_tables(own: Settings, run: Run):
    done = next(one for one in RunRegistry(own).all() if one.id != run.id)

    detail = open_job(own, done.id)

    shown = dict(detail.measures.itertuples(index=False))
    assert shown["mAP %"] == pytest.approx(100 * done.report().map, abs=0.06)
    assert detail.interval == (done.report().ci_low, done.report().ci_high)
    assert open_job(own, run.id).measures.empty
