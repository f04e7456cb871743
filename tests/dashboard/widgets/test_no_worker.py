"""Where nothing runs what waits, a button starts a worker, or the page says who has to."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.widgets import no_worker
from pipeline.settings import Settings


def page() -> None:
    from dashboard.widgets.no_worker import show_no_worker

    show_no_worker("Runs are waiting for a worker")


def test_a_press_starts_a_worker(shared_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Settings] = []
    monkeypatch.setattr(no_worker, "ensure_worker", started.append)
    monkeypatch.setenv("HASHLENS_HOME", str(shared_home))
    monkeypatch.setenv("HASHLENS_START_WORKER", "1")
    app = AppTest.from_function(page).run()

    app.button[0].click().run()

    assert not app.exception
    assert app.warning[0].value == "Runs are waiting for a worker; none is running."
    assert [settings.home for settings in started] == [shared_home]


def test_where_it_may_not_the_host_has_to(
    shared_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HASHLENS_HOME", str(shared_home))
    monkeypatch.setenv("HASHLENS_START_WORKER", "0")

    app = AppTest.from_function(page).run()

    assert not app.button
    assert "the host of this server has to start one" in app.warning[0].value
    assert app.code[0].value == "python -m pipeline worker"
