"""Handing on what a run made."""

from __future__ import annotations

from pathlib import Path

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
