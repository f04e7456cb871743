"""The command line: every command works, and every expected error is one readable sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from pipeline.annotations.verdicts import Verdicts
from pipeline.cli import app
from pipeline.cli.console import console, current_settings
from pipeline.datasets.dataset import load_dataset
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.settings import Settings
from tests.factories import png, python_m, write_images
from tests.pipeline.cli.commands import RUN, Cli

ERRORS = {
    "unknown data set": (
        ("run", "--dataset", "shape", "--backbone", "tiny"),
        "unknown data set 'shape'. Did you mean 'shapes'? Import it with: "
        "python -m pipeline datasets import shape",
    ),
    "unknown method": (
        (*RUN, "--method", "itqq"),
        "unknown hash method 'itqq'. Did you mean 'itq'?",
    ),
    "unknown key": (
        (*RUN, "--method", "ud2h", "--set", "neigbours=3"),
        "unknown hyper-parameter of ud2h 'neigbours'. Did you mean 'neighbours'?",
    ),
    "key without value": (
        (*RUN, "--set", "rounds"),
        "--set takes key=value, got 'rounds'",
    ),
    "value out of bounds": (
        (*RUN, "--set", "beta=7"),
        "beta: Input should be less than or equal to 1",
    ),
    "bad bits": (
        ("run", "--dataset", "shapes", "--backbone", "tiny", "--bits", 1000),
        "bits: Input should be less than or equal to 256",
    ),
    "more bits than features": (
        (*RUN[:-1], 200, "--method", "itq"),
        "200 bits need 200 principal axes",
    ),
    "unknown backbone": (
        ("run", "--dataset", "shapes", "--backbone", "tinny"),
        "unknown backbone 'tinny'. Did you mean 'tiny'?",
    ),
    "unknown protocol": (
        (*RUN, "--protocol", "cifar10-59"),
        "unknown protocol 'cifar10-59'. Did you mean 'cifar10-59k'?",
    ),
    "unknown labels": (
        (*RUN, "--labels", "tag"),
        "unknown label set of shapes 'tag'",
    ),
    "missing spec": (("run", "--spec", "gone.json"), "gone.json cannot be read: No such file"),
    "missing image": (("search", "gone.png"), "gone.png cannot be read: No such file"),
    "nothing published": (("search", "{image}"), "no run is published; publish one with"),
    "unknown run": (("index", "publish", "dpsh"), "unknown run 'dpsh'"),
    "run to evaluate": (("evaluate", "nope"), "unknown run 'nope'"),
    "bits of a benchmark": (("bench", "--dataset", "shapes", "--bits", "16;32"), "16,32,64"),
    "folder of the table": (
        ("bench", "--dataset", "shapes", "--markdown", "no/such/table.md"),
        "there is no folder no/such",
    ),
    "run to cancel": (("runs", "cancel", "itq"), "only queued or running runs can stop"),
    "unknown folder": (("datasets", "import", "no/such/folder"), "is not a folder"),
    "unknown layout": (("datasets", "import", "{folder}", "--format", "cocoo"), "unknown layout"),
    "unknown split": (("datasets", "import", "{folder}", "--split", "holdot"), "mean 'holdout'"),
    "share of queries": (
        ("datasets", "import", "{folder}", "--split", "stratified", "--queries", 2),
        "queries: Input should be less than 1",
    ),
    "export to what exists": (("datasets", "export", "shapes", "{image}"), "a new .zip file"),
    "data set to rename": (("datasets", "rename", "shape", "x"), "Did you mean 'shapes'?"),
    "hostile name": (("datasets", "import", "{folder}", "--name", "../x"), "must be 1 to 41"),
    "other content": (("datasets", "import", "{folder}", "--name", "shapes"), "other content"),
    "nothing to roll back": (("index", "rollback", "itq"), "no older version"),
    "unknown method to show": (("methods", "show", "lhs"), "Did you mean 'lsh'?"),
}


@pytest.mark.parametrize(("arguments", "sentence"), ERRORS.values(), ids=ERRORS)
def test_an_expected_error_is_one_sentence_and_exit_code_2(
    cli: Cli, tmp_path: Path, arguments: tuple[object, ...], sentence: str
) -> None:
    (tmp_path / "query.png").write_bytes(png())
    folder = write_images(tmp_path / "folder", per_class=1)
    places = {"{image}": tmp_path / "query.png", "{folder}": folder}

    outcome = cli(*(places.get(str(word), word) for word in arguments))

    assert outcome.code == 2
    assert sentence in outcome.err
    assert outcome.err.startswith("Error: ")
    assert outcome.err.count("\n") == 1
    assert "Traceback" not in outcome.out + outcome.err


def test_a_folder_that_cannot_be_written_is_one_sentence(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder", "utf-8")
    monkeypatch.setenv("HASHLENS_HOME", str(tmp_path / "file"))
    current_settings.cache_clear()

    outcome = cli("datasets", "import", write_images(tmp_path / "folder", per_class=1))

    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "Not a directory" in outcome.err


def test_debug_shows_where_an_error_came_from(cli: Cli) -> None:
    outcome = cli("--debug", "methods", "show", "lhs")

    assert outcome.code == 2
    assert "Traceback" in outcome.out
    assert "get_method" in outcome.out
    assert "Did you mean 'lsh'?" in outcome.err


def commands(group: Any, *path: str) -> Iterator[Any]:
    """Every command below a group, with its words as id."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *path, name)
        else:
            yield pytest.param(command, id=" ".join((*path, name)))


