"""Run folders: created whole, found by spec, robust against damage and dead processes."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from models.codes import HashCodes
from models.errors import Cancelled
from models.method import EpochLog
from pipeline.jobs import LOST_AFTER_S
from pipeline.runs.execute import execute
from pipeline.runs.registry import Run, RunBusy, RunError, RunRegistry
from pipeline.settings import Settings
from tests.factories import ROOT, files_read, kill, python, spec, wait_for_line

HOLDER = """
import sys
from pathlib import Path
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings

with RunRegistry(Settings(home=Path(sys.argv[1]))).all()[0].started():
    print("running", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def registry(settings: Settings) -> RunRegistry:
    return RunRegistry(settings)


@pytest.fixture
def run(registry: RunRegistry) -> Run:
    return registry.create(spec())


def epoch(number: int, loss: float = 0.5) -> EpochLog:
    return EpochLog(number, 3, {"loss": loss}, 0.1)


def silence(run: Run) -> None:
    """As if nothing had been heard of the run for longer than the limit."""
    long_ago = time.time() - LOST_AFTER_S - 1
    run.update(heartbeat=long_ago)
    if (run.folder / "heartbeat").exists():
        os.utime(run.folder / "heartbeat", (long_ago, long_ago))


def test_a_new_run_is_queued_with_its_spec_and_a_telling_name(registry: RunRegistry) -> None:
    run = registry.create(spec(seed=3))

    assert re.fullmatch(rf"[\d-]+T[\d-]+_itq_shapes_16b_{run.spec.digest[:4]}", run.id)
    assert run.state() == "queued"
    assert registry.open(run.id).spec == spec(seed=3)
    assert [path.name for path in registry.path.iterdir()] == [run.id]


def test_an_empty_library_has_no_runs(registry: RunRegistry) -> None:
    assert registry.all() == []
    assert registry.find(spec()) is None


def test_runs_of_one_spec_created_at_once_all_get_folders_of_their_own(
    registry: RunRegistry,
) -> None:
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: registry.create(spec()), range(24)))

    assert len({run.id for run in runs}) == 24
    assert len(registry.all()) == 24
    assert not list(registry.path.glob(".*"))


def test_a_folder_that_is_not_complete_yet_is_no_run(registry: RunRegistry, run: Run) -> None:
    (registry.path / ".0123.new").mkdir()

    assert [found.id for found in registry.all()] == [run.id]


def test_any_unambiguous_part_of_the_id_opens_a_run(registry: RunRegistry) -> None:
    first, second = registry.create(spec()), registry.create(spec(method="lsh"))

    assert registry.open("lsh").id == second.id
    assert registry.open(first.spec.digest[:4]).id == first.id
    with pytest.raises(RunError, match=r"'shapes' is not unique: .*itq.*lsh"):
        registry.open("shapes")
    with pytest.raises(RunError, match="unknown run 'dpsh'"):
        registry.open("dpsh")
    for nowhere in ("..", f"../{registry.path.name}/{first.id}", f"{first.id}/../{first.id}"):
        with pytest.raises(RunError):
            registry.open(nowhere)
    with pytest.raises(RunError, match="is not unique"):
        registry.open("")


def test_the_full_id_opens_a_run_though_another_id_goes_on_from_it(registry: RunRegistry) -> None:
    first = registry.create(spec())
    twin = first.folder.with_name(first.id + "-2")
    twin.mkdir()

    assert registry.open(first.id).id == first.id


@pytest.mark.parametrize("name", ["spec.json", "run.json"])
@pytest.mark.parametrize("content", [None, "", "{", '{"state": "done", "surprise": 1}', "[]"])
def test_a_damaged_run_is_left_out_of_lists_and_named_when_opened(
    registry: RunRegistry, name: str, content: str | None
) -> None:
    good, bad = registry.create(spec()), registry.create(spec(method="lsh"))
    (bad.folder / name).unlink()
    if content is not None:
        (bad.folder / name).write_text(content, "utf-8")

    assert [run.id for run in registry.all()] == [good.id]
    assert registry.find(spec(method="lsh")) is None
    with pytest.raises(RunError, match=rf"run {bad.id} has a damaged {name}"):
        registry.open(bad.id)
    assert list(registry.unreadable()) == [bad.id]
    assert f"damaged {name}" in registry.unreadable()[bad.id]


