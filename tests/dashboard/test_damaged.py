"""Damaged libraries: every page opens, names files that cannot be read, and shows the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.services import status
from pipeline.settings import Settings
from tests.damage import INNER, OUTER, WAYS, damage, whole_library
from tests.dashboard.pages import OpenApp, texts
from tests.factories import copied_library

PAGES = (
    *("overview", "search", "compare", "codes", "browse", "duplicates"),
    *("leaderboard", "curves", "failures", "judge", "advisor"),
    *("import", "train", "runs", "report", "status"),
)


@pytest.fixture(scope="module")
def whole(library: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole_library(library, tmp_path_factory.mktemp("whole")).home


@pytest.fixture(scope="module")
def damaged_home(request: pytest.FixtureRequest, whole: Path, tmp_path_factory) -> Path:
    home = copied_library(whole, tmp_path_factory.mktemp("damaged") / "home")
    patterns, how = request.param
    damage(home, patterns, how)
    return home


def ways(patterns: tuple[str, ...], name: str) -> list[object]:
    return [pytest.param((patterns, how), id=f"{name}-{how}") for how in WAYS]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("damaged_home", ways(INNER, "inner"), indirect=True, scope="module")
def test_every_page_opens_where_a_file_of_every_kind_is_damaged(
    open_app: OpenApp, damaged_home: Path, page: str
) -> None:
    app = open_app(damaged_home, page, ds="shapes")

    assert not app.exception
    assert app.title
    for line in status.damage(Settings(home=damaged_home))[:2]:
        assert line in texts(app)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("damaged_home", ways(OUTER, "outer"), indirect=True, scope="module")
def test_every_page_opens_where_data_sets_and_runs_are_damaged(
    open_app: OpenApp, damaged_home: Path, page: str
) -> None:
    app = open_app(damaged_home, page, ds="others")

    assert not app.exception
    assert app.title


@pytest.mark.slow
@pytest.mark.parametrize("pattern", (*OUTER, *INNER))
@pytest.mark.parametrize("how", WAYS)
def test_every_page_opens_where_one_file_is_damaged(
    open_app: OpenApp, whole: Path, tmp_path: Path, pattern: str, how: str
) -> None:
    home = copied_library(whole, tmp_path / "home")
    if not damage(home, [pattern], how):
        pytest.skip("it has no version")

    for page in PAGES:
        assert not open_app(home, page, ds="shapes").exception, page


@pytest.mark.parametrize("page", ["overview", "search", "report"])
def test_a_data_set_that_is_damaged_is_named_on_every_page(
    open_app: OpenApp, whole: Path, tmp_path: Path, page: str
) -> None:
    home = copied_library(whole, tmp_path / "home")
    damage(home, ["datasets/shapes/dataset.json", "runs/*others*/codes/query.npz"], "missing")

    shown = texts(open_app(home, page))

    assert "datasets/shapes/dataset.json is missing" in shown
    assert "codes/query.npz is missing" in shown
