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


def test_a_magnifier_leads_from_browse_failures_and_codes_to_the_next_query(open_tab: OpenTab):
    from playwright.sync_api import expect

    for path, group in (("/browse", "Images"), ("/failures", "First results")):
        with open_tab(path) as tab:
            page = tab.page
            tile = page.get_by_role("group", name=group).get_by_role("button").nth(1)
            row = tile.get_attribute("data-id")
            tile.locator(".query").click(force=True)
            expect(page.get_by_role("heading", name="Search", exact=True)).to_be_visible()
            expect(page).to_have_url(re.compile(f"q=ds(:|%3A){row}(&|$)"))
    with open_tab("/codes") as tab:
        images = tab.page.get_by_role("group", name="Images")
        tile = images.get_by_role("button").nth(1)
        row = tile.get_attribute("data-id")
        tile.locator(".query").click(force=True)
        expect(images.locator(f"[data-id='{row}']")).to_have_count(0)  # a query is no result
        expect(tab.page.get_by_role("heading", name="Codes", exact=True)).to_be_visible()
