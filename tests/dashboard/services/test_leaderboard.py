"""The leaderboard's tables: what may stand together, seeds, cosine, and the finding."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import pandas as pd
import pytest

from dashboard.services.run_choices import dataset_choices, run_choices
from pipeline.analysis.comparisons import comparisons
from pipeline.analysis.curves import precision_recall
from pipeline.analysis.leaderboard import model_name, read_leaderboard
from pipeline.analysis.significance_findings import leading_gap
from pipeline.files import write_atomic
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.spec import RunSpec, StoredSpec
from pipeline.settings import Settings
from tests.dashboard.pages import train


def test_a_board_has_a_row_for_each_model_best_first(settings: Settings):
    (comparison,) = comparisons(settings, "shapes")

    board = read_leaderboard(settings, comparison)

    assert board.rows["map"].is_monotonic_decreasing
    assert set(board.rows["method"]) == {"itq", "lsh"}
    assert board.cosine["backbone"].tolist() == ["tiny"]
    assert (board.n_query, board.n_database, board.n_unmeasured) == (12, 48, 0)


def test_an_average_precision_without_its_file_says_which_run(own_home: Path):
    run = next(iter(RunRegistry(Settings(home=own_home)).all()))
    (run.folder / "curves.npz").write_bytes(b"")

    with pytest.raises(RunError, match=rf"{run.id}/curves\.npz is"):
        run.query_aps()


def test_seeds_are_one_row_with_mean_and_standard_deviation(own_home: Path):
    settings = Settings(home=own_home)
    train(settings, "shapes", method="lsh", bits=8, seed=1)
    reports = [run.report() for run in RunRegistry(settings).all() if run.spec.method == "lsh"]

    (comparison,) = comparisons(settings, "shapes")
    rows = read_leaderboard(settings, comparison).rows.set_index("method")

    assert comparison.n_runs == 3
    assert rows.loc["lsh", "seeds"] == 2
    assert rows.loc["lsh", "map"] == pytest.approx(statistics.fmean(r.map for r in reports))
    assert rows.loc["lsh", "half"] == pytest.approx(statistics.stdev(r.map for r in reports))
    assert rows.loc["lsh", "interval"] == "sd, 2 seeds"


def test_other_hyper_parameters_are_another_model(own_home: Path):
    settings = Settings(home=own_home)
    train(settings, "shapes", config={"iterations": 3})

    (comparison,) = comparisons(settings, "shapes")

    assert "ITQ, iterations=3" in set(read_leaderboard(settings, comparison).rows["model"])


def test_another_split_is_another_comparison(own_home: Path):
    settings = Settings(home=own_home)
    train(settings, "shapes", split_seed=1)

    found = comparisons(settings, "shapes")

    assert [one.n_runs for one in found] == [2, 1]
    assert len({one.label for one in found}) == 2


def test_curves_come_with_the_model_and_survive_a_missing_file(own_home: Path):
    settings = Settings(home=own_home)
    (comparison,) = comparisons(settings, "shapes")
    rows = read_leaderboard(settings, comparison).rows
    (RunRegistry(settings).open(rows["run"].iloc[1]).folder / "curves.npz").unlink()

    curves = precision_recall(settings, rows)

    assert curves["model"].unique().tolist() == [rows["model"].iloc[0]]
    assert curves["recall"].between(0, 1).all()


def test_runs_with_equal_codes_are_too_close_to_call(own_home: Path):
    """Another iteration count that changes nothing gives a gap of exactly 0."""
    settings = Settings(home=own_home)
    train(settings, "shapes", config={"iterations": 49})
    (comparison,) = comparisons(settings, "shapes")
    rows = read_leaderboard(settings, comparison).rows
    rows = rows[rows["method"] == "itq"].reset_index(drop=True).assign(map=0.5)
    rows["run"] = rows["run"].iloc[0]

    found = leading_gap(settings, rows)

    assert found is not None
    assert found.is_doubtful
    assert "do not separate" in found.sentence


def test_a_single_row_has_no_finding(settings: Settings):
    (comparison,) = comparisons(settings, "shapes")
    rows = read_leaderboard(settings, comparison).rows

    assert leading_gap(settings, rows.head(1)) is None
    assert leading_gap(settings, pd.DataFrame(columns=rows.columns)) is None


def test_choices_are_best_first_and_tell_seeds_apart(own_home: Path):
    settings = Settings(home=own_home)
    train(settings, "shapes", method="lsh", bits=8, seed=1)

    choices = run_choices(settings, "shapes")

    assert [choice.precision_10 for choice in choices] == sorted(
        (choice.precision_10 for choice in choices), reverse=True
    )
    assert len({choice.label for choice in choices}) == len(choices) == 3
    assert dataset_choices(settings)[0].name == "shapes"


def test_runs_on_more_images_come_before_those_with_a_better_map(own_home: Path):
    settings = Settings(home=own_home)
    train(settings, "shapes", method="lsh", bits=8, seed=1)
    _, second, last = run_choices(settings, "shapes")  # the first is published
    better = RunRegistry(settings).open(second.id).folder
    for name, changes in (("spec.json", {"split_seed": 1}), ("report.json", {"n_database": 10})):
        content = json.loads((better / name).read_text("utf-8")) | changes
        write_atomic((better / name), json.dumps(content))

    choices = run_choices(settings, "shapes")

    assert [choice.id for choice in choices][1:] == [last.id, second.id]
    assert [" · split " in choice.label for choice in choices] == [True, True, True]


def test_a_damaged_run_is_left_out_of_the_choices(own_home: Path):
    settings = Settings(home=own_home)
    run = RunRegistry(settings).all()[0]
    (run.folder / "run.json").write_text("{", "utf-8")

    assert run.id not in [choice.id for choice in run_choices(settings, "shapes")]


def test_a_former_setting_is_named_where_it_was_not_its_default():
    spec = RunSpec(dataset="shapes", method="ud2h", bits=8, backbone="tiny")

    def named(**former: int) -> str:
        text = json.dumps(spec.model_dump(mode="json") | {"config": {**spec.config, **former}})
        return model_name(StoredSpec.model_validate_json(text).spec)

    assert named(neighbour_bits=0) == named() == "UD2H (reconstruction)"
    assert named(neighbour_bits=2) == "UD2H, neighbour_bits=2 (reconstruction)"


def test_a_run_from_before_a_setting_is_named_by_what_that_version_did():
    spec = RunSpec(dataset="shapes", method="ud2h", bits=8, backbone="tiny")
    config = {name: value for name, value in spec.config.items() if name != "lambda_n"}
    text = json.dumps(spec.model_dump(mode="json") | {"config": config})

    name = model_name(StoredSpec.model_validate_json(text).spec)

    assert name == "UD2H, lambda_n=0.0 (reconstruction)"
