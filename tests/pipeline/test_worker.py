"""The worker: oldest first, one at a time, and no failure stops it."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from contextlib import suppress

import numpy as np
import pytest

import pipeline.worker as worker_module
from pipeline.jobs import LOST_AFTER_S
from pipeline.runs.control import MOST_ATTEMPTS
from pipeline.runs.execute import execute
from pipeline.runs.log import tail
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.settings import Settings
from pipeline.worker import ensure_worker, heartbeat_age_s, is_alive, work
from tests.factories import files_read, kill, python, spec, wait_for_line, wait_until

CHILD = """
import sys, threading
from contextlib import suppress
from pathlib import Path
from pipeline.settings import Settings
from pipeline.worker import work

def show(stage, done, total):
    if stage == "training" and done == 1:
        print("training", flush=True)
        threading.Event().wait()  # until it is killed

work(Settings(home=Path(sys.argv[1])), on_progress=show)
"""

WORKER = """
import sys, torch
from pathlib import Path
from pipeline.settings import Settings
from pipeline.worker import work

torch.set_num_threads(1)
settings = Settings(home=Path(sys.argv[1]))
print(work(settings, exit_when_idle=True))
"""
LIMIT = """
import re, threading
from pathlib import Path
import pipeline.cli, torchvision.models
from pipeline.worker import limit_memory

