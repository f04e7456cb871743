"""The demo, from nothing to a page with results: what a new user sees first."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from tests.dashboard.browsing import NEEDS_BROWSER, OpenTab
from tests.factories import python_m

pytestmark = NEEDS_BROWSER
METHODS = ("ITQ", "UD2H (reconstruction)", "DFADH (reconstruction)")


@pytest.fixture(scope="module")
def served_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that the demo has made; the first run rasterises about 1,900 drawings."""
    home = tmp_path_factory.mktemp("demo") / "library"
    began = time.perf_counter()
    first = python_m(home, "demo", "--no-open-app", "--backbone", "tiny")
    between = time.perf_counter()
    second = python_m(home, "demo", "--no-open-app", "--backbone", "tiny")
    first_s, second_s = between - began, time.perf_counter() - between

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    rows = [f"{name} · {bits} bits" for name in METHODS for bits in (16, 32, 64)]
    for name in ("cosine of the features", *rows):
        assert name in first.stdout
        assert name in second.stdout
    assert first.stderr == ""
    assert second.stdout.count("done before") == 15  # the second finds everything done
    assert second_s < first_s
    return home


def test_the_demo_goes_from_nothing_to_results_and_a_leaderboard(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab() as tab:
        page = tab.page
        first = page.get_by_role("button", name=re.compile("^rank 1,"))
        expect(first).to_be_visible()
        assert first.locator("img").evaluate("image => image.decode().then(() => true)")
        expect(page.get_by_text("Index ready")).to_be_visible()

        tab.follow("Leaderboard")
        points = page.locator("path[aria-roledescription=point]")
        for name in METHODS[:2]:
            expect(points.and_(page.locator(f"[aria-label*='{name}']")).first).to_be_visible()
        page.get_by_role("combobox", name="Protocol and relevance").click()
        page.get_by_role("option", name="labels: tags").click()
        for name in METHODS:
            expect(points.and_(page.locator(f"[aria-label*='{name}']")).first).to_be_visible()