def test_a_report_that_cannot_be_read_is_counted_and_its_run_stays(done_run: Run, own_library):
    registry = RunRegistry(own_library)
    assert registry.unreadable() == {}
    (done_run.folder / "report.json").write_text("{}", "utf-8")

    assert [run.id for run in registry.all()] == [done_run.id]
    assert "no usable report" in registry.unreadable()[done_run.id]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("spec.json", lambda spec: spec["config"].update(momentum=0.9)),  # renamed to eta since
        ("spec.json", lambda spec: spec["config"].update(eta=-1.0)),  # the bound is tighter by now
        ("spec.json", lambda spec: spec.update(method="gone")),
        ("spec.json", lambda spec: spec.update(precision="half")),
        ("run.json", lambda status: status.update(watts=3)),
        ("report.json", lambda report: report.pop("wap")),  # a new measure
        ("report.json", lambda report: report.update(median_rank=3.5)),  # one that is gone
        ("report.json", lambda report: report["codes"].pop("distinct")),
        ("report.json", lambda report: report["protocol"].update(seed=0)),
    ],
)
def test_a_stored_run_stays_readable_when_settings_bounds_methods_and_measures_change(
    registry: RunRegistry, name: str, change
) -> None:
    """tests/stored_run is as version 4d57685 stored it; it must be read for ever."""
    run = Path(shutil.copytree(ROOT / "tests" / "stored_run", registry.path / "old"))
    text = (run / name).read_text("utf-8")
    stored = json.loads(text)
    change(stored)
    (run / name).write_text(json.dumps(stored), "utf-8")

    (found,) = registry.all()

    assert registry.unreadable() == {}
    assert found.state() == "done"
    assert found.report().map == pytest.approx(0.737449)
    assert found.spec.bits == 8


def test_a_run_that_this_version_could_not_be_asked_for_is_not_executed(
    own_library: Settings, done_run: Run
) -> None:
    """It could only be trained otherwise than was asked."""
    queued = RunRegistry(own_library).create(done_run.spec)
    stored = json.loads((queued.folder / "spec.json").read_text("utf-8"))
    stored["config"]["momentum"] = 0.9
    (queued.folder / "spec.json").write_text(json.dumps(stored), "utf-8")

    with pytest.raises(ValueError, match="asked of another version: unknown hyper-parameter"):
        execute(RunRegistry(own_library).open(queued.id), own_library)

    assert "momentum" in queued.status().error


