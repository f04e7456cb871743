"""Handing on what a run made."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.runs.run import Run
from tests.pipeline.cli.commands import Cli


def test_a_search_is_written_as_one_file_after_its_size_was_told(
    cli: Cli, done_run: Run, tmp_path: Path
) -> None:
    target = tmp_path / "out.html"

    told = cli("share", done_run.id, target, "--dry-run")
    assert (told.code, target.exists()) == (0, False)
    written = cli("share", done_run.id, target)

    assert written.code == 0
    assert told.out.strip().startswith("40 images, about ")
    assert written.out.startswith(told.out)
    assert f"{target}: " in written.out
    again = cli("share", done_run.id, target)
    assert again.code == 2
    assert "give --force" in again.err
    assert cli("share", done_run.id, target, "--force", "--pixels", 20).code == 2


def test_a_run_is_exported_as_onnx_and_compared(cli: Cli, done_run: Run, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")

    outcome = cli("export", "onnx", done_run.id, tmp_path / "model.onnx")

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.endswith("40 of 40 codes equal those of the run bit by bit.\n")


def test_codes_are_exported_with_the_images_that_they_are_of(
    cli: Cli, done_run: Run, tmp_path: Path
) -> None:
    outcome = cli("export", "codes", done_run.id, tmp_path / "codes.npy")
    assert f"which images they are: {tmp_path / 'codes.ids.csv'}" in outcome.out
    refused = cli("export", "codes", done_run.id, tmp_path / "codes.snapshot")
    assert (refused.code, "has no index; publish it first" in refused.err) == (2, True)


def test_a_run_is_pushed_and_pulled(cli: Cli, done_run: Run, tmp_path: Path) -> None:
    assert cli("push", done_run.id, tmp_path / "bundle").out == f"Pushed to {tmp_path / 'bundle'}\n"
    assert "is here already" in cli("pull", tmp_path / "bundle").err
    cli("runs", "delete", done_run.id, "--yes")

    pulled = cli("pull", tmp_path / "bundle")

    assert (pulled.code, pulled.out, pulled.err) == (0, f"Pulled {done_run.id}\n", "")
    assert "none of tensorboard:FOLDER" in cli("track", done_run.id, "elsewhere").err
