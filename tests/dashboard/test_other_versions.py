"""Libraries of other versions: pages show the runs that they can read and name the others."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pipeline.files import write_atomic
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, texts

PAGES = (
    "search",
    "browse",
    "leaderboard",
    "curves",
    "failures",
    "codes",
    "compare",
    "advisor",
    "judge",
)


def changed(home: Path, **changes: object) -> Run:
    """The published run of the library, with other words in its spec.json."""
    run = next(run for run in RunRegistry(Settings(home=home)).all() if run.spec.method == "itq")
    path = run.folder / "spec.json"
    write_atomic(path, json.dumps(json.loads(path.read_text("utf-8")) | changes))
    return run


@pytest.mark.parametrize("page", PAGES)
def test_pages_open_where_the_method_of_a_run_is_gone(
    open_app: OpenApp, own_home: Path, page: str
) -> None:
    run = changed(own_home, method="gone", config={"iterations": 50})

    app = open_app(own_home, page, run=run.id)

    assert not app.exception
    assert "gone" in texts(app) or page in ("browse", "advisor", "judge")


@pytest.mark.parametrize("page", [*PAGES, "overview", "runs", "report", "status"])
def test_pages_open_where_a_report_lacks_measures_that_came_later(
    open_app: OpenApp, own_home: Path, page: str
) -> None:
    for run in RunRegistry(Settings(home=own_home)).all():
        path = run.folder / "report.json"
        stored = json.loads(path.read_text("utf-8"))
        values = stored["values"]
        for name in ("map_worst", "map_best", "ndcg_at_100", "wap", "precision_at_100"):
            del values[name]
        values["median_rank"] = 3.5
        del stored["codes"]
        write_atomic(path, json.dumps(stored))

    app = open_app(own_home, page)

    assert not app.exception
    assert not re.search(r"\bnan\b", texts(app), re.IGNORECASE)


def test_the_leaderboard_names_settings_that_are_gone(open_app: OpenApp, own_home: Path) -> None:
    changed(own_home, config={"iterations": 50, "whiten": True})

    app = open_app(own_home, "leaderboard")

    assert "ITQ, whiten=True" in app.dataframe[0].value["Model"].tolist()


def test_runs_and_status_name_what_cannot_be_read(open_app: OpenApp, own_home: Path) -> None:
    run = changed(own_home, bits="many")

    app = open_app(own_home, "runs")
    assert not app.exception
    assert "1 run cannot be read in full" in [one.label for one in app.expander]
    assert "spec.json is damaged (bits: Input should be a valid integer" in texts(app)

    app = open_app(own_home, "status")
    assert not app.exception
    assert f"1 run, and 1 that cannot be read in full: {run.id}" in texts(app)
