"""The report in every state, in process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dashboard.share import report_preview
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp


def test_what_is_added_is_in_the_report_with_conditions(open_app: OpenApp, own_home: Path):
    app = open_app(own_home, "leaderboard")
    app.get_by_key("leaderboard_report").click().run()
    app = open_app(own_home, "report")

    assert not app.exception
    assert "1 entry" in [one.value for one in app.subheader]
    assert "Conditions" in [one.value for one in app.subheader]
    stored = json.loads((own_home / "reports" / "shapes.json").read_text("utf-8"))
    assert "ds=shapes" in stored["items"][0]["link"]
    assert stored["items"][0]["link"].endswith("&v=1")
    app.get_by_key(f"remove_{stored['items'][0]['id']}").click().run()
    assert app.subheader[0].value == "Nothing is in the report yet"


def test_a_report_that_cannot_be_read_is_kept_and_said(open_app: OpenApp, own_home: Path):
    path = own_home / "reports" / "shapes.json"
    path.parent.mkdir()
    path.write_text("{", "utf-8")

    app = open_app(own_home, "report")
    assert not app.exception
    assert "Invalid JSON" in app.error[0].value

    open_app(own_home, "leaderboard").get_by_key("leaderboard_report").click().run()
    app = open_app(own_home, "report")
    assert not app.error
    assert "could not be read in full. It is kept as" in app.warning[0].value
    [kept] = path.parent.glob("*.kept-*.json")
    assert kept.read_text("utf-8") == "{"


@pytest.mark.parametrize(
    ("kind", "title", "n_items"),
    [
        ("demo", "Methods", 3),
        ("model", "Against the baselines, ITQ", 5),
        ("data", "Shapes: facts", 2),
    ],
)
def test_a_template_fills_the_report_and_the_preview_shows_it(
    open_app: OpenApp,
    own_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    title: str,
    n_items: int,
):
    shown: list[str] = []
    monkeypatch.setattr(report_preview, "show_preview", lambda page, _: shown.append(page))
    app = open_app(own_home, "report")
    app.get_by_key(f"begin_{kind}").click().run()

    assert not app.exception
    stored = json.loads((own_home / "reports" / "shapes.json").read_text("utf-8"))["items"]
    assert len(stored) == n_items
    assert stored[0]["title"].lower().startswith(title.lower())
    app.get_by_key("preview").set_value(True).run()
    assert not app.exception
    assert stored[-1]["title"] in shown[0]


def test_a_template_without_a_measured_run_says_what_is_missing(open_app: OpenApp, own_home: Path):
    for run in RunRegistry(Settings(home=own_home)).all():
        (run.folder / "report.json").unlink()
    app = open_app(own_home, "report")

    app.get_by_key("begin_demo").click().run()

    assert "train one first" in app.toast[0].value
    assert not (own_home / "reports" / "shapes.json").exists()
