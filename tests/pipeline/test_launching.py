"""Processes of their own: in the program's folder, with its settings, heard in a log."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.launching import launch
from pipeline.settings import Settings
from tests.factories import wait_until


def test_a_command_is_executed_from_any_folder_and_heard_in_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library is named by a relative path: the command must find it all the same."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "library").mkdir()
    log = tmp_path / "log.txt"
    log.write_bytes(b"before\n")

    launch(("datasets", "show", "nothing"), Settings(home=Path("library")), log)
    wait_until(lambda: b"unknown data set 'nothing'" in log.read_bytes())

    assert log.read_text("utf-8").startswith("before\nError: unknown data set 'nothing'")


def test_a_log_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        launch(("methods", "list"), Settings(home=tmp_path), tmp_path / "no" / "log.txt")
