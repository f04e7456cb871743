"""Kills at random moments break nothing: 10 here, 100 with -m slow."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pytest

from pipeline.scaling.encoding import Job, OneProcess, encode_source, read_codes
from pipeline.scaling.sources import list_shards
from pipeline.settings import Settings
from tests.crashes import Jobs, alive_of, check_invariants, crash, finish, kill_by_ray, kill_within
from tests.factories import wait_until, write_images

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


@pytest.mark.slow
def test_an_encoding_by_ray_survives_kills_and_leaves_no_process(
    jobs: Jobs, tmp_path: Path
) -> None:
    """Start-up takes Ray some 7 s; its agents notice after a minute that they are alone."""
    pytest.importorskip("ray", reason="requirements-scale.txt is not installed")
    rng, target = random.Random(26), tmp_path / "by ray"

    sessions = [kill_by_ray(jobs, target, rng.uniform(0, 20)) for _ in range(3)]
    check_invariants(jobs)
    wait_until(lambda: not any(alive_of(session) for session in sessions), timeout_s=180)

    shards = list_shards(str(jobs.images), 8)
    encode_source(Job(jobs.run().id, tuple(shards), target), jobs.settings, OneProcess())
    jobs.encode_source()
    ids, codes = read_codes(target)
    expected_ids, expected = read_codes(jobs.backups.with_name("codes"))
    assert ids == expected_ids
    assert np.array_equal(codes.packed, expected.packed)