@pytest.mark.parametrize("command", list(commands(typer.main.get_command(app))))
def test_every_command_and_option_explains_itself(command: Any) -> None:
    assert command.help.rstrip().endswith(".")
    options = [param for param in command.params if param.param_type_name == "option"]
    assert [option.name for option in options if not getattr(option, "help", "")] == []


def test_without_a_command_the_help_is_shown() -> None:
    assert "Commands" in CliRunner().invoke(app, []).output


def test_a_run_reports_its_protocol_and_is_not_repeated_unless_asked(
    cli: Cli, own_library: Settings
) -> None:
    first = cli(*RUN, "--method", "lsh")
    second = cli(*RUN, "--method", "lsh")
    n_runs = len(RunRegistry(own_library).all())
    third = cli(*RUN, "--method", "lsh", "--again")

    assert first.code == second.code == third.code == 0
    assert "Protocol holdout" in first.out
    assert "mAP %" in first.out
    assert "done before" in second.out
    assert "mAP %" in second.out
    assert len(RunRegistry(own_library).all()) == n_runs + 1


def test_a_benchmark_prints_a_line_a_run_and_writes_its_table(
    cli: Cli, own_library: Settings, tmp_path: Path
) -> None:
    asked = ("bench", "--dataset", "shapes", "--backbone", "tiny", "--seeds", "1")
    path, without = tmp_path / "table.md", tmp_path / "without.md"

    first = cli(*asked, "--methods", "lsh,pcah", "--bits", "8,200", "--markdown", path)
    second = cli(
        *asked,
        "--methods",
        "lsh,pcah",
        "--bits",
        "8",
        "--without-label",
        "circle",
        "--markdown",
        without,
    )

    assert (first.code, second.code) == (1, 0)  # a run of the first has failed
    assert "1/4 LSH · 8 bits · seed 0: done, mAP" in first.out
    assert "4/4 PCAH · 200 bits · seed 0: failed, " in first.out
    assert "protocol holdout: A stratified fifth" in first.out
    assert "2/2 PCAH · 8 bits · seed 0: done before, mAP" in second.out
    assert "mAP % without circle" in without.read_text("utf-8")
    [table] = (own_library.home / "benchmarks").glob("*.csv")
    assert table.name == "shapes_class_tiny_holdout_0.csv"
    assert table.read_text("utf-8").startswith("ranking,method,bits,seeds,map,")
    assert "| LSH | 8 | 1 |" in path.read_text("utf-8")


def test_alternatives_are_a_table_with_its_conditions_and_what_is_left_out(cli: Cli) -> None:
    asked = ("alternatives", "--dataset", "shapes", "--backbone", "tiny")

    outcome = cli(*asked, "--relevance", "neighbours@10")
    refused = cli(*asked, "--relevance", "nearest")

    assert (outcome.code, refused.code) == (0, 2)
    assert "relevant: the 10 nearest by the features' cosine" in outcome.out
    assert "Features are centred at the mean of the training images" in outcome.out
    assert "needs 64 principal components; 32 training images" in outcome.out
    assert "int8" in outcome.out
    assert "unknown relevance 'nearest'" in refused.err


