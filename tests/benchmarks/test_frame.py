"""Cases are measured in processes of their own, and ratios come from one run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import frame
from benchmarks.frame import Case, CaseFailed, Row, Subject, measured, run_subject
from benchmarks.subjects import evaluation
from tests.benchmarks.made_up import run_of


def subject(*cases: Case) -> Subject:
    texts = dict.fromkeys(("title", "protocol", "peer", "bound", "unit"), "")
    return Subject(name="made-up", prepare=lambda size, folder: None, cases=cases, **texts)


def test_the_quickest_repetition_counts_and_memory_is_that_of_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(frame, "REPEAT_S", 0.5)
    n_done = []
    kept = np.ones(40 << 17)  # 40 MiB that are there before

    def ready(size, folder):
        def work():
            n_done.append(len(n_done))
            np.ones((size << 17) * (1 + (len(n_done) == 1)))  # twice as many MiB the first time
            return {"count": float(n_done[-1])}

        return work

    row = measured(subject(Case("work", "ours", ready, "group")), 0, 16, tmp_path)

    assert len(n_done) > 1
    assert row.figures["count"] > 0
    assert 0 < row.cpu_s < 0.5
    assert row.wall_s > 0
    assert 30 < row.peak_mib < 40
    assert (row.group, row.what, row.role) == ("group", "work", "ours")
    assert kept.nbytes == 40 << 20


def test_what_cannot_be_repeated_is_done_once(tmp_path):
    n_done = []
    case = Case("work", "ours", lambda size, folder: lambda: n_done.append(1), once=True)

    measured(subject(case), 0, 1, tmp_path)

    assert len(n_done) == 1


def test_ratios_are_taken_within_a_group_by_the_clock_of_the_run():
    ours, other = (
        Row(group=group, what="ours", role="ours", wall_s=9, cpu_s=3) for group in ("one", "other")
    )
    peer = Row(group="one", what="peer", role="peer", wall_s=1, cpu_s=6)
    second = Row(group="one", what="another peer", role="peer", wall_s=1, cpu_s=100)
    bound = Row(group="one", what="bound", role="bound", failed="out of memory")
    run = run_of(ours, other, peer, second, bound)

    assert run.ratio(ours, "peer") == 0.5
    assert run.model_copy(update={"clock": "wall_s"}).ratio(ours, "peer") == 9
    assert run.ratio(other, "peer") is None
    assert run.ratio(ours, "bound") is None
    assert run.ratio(bound, "peer") is None


def test_a_case_that_fails_is_a_row_that_says_so(tmp_path, monkeypatch):
    child = frame._child

    def damaging(chosen, size, folder, threads, step):
        said = child(chosen, size, folder, threads, step)
        if step == "prepare":
            (folder / "10 classes.npz").write_bytes(b"no longer codes")
        return said

    monkeypatch.setattr(frame, "_child", damaging)
    first = replace(evaluation.SUBJECT, cases=evaluation.SUBJECT.cases[:1])

    run = run_subject(first, 100, tmp_path, threads=1, note="a test")

    [row] = run.rows
    assert "pickle" in row.failed or "BadZipFile" in row.failed
    assert row.cpu_s == 0
    assert run.size == 100
    assert run.note == "a test"


def test_data_that_cannot_be_made_end_the_run(tmp_path):
    with pytest.raises(CaseFailed, match="negative dimensions"):
        run_subject(evaluation.SUBJECT, -1, tmp_path, threads=1, note="")
