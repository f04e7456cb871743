"""Browse in a browser: a click on a bar, a click on a tile."""

from __future__ import annotations

import re

from tests.dashboard.browsing import NEEDS_BROWSER, OpenTab

pytestmark = NEEDS_BROWSER


def test_a_bar_filters_the_gallery_and_a_tile_opens_the_drawer(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab("/browse?ds=shapes") as tab:
        page = tab.page
        bars = page.locator("path[aria-roledescription=bar]")
        expect(bars).to_have_count(3)
        bars.first.click(force=True)
        expect(page.get_by_text("20 images")).to_be_visible()
        assert "class=" in page.url

        page.get_by_role("group", name="Images").get_by_role("button").first.click()
        drawer = tab.drawer()
        expect(drawer.get_by_text("SHA-256")).to_be_visible()
        drawer.get_by_role("button", name="Search with this").click()
        expect(page.get_by_role("heading", name="Search", exact=True)).to_be_visible()
        expect(page).to_have_url(re.compile(r"q=ds"))
