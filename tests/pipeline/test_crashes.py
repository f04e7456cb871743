"""Kills at random moments break nothing: 10 here, 100 with -m slow."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.settings import Settings
from tests.crashes import Jobs, crash, finish, kill_within
from tests.factories import write_images

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture
def jobs(own_library: Settings, tmp_path: Path) -> Jobs:
    return Jobs(own_library, write_images(tmp_path / "more", 6, seed=5), tmp_path / "backups")


def test_ten_kills_lose_nothing(jobs: Jobs) -> None:
    met = crash(jobs, 10, seed=26)

    assert sum(met.values()) == 10
    finish(jobs)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_hundred_kills_lose_nothing(jobs: Jobs, seed: int) -> None:
    met = crash(jobs, 25, seed)

    assert sum(met.values()) == 25
    finish(jobs)


def test_the_harness_notices_a_job_that_fails(jobs: Jobs) -> None:
    def fails() -> None:
        raise ValueError("damaged")

    with pytest.raises(AssertionError, match="ValueError: damaged"):
        kill_within(fails, 30)
