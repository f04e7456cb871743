"""Lines of the Status page."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.services.status import folder_size, worker_line


@pytest.mark.parametrize(
    ("age_s", "n_queued", "level"),
    [(1.0, 0, "good"), (None, 0, "idle"), (100.0, 0, "idle"), (None, 2, "warning")],
)
def test_a_worker_is_missed_only_when_something_is_queued(age_s, n_queued, level):
    line = worker_line(age_s, n_queued)

    assert line.level == level
    assert bool(line.waits_for_worker) == (level == "warning")


def test_the_size_of_a_missing_folder_is_nothing(tmp_path: Path):
    assert folder_size(tmp_path / "none") == 0