def test_growth_is_a_table_with_its_conditions_and_json(cli: Cli) -> None:
    asked = ("growth", "--dataset", "shapes", "--backbone", "tiny", "--alternative", "float32")

    shown = cli(*asked, "--distractors", "subsamples")

    assert shown.code == 0
    assert "is thinned, stratified by label" in " ".join(shown.out.split())
    assert "ITQ, 16 bits" in shown.out
    as_json = json.loads(cli(*asked, "--json").out)
    assert [row["title"] for row in as_json["rows"]] == ["ITQ, 16 bits", "float32, 256 bytes"]
    assert "cannot be distractors of itself" in cli(*asked, "--distractors", "shapes").err


def test_quantizers_are_a_table_with_its_conditions_and_what_is_left_out(cli: Cli) -> None:
    outcome = cli(
        *("quantizers", "--dataset", "shapes", "--backbone", "tiny", "--queries", "2"),
        *("--images", "20"),
    )

    assert outcome.code == 0
    assert "2 queries, 20 database images, drawn from 8 and 32; engine: embedded" in outcome.out
    assert "product, 64 times is left out: its 256 centroids need as many images" in outcome.out
    assert "TurboQuant, 1 bit" in outcome.out


def test_a_sweep_with_a_failed_run_does_the_others_and_exits_with_1(cli: Cli) -> None:
    asked = ("sweep", "--dataset", "shapes", "--backbone", "tiny", "--methods", "pcah")

    failed, done = cli(*asked, "--bits", "200,8"), cli(*asked, "--bits", "8")

    assert (failed.code, done.code) == (1, 0)
    assert "1/2 PCAH · 200 bits · seed 0: failed, 200 bits need" in failed.out
    assert "2/2 PCAH · 8 bits · seed 0: done" in failed.out


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (("datasets", "list"), "imported"),
        (("methods", "list"), "name"),
        (("runs", "list"), "map"),
        (("index", "list"), "collection"),
        (("evaluate", "itq"), "report"),
        (
            ("bench", "--dataset", "shapes", "--backbone", "tiny", "--methods", "lsh"),
            "training_s",
        ),
        (("alternatives", "--dataset", "shapes", "--backbone", "tiny"), "left_out"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_lists_and_measures_are_also_json(cli: Cli, arguments: tuple[str, ...], key: str) -> None:
    cli("index", "publish", "itq")

    outcome = cli(*arguments, "--json")

    assert outcome.code == 0
    found = json.loads(outcome.out)  # nothing else is printed there
    assert key in (found[0] if isinstance(found, list) else found)


def test_what_the_list_of_indexes_says_is_taken_by_other_commands(cli: Cli, shapes) -> None:
    cli("index", "publish", "itq")
    [listed] = json.loads(cli("index", "list", "--json").out)

    for name in (listed["run"], listed["collection"]):
        assert cli("index", "verify", name).code == 0
        assert "0 new images" in cli("index", "refresh", name).out
        assert cli("search", shapes.image_path(0), "--run", name, "--k", 1).code == 0
        assert cli("runs", "show", name).code == 0
    assert "unknown run 'codes__x'" in cli("index", "verify", "codes__x").err


def test_at_80_columns_ids_are_whole_and_columns_that_are_left_out_are_named(
    cli: Cli, done_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("index", "publish", "itq")
    monkeypatch.setattr(console, "width", 80)

    for words in (("runs", "list"), ("index", "list")):
        out = cli(*words).out
        assert done_run.id in out
        assert max(map(len, out.splitlines())) <= 80
        assert "--json or a wider terminal shows all." in out
    titles = cli("methods", "list").out
    assert re.search(r"│ greedyhash +│", titles)
    assert max(map(len, titles.splitlines())) <= 80


def test_names_from_outside_the_code_page_of_the_console_are_printed_as_escapes(
    own_library: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_images(tmp_path / "日本 [b] :smile:", per_class=1)
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")

    imported = python_m(own_library.home, "datasets", "import", str(folder), "--name", "odd")
    shown = python_m(own_library.home, "datasets", "inspect", "odd", "--problems")

    for done in (imported, shown):
        assert (done.returncode, "Traceback" in done.stderr) == (0, False)
        assert "\\u65e5\\u672c [b] :smile: (odd)" in done.stdout


def test_a_spec_file_repeats_a_run(cli: Cli, own_library: Settings) -> None:
    [run] = RunRegistry(own_library).all()

    outcome = cli("run", "--spec", run.folder / "spec.json")

    assert outcome.code == 0
    assert run.id in outcome.out


def test_a_run_on_a_data_set_imported_anew_is_not_answered_from_the_old_one(
    cli: Cli, own_library: Settings, tmp_path: Path
) -> None:
    assert cli(*RUN, "--method", "lsh").code == 0
    cli("datasets", "delete", "shapes", "--yes", "--keep-runs")
    cli("datasets", "import", write_images(tmp_path / "new", seed=9), "--name", "shapes")

    outcome = cli(*RUN, "--method", "lsh")

    assert "done before" not in outcome.err
    assert len([run for run in RunRegistry(own_library).all() if run.spec.method == "lsh"]) == 2


def test_submit_worker_evaluate_show_and_delete(cli: Cli, own_library: Settings) -> None:
    queued = cli("submit", *RUN[1:], "--method", "lsh", "--set", "x=1")
    assert queued.code == 2

    assert "Queued" in cli("submit", *RUN[1:], "--method", "lsh").out
    assert "queued" in cli("runs", "list").out
    assert cli("worker", "--check").code == 1
    assert "Executed 1 runs." in cli("worker", "--exit-when-idle").out
    assert cli("worker", "--check").code == 1  # it has said goodbye
    assert "mAP %" in cli("evaluate", "lsh").out
    assert '"state": "done"' in cli("runs", "show", "lsh").out
    assert "Deleted" in cli("runs", "delete", "lsh", "--yes").out
    assert "lsh" not in cli("runs", "list").out


def test_publish_search_roll_back_and_drop(cli: Cli, own_library: Settings, shapes) -> None:
    _, rows = RunRegistry(own_library).all()[0].load_codes("query")
    image = shapes.image_path(int(rows[0]))

    published = cli("index", "publish", "itq").out
    assert "40 codes in codes__shapes__itq" in published
    assert "all 40 imported images" in published
    found = cli("search", image, "--k", "3")
    assert found.code == 0
    assert "0/16" in found.out
    assert found.out.count("/16") == 3
    only = cli("search", image, "--label", "dots", "--radius", "16")
    assert {*re.findall(r"circle|cross|dots|stripes", only.out)} == {"dots"}
    assert "__v2" in cli("index", "publish", "itq", "--force").out
    assert "yes" in cli("index", "list").out
    assert "__v1" in cli("index", "rollback", "itq").out
    fewer = cli("index", "publish", "itq", "--images", "database").out
    assert "32 of 40 imported images" in fewer
    assert cli("index", "drop", "itq").out == "Dropped 2 collections.\n"
    assert cli("search", image).code == 2


def test_an_index_may_keep_features_and_says_their_size_before(
    cli: Cli, own_library: Settings, shapes
) -> None:
    published = cli("index", "publish", "itq", "--features", "int8")

    assert "Features as int8: 2.6 kB on the disk" in published.err
    assert "40 codes in codes__shapes__itq" in published.out
    assert "the cosines of 20 rescored searches" in cli("index", "verify", "itq").out
    assert "int8" in cli("index", "list").out
    found = cli("search", shapes.image_path(0), "--k", "3", "--order", "rescored")
    assert (found.code, found.err) == (0, "")


def test_search_answers_from_the_code_file_when_there_is_no_index(
    cli: Cli, own_library: Settings, shapes
) -> None:
    outcome = cli("search", shapes.image_path(0), "--run", "itq", "--k", "2")

    assert outcome.code == 0
    assert "Exact search in the run's code file" in outcome.err
    assert outcome.out.count("/16") == 2


def test_in_a_shell_an_error_is_one_sentence_too(tmp_path: Path) -> None:
    done = python_m(tmp_path / "library", "run", "--dataset", "cats", "--method", "itq")

    assert done.returncode == 2
    assert done.stderr.startswith("Error: unknown data set 'cats'.")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_verdicts_are_exported_as_a_table_that_no_spreadsheet_runs(
    cli: Cli, own_library: Settings, tmp_path: Path
) -> None:
    labels = load_dataset("shapes", own_library).info.label_sets[0].name
    Verdicts.of("shapes", labels, own_library).set_verdict("a" * 64, "", "unsure", "=1+1")

    outcome = cli("verdicts", "export", "shapes", tmp_path / "said.csv")

    assert outcome.out == f"1 verdict in {tmp_path / 'said.csv'}\n"
    assert "unsure,'=1+1," in (tmp_path / "said.csv").read_text("utf-8")
    assert cli("verdicts", "export", "shappes", tmp_path / "x.csv").code == 2
