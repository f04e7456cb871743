"""The advisor: limits, ranking, scaling, and what it must not claim."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from pipeline.analysis.advisor import Measured, Scenario, advise, training_exponents

EASY = Scenario(True, False, 1000, 1_000_000, 100, 1000, 1000)
PLAIN = Measured("itq", "ITQ", 32, 4, 0.5, 0.01, 1.0, 1000, "unsupervised", ("none",), "r1")
PQ = replace(PLAIN, method="pq-4", title="PCA + PQ", bits=None, run="", search_s=1e-6)
SUPERVISED = replace(
    PLAIN, method="csq", map=0.8, supervision="supervised", label_kinds=("single",)
)


def search_s(bits: int, n: int) -> float:
    return bits * n * 1e-10


def test_the_best_that_fits_comes_first_and_says_what_it_costs():
    """A million 32-bit codes with 16-byte ids: 20 MB; 3.2 ms per search."""
    first, second = advise(EASY, [PLAIN, SUPERVISED], search_s, {})

    assert first.measured is SUPERVISED
    assert second.fits
    assert first.memory_mb == pytest.approx(20)
    assert first.search_ms == pytest.approx(3.2)


def test_without_labels_supervised_methods_are_out():
    first, second = advise(replace(EASY, has_labels=False), [PLAIN, SUPERVISED], search_s, {})

    assert first.measured is PLAIN
    assert second.obstacles == ("needs labels",)


def test_several_labels_need_a_method_that_takes_them():
    scenario = replace(EASY, is_multi_label=True)
    multi = replace(SUPERVISED, label_kinds=("single", "multi"))

    assert not advise(scenario, [SUPERVISED], search_s, {})[0].fits
    assert advise(scenario, [multi], search_s, {})[0].fits


@pytest.mark.parametrize(
    ("limit", "word"), [("memory_mb", "MB"), ("latency_ms", "ms"), ("training_s", "training")]
)
def test_each_limit_is_kept(limit: str, word: str):
    (one,) = advise(replace(EASY, **{limit: 0.001}), [PLAIN], search_s, {})

    assert not one.fits
    assert word in one.obstacles[0]


def test_of_equally_good_ones_the_shorter_code_goes_first():
    longer = replace(PLAIN, bits=64, bytes=8, map=0.505)

    first, _ = advise(EASY, [longer, PLAIN], search_s, {})

    assert first.measured is PLAIN
    assert advise(EASY, [replace(longer, map=0.6), PLAIN], search_s, {})[0].measured.bits == 64


def test_training_grows_as_the_runs_show_or_in_proportion():
    points = [("itq", n, n**2 / 1e4) for n in (100, 300, 1000)]
    points += [("lsh", 100, 1.0), ("lsh", 1000, 1.0)]  # two sizes may say anything
    exponents = training_exponents(points)
    scenario = replace(EASY, n_now=10_000)

    assert exponents == {"itq": pytest.approx(2)}
    assert advise(scenario, [PLAIN], search_s, exponents)[0].training_s == pytest.approx(100)
    proportional = advise(scenario, [PLAIN], search_s, {})[0]
    assert proportional.training_s == pytest.approx(10)
    assert "no run shows" in proportional.reasons[1]


def test_a_faster_machine_is_what_the_user_says_it_is():
    (one,) = advise(replace(EASY, speed=4), [PLAIN], search_s, {})

    assert one.training_s == pytest.approx(0.25)
    assert "divided by 4, as you set; not measured here" in one.reasons[-1]
    with pytest.raises(ValueError, match="speed must be above 0, got 0"):
        advise(replace(EASY, speed=0), [PLAIN], search_s, {})


def test_a_scenario_without_images_is_refused():
    with pytest.raises(ValueError, match="at least one image"):
        advise(replace(EASY, n_now=0), [PLAIN], search_s, {})


def test_an_alternative_costs_its_own_bytes_and_search() -> None:
    scenario = replace(EASY, n_later=1000)

    (advice,) = advise(scenario, [PQ], lambda *_: pytest.fail("of hash codes"), {})

    assert advice.search_ms == pytest.approx(1)
    assert advice.memory_mb == pytest.approx(1000 * (4 + 16) / 1e6)
    assert (PQ.size, PLAIN.size) == ("4 bytes", "32 bits")


def test_the_nearest_miss_comes_first_where_nothing_fits() -> None:
    scenario = replace(EASY, memory_mb=1e-6, has_labels=False)
    larger = replace(PLAIN, bits=512, bytes=64, map=0.9)

    advices = advise(scenario, [SUPERVISED, larger, PLAIN], search_s, {})

    assert [advice.measured for advice in advices] == [PLAIN, larger, SUPERVISED]
    assert 1 < advices[0].excess < advices[1].excess
    assert math.isinf(advices[2].excess)
