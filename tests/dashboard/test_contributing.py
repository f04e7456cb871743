"""The page of docs/contributing.md opens as it stands there."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import state
from tests.factories import documented_examples


def test_the_documented_page_opens(shared_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHLENS_HOME", str(shared_home))

    app = AppTest.from_string(documented_examples()["page"], default_timeout=30)
    app.session_state[state.DATASET] = "shapes"
    app.run()

    assert not app.exception
    assert app.title[0].value == "Sizes"
    assert app.dataframe[0].value.loc["count", "width"] == 60
    compile(documented_examples()["navigation"], "navigation", "eval")