def test_files_of_runs_that_do_not_change_are_not_read_again(
    own_library: Settings, done_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, read = RunRegistry(own_library), files_read(done_run, monkeypatch)

    for _ in range(3):
        (run,) = registry.all()
        assert run.report().map > 0

    assert sorted(read) == ["report.json", "run.json", "spec.json"]


def test_a_spec_with_a_name_that_leaves_the_folder_is_damaged(
    registry: RunRegistry, run: Run
) -> None:
    path = run.folder / "spec.json"
    path.write_text(path.read_text("utf-8").replace('"shapes"', '"../../x"'), "utf-8")

    with pytest.raises(RunError, match="match pattern"):
        registry.open(run.id)


def test_a_finished_run_is_found_by_its_spec_and_content(registry: RunRegistry) -> None:
    with registry.create(spec()).started():
        pass
    queued = registry.create(spec())
    done = next(run for run in registry.all() if run.id != queued.id)
    done.update(dataset_fingerprint="abc")

    assert registry.find(spec()) == done
    assert registry.find(spec(), "abc") == done
    assert registry.find(spec(), "other images under the same name") is None
    assert registry.find(spec(seed=1)) is None


def test_the_status_tells_the_story(run: Run) -> None:
    with run.started():
        assert run.status().state == "running"
        with run.stage("training"):
            assert run.status().stage == "training"
            run.log_epoch(epoch(1))

    status = run.status()
    assert (status.state, status.stage, status.error) == ("done", "", "")
    assert status.pid == os.getpid()
    assert status.created < status.started < status.finished
    assert {"torch", "numpy"} <= {*status.versions}
    assert status.timings["training"] >= 0
    assert run.history() == [{"epoch": 1, "n_epochs": 3, "seconds": 0.1, "terms": {"loss": 0.5}}]


def test_a_failure_is_stored_with_its_reason_and_passed_on(run: Run) -> None:
    with pytest.raises(ZeroDivisionError), run.started():
        1 / 0  # noqa: B018

    assert run.status().state == "failed"
    assert run.status().error == "division by zero"


def test_a_failure_without_words_is_stored_by_its_kind(run: Run) -> None:
    with pytest.raises(OSError), run.started():
        raise OSError

    assert run.status().error == "OSError"


def test_ctrl_c_is_a_stop_and_not_a_failure(run: Run) -> None:
    with pytest.raises(KeyboardInterrupt), run.started():
        raise KeyboardInterrupt

    assert (run.status().state, run.status().error) == ("cancelled", "")


def test_a_failed_run_can_be_repeated_and_forgets_the_failure(run: Run) -> None:
    with pytest.raises(KeyError), run.started():
        run.log_epoch(epoch(1))
        raise KeyError("x")
    with run.started():
        run.log_epoch(epoch(1, loss=0.25))

    assert (run.status().state, run.status().error) == ("done", "")
    assert [line["terms"] for line in run.history()] == [{"loss": 0.25}]


def test_a_finished_run_is_not_overwritten(run: Run) -> None:
    with run.started():
        pass

    with pytest.raises(RunError, match="is done already"), run.started():
        raise AssertionError("it started")
    assert run.state() == "done"


def test_cancelling_stops_at_the_next_epoch_and_leaves_no_trace_for_the_next_try(run: Run) -> None:
    with pytest.raises(Cancelled), run.started():
        run.log_epoch(epoch(1))
        run.request_stop()
        run.log_epoch(epoch(2))
        raise AssertionError("it went on")

    assert run.state() == "cancelled"
    assert len(run.history()) == 2
    with run.started():
        run.check_stop()


def test_cancelling_a_queued_run_stops_it_before_its_first_stage(run: Run) -> None:
    run.request_stop()

    with pytest.raises(Cancelled), run.started(), run.stage("features"):
        raise AssertionError("the stage began")

    assert run.state() == "cancelled"


def test_a_request_that_came_too_late_is_forgotten(run: Run) -> None:
    with run.started():
        run.request_stop()

    assert run.state() == "done"
    assert not (run.folder / "cancel").exists()


def test_a_run_that_is_silent_for_a_minute_is_lost(run: Run) -> None:
    run.update(state="running")
    assert run.state() == "running"

    silence(run)

    assert run.state() == "lost"
    assert run.status().state == "running"  # derived, not stored


def test_a_run_with_a_beating_heart_is_not_lost_however_long_a_stage_takes(run: Run) -> None:
    with run.started():
        silence(run)
        (run.folder / "heartbeat").touch()  # as its thread does every few seconds

        assert run.state() == "running"


@pytest.mark.parametrize("state", ["queued", "done", "failed", "cancelled"])
def test_only_running_runs_get_lost(run: Run, state: str) -> None:
    run.update(state=state)
    silence(run)

    assert run.state() == state


def test_a_run_in_another_process_is_busy_until_that_is_killed(
    run: Run, registry: RunRegistry
) -> None:
    child = python(HOLDER, registry.path.parent)
    wait_for_line(child, "running")

    with pytest.raises(RunBusy, match="executed by another process"), run.started():
        raise AssertionError("two at once")
    kill(child)

    assert run.state() == "running"  # it died without a word
    silence(run)
    assert run.state() == "lost"
    with run.started():
        pass
    assert run.state() == "done"


def test_a_line_of_the_history_that_is_being_written_is_left_for_later(run: Run) -> None:
    run.log_epoch(epoch(1))
    with (run.folder / "history.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"epoch": 2, "n_ep')

    assert [line["epoch"] for line in run.history()] == [1]


def test_a_run_without_epochs_has_an_empty_history(run: Run) -> None:
    assert run.history() == []


def test_codes_come_back_with_their_rows(run: Run) -> None:
    codes = HashCodes.from_relaxed(np.random.default_rng(0).standard_normal((5, 12)))

    run.save_codes("query", codes, np.arange(5) * 3)

    loaded, rows = run.load_codes("query")
    assert np.array_equal(loaded.packed, codes.packed)
    assert (loaded.bits, rows.tolist()) == (12, [0, 3, 6, 9, 12])
    assert [path.name for path in (run.folder / "codes").iterdir()] == ["query.npz"]


DAMAGE = {
    "empty": lambda content: b"",
    "cut": lambda content: content[:-40],
    "half": lambda content: content[: len(content) // 2],
    "text": lambda content: b"hello",
    "bits flipped": lambda content: content[:60] + bytes(b ^ 255 for b in content[60:]),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("codes/database.npz", lambda run: run.load_codes("database")),
        ("curves.npz", Run.curves),
        ("report.json", Run.report),
        ("model/weights.safetensors", Run.load_method),
        ("model/config.json", Run.load_method),
    ],
)
def test_damaged_results_are_named_with_their_run(done_run: Run, name: str, read, damage) -> None:
    path = done_run.folder / name
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(RunError, match=done_run.id):
        read(done_run)


def test_missing_results_are_named_with_their_run(run: Run) -> None:
    for read in (Run.report, Run.curves, Run.load_method, lambda r: r.load_codes("query")):
        with pytest.raises(RunError, match=run.id):
            read(run)


def test_a_run_folder_explains_itself(done_run: Run) -> None:
    names = {path.relative_to(done_run.folder).as_posix() for path in done_run.folder.rglob("*.*")}

    assert {
        "spec.json",
        "run.json",
        "history.jsonl",
        "model/config.json",
        "model/weights.safetensors",
        "codes/query.npz",
        "codes/database.npz",
        "report.json",
        "curves.npz",
    } <= names
    assert not [name for name in names if "tmp" in name]
    assert json.loads((done_run.folder / "spec.json").read_text("utf-8")) == json.loads(
        done_run.spec.model_dump_json()
    )


def test_a_run_of_other_content_than_todays_is_refused(run: Run) -> None:
    run.check_dataset("anything")  # nothing is known of a run that never started
    run.update(dataset_fingerprint="abc")

    run.check_dataset("abc")
    with pytest.raises(RunError, match=r"other content of 'shapes', .* run it again"):
        run.check_dataset("def")


def test_a_deleted_run_is_gone(registry: RunRegistry, run: Run) -> None:
    registry.delete(run)

    assert registry.all() == []
    assert list(registry.path.iterdir()) == []


def test_two_runs_in_one_process_do_not_wait_for_each_other(
    registry: RunRegistry, tmp_path: Path
) -> None:
    first, second = registry.create(spec()), registry.create(spec())

    with first.started(), second.started():
        assert {first.state(), second.state()} == {"running"}
