"""`python -m pipeline doctor`: lists, asks, repairs, and ends with a code that scripts can use."""

from __future__ import annotations

import json

from pipeline.settings import Settings
from tests.factories import python_m


def test_the_doctor_lists_and_repairs(own_library: Settings) -> None:
    path = next((own_library.home / "baselines").glob("cosine-*.json"))
    path.write_text("{", "utf-8")

    listed = python_m(own_library.home, "doctor")
    repaired = python_m(own_library.home, "doctor", "--yes")
    after = python_m(own_library.home, "doctor", "--json")

    assert listed.returncode == 1
    assert f"baselines/{path.name}: its bytes are not those that were written" in listed.stdout
    assert "1 problem left; 1 can be repaired: add --repair" in listed.stdout
    assert repaired.returncode == 0
    assert f"Repaired baselines/{path.name}" in repaired.stdout
    assert after.returncode == 0
    assert json.loads(after.stdout)["problems"] == []
