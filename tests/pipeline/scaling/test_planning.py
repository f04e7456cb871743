"""The planner: figures that follow from costs per image, and advice that follows from them."""

from __future__ import annotations

import pytest

from pipeline.scaling.planning import FIGURES, Machines, Stage, in_words, plan_for


def stage(images: int, bits: int, machines: Machines, name: str) -> Stage:
    [found] = [one for one in plan_for(images, bits, machines).stages if name in one.name]
    return found


def test_time_and_price_of_encoding_follow_from_the_cores() -> None:
    """10 M images at 0.03 s + 10 us of a core, on 2 x 8 cores: 18,756 s; 0.4167 per million."""
    encoding = stage(10_000_000, 64, Machines(nodes=2, cores=8), "encoding")

    assert encoding.seconds == pytest.approx(10_000_000 * 0.03001 / 16)
    assert encoding.price == pytest.approx(0.03 * 1e6 / 3600 * 0.05)
    assert encoding.disk == pytest.approx(10_000_000 * (102_560 + 8))


def test_gpus_count_once_their_rate_is_known() -> None:
    without = stage(10**6, 64, Machines(gpus=4), "encoding")
    known = stage(10**6, 64, Machines(gpus=4, gpu_rate=2500), "encoding")

    assert without.seconds == stage(10**6, 64, Machines(), "encoding").seconds
    assert known.seconds == pytest.approx(100 + 10**6 * 1e-5 / 16)
    assert known.price == pytest.approx(100 / 3600 * 4 * 2.0)


def test_memory_and_search_are_shared_out_among_the_nodes() -> None:
    one, four = (stage(10**8, 64, Machines(nodes=n), "Qdrant, exact") for n in (1, 4))

    assert one.memory == pytest.approx(10**8 * 554 * 1.3)
    assert four.memory == pytest.approx(one.memory / 4)
    assert four.seconds == pytest.approx(one.seconds / 4)
    codes = stage(10**8, 128, Machines(nodes=4, cores=2), "scanned")
    assert (codes.disk, codes.memory) == (16 * 10**8, 4 * 10**8)
    assert codes.seconds == pytest.approx(10**8 * 2 * 4e-9 / 8)


def test_building_takes_one_process_of_each_node() -> None:
    """10 M points at 110 us on 4 nodes: 275 s, and 4 cores for that time."""
    building = stage(10**7, 64, Machines(nodes=4), "building")

    assert building.seconds == pytest.approx(275)
    assert building.price == pytest.approx(275 / 3600 * 4 * 0.05 / 10)


@pytest.mark.parametrize(
    ("images", "machines", "advice"),
    [
        (10**6, Machines(), "embedded engine"),
        (10**7, Machines(), "one Qdrant server"),
        (10**8, Machines(nodes=16), "Qdrant cluster of 16 nodes"),
        (10**9, Machines(nodes=8), "Scan the packed codes"),
        (10**9, Machines(), "IndexBinaryIVF"),
    ],
)
def test_advice_fits_the_size(images: int, machines: Machines, advice: str) -> None:
    assert advice in plan_for(images, 64, machines).advice


def test_the_figures_are_told() -> None:
    plan = plan_for(10**9, 64, Machines())

    assert len(plan.assumptions) == len(FIGURES) == 10
    assert all(":" in line for line in plan.assumptions)
    assert [len(row) for row in plan.rows()] == [5] * 4


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0042, "4.2 ms"),
        (0.25, "250 ms"),
        (12, "12 s"),
        (119, "119 s"),
        (5400, "1.5 h"),
        (400_000, "4.6 days"),
        (1e8, "3.2 years"),
    ],
)
def test_times_are_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
