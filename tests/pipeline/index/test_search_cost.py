"""The cost of a search: measured once, a straight line in the number of codes."""

from __future__ import annotations

import pytest

from pipeline.index import search_cost as module
from pipeline.index.search_cost import SearchCost, search_cost


def test_the_cost_is_a_constant_and_a_part_a_code():
    cost = SearchCost(bits=32, constant=0.001, per_code=1e-9)

    assert cost.seconds(0) == 0.001
    assert cost.seconds(2_000_000) == pytest.approx(0.003)


def test_it_is_measured_once_and_again_when_damaged(settings, monkeypatch):
    asked: list[int] = []
    monkeypatch.setattr(module, "_seconds", lambda bits, n: asked.append(n) or n * 1e-9 + 2e-5)

    first = search_cost(16, settings)
    assert search_cost(16, settings) == first
    assert len(asked) == 2
    assert first.per_code == pytest.approx(1e-9)
    assert first.constant == pytest.approx(2e-5)

    (settings.home / "baselines" / "scan-16b.json").write_text("{", "utf-8")
    search_cost(16, settings)
    assert len(asked) == 4


def test_a_noisy_machine_never_gives_a_negative_price(settings, monkeypatch):
    monkeypatch.setattr(module, "_seconds", lambda bits, n: 1 / n)

    cost = search_cost(16, settings)

    assert cost.per_code == 0
    assert cost.constant > 0


def test_a_real_measurement_is_a_few_milliseconds_at_most(settings):
    cost = search_cost(8, settings)

    assert 0 < cost.seconds(100_000) < 0.5
