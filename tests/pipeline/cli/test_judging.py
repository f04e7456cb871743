"""Commands about judging rounds, from the start of a round to its result."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.analysis.judging import judge
from pipeline.analysis.judging_rounds import list_rounds
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.pipeline.cli.commands import RUN, Cli


def test_a_round_is_started_listed_and_measured(
    cli: Cli, own_library: Settings, tmp_path: Path
) -> None:
    assert cli(*RUN, "--method", "lsh").code == 0
    ids = [run.id for run in RunRegistry(own_library).all()]

    started = cli("judge", "new", "shapes", *ids, "--queries", 2, "--seed", 1, "--name", "Trial")
    [judged] = list_rounds("shapes", own_library)
    for pair in judged.pairs:
        judge(judged, "Ann", pair, "relevant", own_library)

    assert f"/judge?ds=shapes&round={judged.id}" in started.out
    assert f"Ann {len(judged.pairs)}" in cli("judge", "list", "shapes").out
    [listed] = json.loads(cli("judge", "list", "shapes", "--json").out)
    assert (listed["name"], listed["judges"]) == ("Trial", {"Ann": len(judged.pairs)})
    result = cli("judge", "result", judged.id)
    assert "Counted: 2 of 2 queries" in result.out
    assert "100.0" in result.out
    facts = json.loads(cli("judge", "result", judged.id, "--json").out)
    assert [run["P@10 %"] for run in facts["runs"]] == [100, 100]
    assert facts["duels"][0]["Ties"] == 2

    assert cli("runs", "delete", ids[0], "--yes").code == 0
    assert "1 of the 2 runs was deleted" in cli("judge", "result", judged.id).err

    assert cli("judge", "delete", judged.id, "--yes").out == f"Deleted {judged.id}.\n"
    assert list_rounds("shapes", own_library) == []
    assert (
        f"{len(judged.pairs)} verdicts" in cli("verdicts", "export", "shapes", tmp_path / "x").out
    )


def test_what_goes_wrong_is_one_sentence(cli: Cli, own_library: Settings) -> None:
    [run] = RunRegistry(own_library).all()

    assert "2 to 5 different runs, got 1" in cli("judge", "new", "shapes", run.id).err
    assert "unknown round 'x'" in cli("judge", "result", "x").err
    assert cli("judge", "list", "shappes").code == 2

    damaged = own_library.home / "judging" / "shapes" / "0badf00d.json"
    damaged.parent.mkdir(parents=True)
    damaged.write_text("{")
    assert "0badf00d.json" in cli("judge", "list", "shapes").err
