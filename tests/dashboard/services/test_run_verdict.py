"""A verdict on two runs: counts, interval, and the queries that say most."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dashboard.services.run_verdict import run_verdict


def differences(a: list[float], b: list[float]) -> pd.DataFrame:
    table = pd.DataFrame({"row": np.arange(100, 100 + len(a)), "a": a, "b": b})
    return table.assign(delta=table["b"] - table["a"])


def test_queries_are_counted_and_the_telling_ones_named() -> None:
    verdict = run_verdict(differences([50, 50, 50, 90, 20], [60, 50.01, 55, 10, 95]))

    assert verdict is not None
    assert (verdict.n_a, verdict.n_b, verdict.n_equal) == (1, 3, 1)
    assert verdict.looks == {"Best for A": 103, "Typical": 102, "Best for B": 104}
    assert verdict.difference == pytest.approx(2.002)
    assert "A is better on 1 query, B on 3, equal on 1." in verdict.sentence


@pytest.mark.parametrize(
    ("shift", "title"), [(5.0, "B is better"), (-5.0, "A is better"), (0.0, "Not separable")]
)
def test_only_a_gap_beyond_its_interval_is_a_verdict(
    rng: np.random.Generator, shift: float, title: str
) -> None:
    ap = 100 * rng.random(80)
    noise = rng.normal(0, 4, 80)

    verdict = run_verdict(differences(ap.tolist(), (ap + noise - noise.mean() + shift).tolist()))

    assert verdict is not None
    assert verdict.title == title
    assert verdict.low <= shift <= verdict.high
    named = {
        "A is better": "X is better than Y. mAP -",
        "B is better": "Y is better than X. mAP +",
        "Not separable": "Y and X are not separable. mAP ",
    }
    assert verdict.named("X", "Y").startswith(named[title])


def test_without_common_queries_there_is_no_verdict() -> None:
    assert run_verdict(differences([], [])) is None