threading.stack_size(1 << 18)
ALREADY = int(re.search(r"VmData:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1000
"""  # imports are done before: what a run adds decides


def queued(settings: Settings, **changes: object) -> Run:
    return RunRegistry(settings).create(spec(**changes))


def silence(run: Run) -> None:
    long_ago = time.time() - LOST_AFTER_S - 1
    run.update(heartbeat=long_ago)
    if (run.folder / "heartbeat").exists():
        os.utime(run.folder / "heartbeat", (long_ago, long_ago))


def test_with_nothing_queued_it_ends_when_asked_to(settings: Settings) -> None:
    assert work(settings, exit_when_idle=True) == 0


def test_queued_runs_are_executed_oldest_first_even_within_a_second(own_library: Settings) -> None:
    """Names sort otherwise: lsh before pcah; they are queued the other way round."""
    runs = [queued(own_library, method=name, bits=8) for name in ("pcah", "lsh", "itq")]

    assert work(own_library, exit_when_idle=True) == 3

    assert [run.state() for run in runs] == ["done"] * 3
    ends = [(run.folder / "report.json").stat().st_mtime_ns for run in runs]
    assert ends == sorted(ends)


def test_a_failing_run_is_recorded_and_the_next_one_executed(own_library: Settings) -> None:
    bad, good = queued(own_library, bits=250), queued(own_library)

    assert work(own_library, exit_when_idle=True) == 2

    assert (bad.state(), good.state()) == ("failed", "done")
    assert "250 bits need 250 principal axes" in bad.status().error


def test_a_run_that_cannot_even_start_is_not_tried_for_ever(
    own_library: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = queued(own_library)

    def out_of_memory() -> dict[str, object]:
        raise MemoryError

    monkeypatch.setattr("pipeline.runs.run.provenance", out_of_memory)

    assert work(own_library, exit_when_idle=True) == 1
    assert run.state() == "failed"
    assert "out of memory" in run.status().error


def test_a_run_cancelled_in_the_queue_is_not_executed(own_library: Settings) -> None:
    run = queued(own_library)
    run.request_stop()

    work(own_library, exit_when_idle=True)

    assert run.state() == "cancelled"
    assert not (run.folder / "model").exists()


def test_a_damaged_run_does_not_stop_the_worker(own_library: Settings) -> None:
    broken, good = queued(own_library), queued(own_library, method="lsh")
    (broken.folder / "run.json").write_text("{", "utf-8")

    work(own_library, exit_when_idle=True)

    assert good.state() == "done"


@pytest.mark.parametrize("state", ["done", "failed", "cancelled"])
def test_what_has_ended_is_left_alone(own_library: Settings, state: str) -> None:
    run = queued(own_library)
    run.update(state=state)
    silence(run)

    assert work(own_library, exit_when_idle=True) == 0
    assert run.status().state == state


def test_a_run_whose_worker_was_killed_is_finished_by_the_next_one(own_library: Settings) -> None:
    run, waiting = queued(own_library), queued(own_library, method="lsh")
    child = python(CHILD, own_library.home)
    wait_for_line(child, "training")

    assert run.state() == "running"
    assert is_alive(own_library)
    silence(run)  # silent, but its process lives and holds it
    assert work(own_library, exit_when_idle=True) == 1
    assert run.status().state == "running"
    assert waiting.state() == "done"

    kill(child)
    silence(run)
    assert run.state() == "lost"
    assert work(own_library, exit_when_idle=True) == 1

    assert run.state() == "done"
    assert run.status().attempts == 2


def test_a_run_of_a_silent_process_elsewhere_is_left_until_it_counts_as_lost(
    own_library: Settings,
) -> None:
    run = queued(own_library)
    run.update(state="running", host="another machine")

    assert work(own_library, exit_when_idle=True) == 0
    silence(run)
    assert work(own_library, exit_when_idle=True) == 1
    assert run.state() == "done"


def test_a_run_that_kills_its_process_every_time_fails_in_the_end(own_library: Settings) -> None:
    run = queued(own_library)
    run.update(state="running", host=platform.node(), attempts=MOST_ATTEMPTS)

    assert work(own_library, exit_when_idle=True) == 0
    assert run.state() == "failed"
    assert run.status().error == f"the process that executed it was killed {MOST_ATTEMPTS} times"


def test_a_killed_training_goes_on_from_its_checkpoint_and_ends_the_same(
    own_library: Settings,
) -> None:
    """Killed in the third epoch at the earliest: the first two are in the checkpoint."""
    changes = {"method": "dpsh", "config": {"epochs": 6, "batch": 8}}
    whole, killed = queued(own_library, **changes), queued(own_library, **changes)
    work_one = (
        CHILD.replace("done == 1", "done == 2 * total // 6 + 1")
        .replace("work(", "pipeline.runs.checkpoints.FolderCheckpoints.every_s = 0\nwork(")
        .replace("import sys", "import pipeline.runs.checkpoints, sys")
    )
    execute(whole, own_library)
    child = python(work_one, own_library.home)
    wait_for_line(child, "training")
    kill(child)
    assert killed.checkpoints().epoch() == 2
    first_two = killed.history()

    work(own_library, exit_when_idle=True)

    assert killed.state() == "done"
    assert not (killed.folder / "checkpoint").exists()
    assert killed.history()[:2] == first_two
    for line, other in zip(killed.history(), whole.history(), strict=True):
        # Where memory lies differs between processes, and with it the last digit of a sum.
        assert line["terms"] == pytest.approx(other["terms"], rel=1e-5)
    for part in ("query", "database"):
        codes, same = killed.load_codes(part)[0], whole.load_codes(part)[0]
        assert np.array_equal(codes.packed, same.packed)
    assert "from epoch 2" in "\n".join(tail(killed.folder))


def test_a_stopped_run_goes_on_when_it_is_queued_again(own_library: Settings) -> None:
    run = queued(own_library, method="dpsh", config={"epochs": 50, "batch": 8})

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "training" and total > 1 and done == total // 2:
            run.stop()

    work(own_library, exit_when_idle=True, on_progress=stop)
    assert run.state() == "cancelled"
    assert 20 <= len(run.history()) < 30
    assert run.status().done < run.status().total
    run.requeue()
    assert run.state() == "queued"
    work(own_library, exit_when_idle=True)

    assert run.state() == "done"
    assert [line["epoch"] for line in run.history()] == [*range(1, 51)]


def test_a_run_stopped_in_the_queue_needs_no_worker_to_end(own_library: Settings) -> None:
    run = queued(own_library)

    run.stop()

    assert run.state() == "cancelled"
    assert work(own_library, exit_when_idle=True) == 0


def test_two_workers_execute_thirty_runs_each_exactly_once(own_library: Settings) -> None:
    runs = [queued(own_library, method="lsh", bits=8, seed=seed) for seed in range(30)]
    workers = [python(WORKER, own_library.home) for _ in range(2)]

    counts = [int(worker.communicate(timeout=120)[0].split()[-1]) for worker in workers]

    assert sum(counts) == 30
    assert min(counts) > 0
    for run in runs:
        assert (run.state(), run.status().attempts) == ("done", 1)
        assert sum("started" in line for line in tail(run.folder)) == 1


def test_a_run_that_wants_too_much_memory_fails_alone(own_library: Settings) -> None:
    """Learning from 32 images of 224 pixels keeps gigabytes; the limit leaves 400 MB.

    Features alone would come in smaller batches.
    """
    greedy = queued(
        own_library,
        method="dpsh",
        backbone="efficientnet_lite0",
        config={"epochs": 1, "batch": 32},
        finetune={"stages": 0},
    )
    modest = queued(own_library, method="lsh")
    limited = WORKER.replace("1]))", "1]), memory_mb=ALREADY + 400)")
    script = LIMIT + limited.replace("print(", "limit_memory(settings)\nprint(")

    _, errors = python(script, own_library.home).communicate(timeout=60)

    assert greedy.state() == "failed", errors
    assert greedy.status().error.startswith("out of memory: give the worker more")
    assert "Traceback" in "\n".join(tail(greedy.folder))
    assert modest.state() == "done"


def test_whoever_needs_a_worker_gets_one_and_only_one(own_library: Settings) -> None:
    run = queued(own_library, method="lsh")

    assert ensure_worker(own_library)
    assert not ensure_worker(own_library)
    wait_until(lambda: run.state() == "done" and not is_alive(own_library))

    assert run.state() == "done"
    assert not is_alive(own_library)  # it ended when nothing was left
    assert not ensure_worker(own_library.model_copy(update={"start_worker": False}))


def test_what_is_queued_while_a_worker_ends_is_executed(own_library: Settings) -> None:
    """The last look at the queue comes after the worker has ceased to be seen."""
    late: list[Run] = []
    original = worker_module._next

    def look(registry: RunRegistry) -> Run | None:
        found = original(registry)
        if found is None and not late:
            late.append(queued(own_library, method="lsh"))  # between the look and the goodbye
        return found

    worker_module._next = look
    try:
        assert work(own_library, exit_when_idle=True) == 1
    finally:
        worker_module._next = original
    assert late[0].state() == "done"


def test_an_idle_worker_does_not_read_finished_runs_again(
    own_library: Settings, done_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = files_read(done_run, monkeypatch)

    for _ in range(3):
        assert work(own_library, exit_when_idle=True) == 0

    assert sorted(read) == ["run.json", "spec.json"]


def test_a_worker_is_seen_while_it_lives_and_not_afterwards(settings: Settings) -> None:
    assert heartbeat_age_s(settings) is None
    child = python(CHILD.replace("work(", "print('training', flush=True)\nwork("), settings.home)
    wait_for_line(child, "training")
    wait_until(lambda: is_alive(settings))
    kill(child)
    for path in (settings.home / "workers").glob("[!.]*"):
        long_ago = time.time() - LOST_AFTER_S - 1
        os.utime(path, (long_ago, long_ago))

    assert not is_alive(settings)
    work(settings, exit_when_idle=True)
    assert heartbeat_age_s(settings) is None  # the next one cleared it away


@pytest.mark.slow
def test_a_worker_killed_at_twenty_random_moments_loses_nothing(
    own_library: Settings, rng: np.random.Generator
) -> None:
    """Deep, shallow and fine-tuned runs; the result is that of runs nobody disturbed."""
    specs = [
        {"method": "dpsh", "config": {"epochs": 400, "batch": 8}},
        {"method": "lsh"},
        {"method": "ud2h", "config": {"rounds": 60, "min_images": 0}},
        {"method": "csq", "config": {"epochs": 400, "batch": 8}, "validation": 0.2},
        {"method": "orthohash", "config": {"epochs": 8, "batch": 8}, "finetune": {"stages": 0}},
    ]
    runs = [queued(own_library, **changes) for changes in specs for _ in range(3)]
    kills = 0
    while kills < 20:
        child = python(WORKER, own_library.home)
        with suppress(subprocess.TimeoutExpired):  # it ends, or is killed at a random moment
            child.wait(rng.uniform(1.5, 6))
        kills += child.poll() is None
        kill(child)
        for run in runs:
            run.status()  # readable at any moment
        if all(run.state() == "done" for run in runs):
            runs += [queued(own_library, **changes) for changes in specs]
    work(own_library, exit_when_idle=True)

    assert [run.state() for run in runs] == ["done"] * len(runs)
    for changes in specs:
        same = [run for run in runs if run.spec == spec(**changes)]
        undisturbed = queued(own_library, **changes)
        execute(undisturbed, own_library)
        for run in same:
            codes, expected = (r.load_codes("database")[0].packed for r in (run, undisturbed))
            assert np.array_equal(codes, expected), run.spec.method
            assert run.report().map == undisturbed.report().map
            assert not [p.name for p in run.folder.rglob("*") if "tmp" in p.name]
