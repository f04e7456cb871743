"""Every page in every look, in the system's Chromium."""

from __future__ import annotations

from tests.dashboard.browsing import IN_EVERY_LOOK, NEEDS_BROWSER, OpenTab

pytestmark = NEEDS_BROWSER


@IN_EVERY_LOOK
def test_every_page_fits_wide_and_narrow_in_light_and_dark(
    open_tab: OpenTab, look: tuple[str, str]
):
    from playwright.sync_api import expect

    paper = {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 23, 30)"}[look[1]]
    pages = (
        ("/", "Overview"),
        ("/search", "Search"),
        ("/compare", "Compare"),
        ("/browse", "Browse"),
        ("/duplicates", "Near-duplicates"),
        ("/leaderboard", "Leaderboard"),
        ("/curves", "Curves"),
        ("/failures", "Failures"),
        ("/judge", "Judge"),
        ("/codes", "Codes"),
        ("/advisor", "Advisor"),
        ("/report", "Report"),
        ("/import", "Import"),
        ("/train", "Train"),
        ("/runs", "Runs"),
        ("/status", "Status"),
    )
    for path, heading in pages:
        with open_tab(path) as tab:
            expect(tab.page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
            main = tab.page.get_by_test_id("stMain")
            assert main.evaluate("node => node.scrollWidth <= node.clientWidth + 1")
            background = "node => getComputedStyle(node).backgroundColor"
            assert tab.page.get_by_test_id("stApp").evaluate(background) == paper
