"""Commands about stored runs."""

from __future__ import annotations

import re

import pytest

from pipeline.runs.run import Run
from tests.pipeline.cli.commands import RUN, Cli


def test_runs_that_cannot_be_read_are_named_below_the_list(cli: Cli, done_run: Run) -> None:
    (done_run.folder / "spec.json").write_text("{", "utf-8")

    outcome = cli("runs", "list")

    assert outcome.code == 0
    assert f"{done_run.id}/spec.json is damaged" in outcome.err


def test_a_run_is_shown_with_what_its_method_chose(cli: Cli, done_run: Run) -> None:
    done_run.update(chosen={"neighbours": 10})

    assert re.search(r"neighbours, chosen\W+10", cli("runs", "show", done_run.id).out)


def test_a_queued_run_can_be_cancelled(cli: Cli) -> None:
    cli("submit", *RUN[1:], "--method", "lsh")

    assert "Asked" in cli("runs", "cancel", "lsh").out
    cli("worker", "--exit-when-idle")
    assert "cancelled" in cli("runs", "list").out


def test_runs_that_would_look_equal_are_told_apart(
    cli: Cli, done_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert "measured" not in cli("runs", "list").out

    cli("submit", *RUN[1:], "--split-seed", "7")

    shown = cli("runs", "list").out
    assert "measured" in shown
    assert "split 0" in shown
    assert "split 7" in shown
