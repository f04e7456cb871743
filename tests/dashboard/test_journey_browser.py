"""A new user's journey through all sections, in a browser alone."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.dashboard.browsing import NEEDS_BROWSER, OpenTab, import_checked, upload_and_check
from tests.dashboard.pages import draw_images
from tests.layout_writers import zipped

pytestmark = NEEDS_BROWSER


@pytest.fixture(scope="module")
def served_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty library."""
    return tmp_path_factory.mktemp("new") / "library"


def downloaded(page: Any, name: str) -> Any:
    """What a button gives; Streamlit loses a click during the last refresh of the one before."""
    from playwright.sync_api import TimeoutError as PlaywrightTimeout

    with suppress(PlaywrightTimeout):
        with page.expect_download(timeout=15_000) as first:
            page.get_by_role("button", name=name).click()
        return first.value
    with page.expect_download(timeout=60_000) as second:
        page.get_by_role("button", name=name).click()
    return second.value


def test_from_a_zip_to_a_report_without_a_terminal(open_tab: OpenTab, tmp_path: Path):
    """Import, three recommended runs, search, comparison and report, each led to by the last."""
    from playwright.sync_api import expect

    draw_images(tmp_path / "drawings")
    archive = zipped(tmp_path / "drawings", tmp_path / "drawings.zip")
    with open_tab("/") as tab:
        page = tab.page
        expect(page.get_by_text("The library is empty")).to_be_visible()
        page.get_by_role("link", name="Import your own").click()
        upload_and_check(page, archive)
        import_checked(page, "drawings", 60)
        page.get_by_role("button", name="Train three recommended").click()
        page.get_by_role("button", name="Search with the best").click(timeout=60_000)

        expect(page.get_by_role("heading", name="Search", exact=True)).to_be_visible()
        sidebar = page.get_by_test_id("stSidebar")
        expect(sidebar.get_by_role("combobox", name="Data set")).to_have_value("drawings")
        expect(sidebar.get_by_text("Index ready · 60 codes")).to_be_visible()
        first = page.get_by_role("button", name=re.compile("^rank 1,"))
        assert first.locator("img").evaluate("image => image.decode().then(() => true)")
        page.get_by_role("button", name="Add to report").click()
        expect(page.get_by_text("Added to the report as entry 1.")).to_be_visible()

        tab.reach("Compare")
        verdict = re.compile(r"^(A is better|B is better|Not separable)\.")
        expect(page.get_by_text(verdict)).to_be_visible()
        expect(page.get_by_role("button", name=re.compile("^rank 1,"))).to_have_count(2)
        page.get_by_role("button", name="Add to report").click()
        expect(page.get_by_text("Added to the report as entry 2.")).to_be_visible()

        tab.reach("Report")
        expect(page.get_by_role("heading", name="2 entries")).to_be_visible()
        title = page.get_by_role("textbox", name="Title")
        title.fill("Codes of my drawings")
        title.press("Enter")
        tab.settle()
        downloaded(page, "HTML").save_as(tmp_path / "report.html")
    with open_tab("/import") as tab:
        tab.page.goto("about:blank")  # else what the page still loads breaks the report's rules
        tab.page.set_content((tmp_path / "report.html").read_text("utf-8"))
        heading = tab.page.get_by_role("heading", name="Codes of my drawings")
        expect(heading).to_be_visible()
        expect(tab.page.get_by_role("img")).to_have_count((1 + 10) + (1 + 2 * 10))
