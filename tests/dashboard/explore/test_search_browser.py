"""Search in a browser: upload, keyboard, modes, filters, pages and indexes, in every look."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pipeline.datasets.dataset import load_dataset
from pipeline.index.publish import publish
from pipeline.index.store.opening import open_store
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.sources import SourceRequest, open_source
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.dashboard.browsing import IN_TWO_LOOKS, NEEDS_BROWSER, OpenTab, copied_link, popover
from tests.dashboard.pages import HOSTILE, png, published_run, train
from tests.factories import copied_library
from tests.layout_writers import class_folders, pictures

pytestmark = [*NEEDS_BROWSER, IN_TWO_LOOKS]
IS_WIDER = """
(tile, small) => new Promise((done) => {
  const began = performance.now()
  const look = () => {
    const isWider = tile.getBoundingClientRect().width > small
    if (isWider || performance.now() - began > 20000) done(isWider)
    else requestAnimationFrame(look)
  }
  look()
})
"""
RANK = re.compile(r"^rank \d+,")


@pytest.fixture(scope="module")
def served_home(shared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a second index of the drawings, and a data set whose results fill two pages."""
    root = tmp_path_factory.mktemp("served")
    settings = Settings(home=copied_library(shared_home, root / "home"), threads=1)
    folder = class_folders(root / "many", pictures(160))
    import_dataset(open_source("folder", SourceRequest(path=folder)), settings)
    train(settings, "many", method="lsh", bits=8)
    store = open_store(None, settings.index_path)
    for run in RunRegistry(settings).all():
        if run.spec.method == "lsh":
            publish(run, load_dataset(run.spec.dataset, settings), store)
    store.close()
    return settings.home


@pytest.mark.smoke
def test_search_by_upload_then_read_a_chart_on_the_leaderboard(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab() as tab:
        page = tab.page
        expect(page.get_by_role("heading", name="Search", exact=True)).to_be_visible()
        expect(page.get_by_role("button", name=re.compile(r"^rank \d+,"))).to_have_count(24)

        page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
            {"name": "mine.png", "mimeType": "image/png", "buffer": png()}
        )

        expect(page.get_by_text("Relevance is unknown")).to_be_visible(timeout=20_000)
        first = page.get_by_role("button", name=re.compile(r"^rank 1, .*relevance unknown"))
        expect(first).to_be_visible()
        assert first.locator("img").evaluate("image => image.decode().then(() => true)")
        assert "q=up" in page.url

        tab.follow("Leaderboard")
        expect(page.get_by_role("heading", name="Leaderboard", exact=True)).to_be_visible()
        charts = page.get_by_test_id("stVegaLiteChart")
        expect(charts).to_have_count(3)
        point = charts.nth(0).locator("[aria-roledescription=point][aria-label*='ITQ, 12 bits']")
        expect(point).to_have_attribute(
            "aria-label", re.compile(r"Bytes per image: 2;.* mAP %: \d+\.\d")
        )
        expect(charts.nth(1).locator("[aria-roledescription='line mark']")).to_have_count(1)

        tab.follow("Search")
        expect(page.get_by_text("Relevance is unknown")).to_be_visible()  # the tab remembers


def test_the_keyboard_opens_a_result_and_escape_closes_it(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab() as tab:
        page = tab.page
        first = page.get_by_role("button", name=re.compile(r"^rank 1,"))
        expect(first).to_be_visible()
        popover(page, "Size").focus()
        for _ in range(12):
            page.keyboard.press("Tab")
            if first.evaluate("button => button.matches(':focus')"):
                break
        expect(first).to_be_focused()
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("button", name=re.compile(r"^rank 2,"))).to_be_focused()
        page.keyboard.press("ArrowLeft")

        page.keyboard.press("Enter")

        drawer = page.get_by_role("dialog")
        expect(drawer.get_by_text(re.compile("^Rank 1 "))).to_be_visible()
        expect(drawer.get_by_role("img", name=re.compile(r"of 12 bits differ"))).to_be_visible()
        expect(first).to_have_attribute("aria-pressed", "true")
        tab.settle()
        for key, rank in (("ArrowRight", 2), ("ArrowRight", 3), ("ArrowLeft", 2)):
            page.keyboard.press(key)
            expect(drawer.get_by_text(re.compile(f"^Rank {rank} "))).to_be_visible()
            tab.settle()
        page.keyboard.press("Escape")
        expect(drawer).to_have_count(0)
        expect(page.get_by_role("button", name=re.compile(r"^rank 2,"))).to_be_focused()


def test_any_result_can_become_the_query(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab() as tab:
        page = tab.page
        page.get_by_role("button", name=re.compile(r"^rank 2,")).click()
        before = page.url
        tab.drawer().get_by_role("button", name="Search with this").click()

        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page).not_to_have_url(before)
        expect(page.get_by_text("59 images searched")).to_be_visible()  # itself is left out
        row = re.search(r"q=ds(?::|%3A)(\d+)", page.url)[1]
        results = page.get_by_role("group", name="Search results")
        expect(results.locator(f"[data-id='{row}']")).to_have_count(0)
        page.get_by_role("button", name=re.compile("^search with example")).nth(1).click()
        expect(page).not_to_have_url(re.compile(f"q=ds(:|%3A){row}$"))
        expect(page.get_by_text("59 images searched")).to_be_visible()


def test_a_click_on_the_magnifier_of_a_result_searches_with_it(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab() as tab:
        second = tab.page.get_by_role("button", name=re.compile(r"^rank 2,"))
        row = second.get_attribute("data-id")
        second.hover()
        second.locator(".query").click()

        expect(tab.page).to_have_url(re.compile(rf"q=ds(:|%3A){row}\b"))
        tab.settle()
        expect(tab.page.get_by_role("dialog")).to_have_count(0)
        results = tab.page.get_by_role("group", name="Search results")
        expect(results.locator(f"[data-id='{row}']")).to_have_count(0)


def test_a_bad_file_is_refused_with_its_name_as_plain_text(open_tab: OpenTab):
    from playwright.sync_api import expect

    name = ":material/home: $x$ ![a](http:&#47;&#47;a.example&#47;b.png).png"
    with open_tab("/search?q=ds:3") as tab:
        page = tab.page
        page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
            {"name": name, "mimeType": "image/png", "buffer": b"not an image"}
        )

        box = page.locator(".st-key-upload_box")
        expect(box.get_by_text("The last result is still shown.")).to_be_visible()
        expect(box).to_contain_text("$x$ ![a](http:")
        expect(box).to_contain_text(":material/home:")
        expect(page.get_by_role("button", name=re.compile(r"^rank 1,"))).to_be_visible()
        tab.settle()
        expect(page).to_have_url(re.compile(r"q=ds(:|%3A)3\b"))  # as before


def test_names_of_files_are_never_markup(open_tab: OpenTab, shared_home: Path):
    from playwright.sync_api import expect

    from pipeline.analysis.opened_run import open_run

    opened = open_run(published_run(shared_home).id, Settings(home=shared_home))
    row = opened.dataset.manifest["text"].tolist().index(HOSTILE)
    with open_tab(f"/search?q=ds:{row}") as tab:
        card = tab.page.locator(".st-key-query_card")
        expect(card.get_by_text("<b>bold<b> $x$")).to_be_visible()
        expect(card.locator("b")).to_have_count(0)
    with open_tab("/search?k=100") as tab:
        results = tab.page.get_by_role("group", name="Search results")
        tile, drawer = results.locator(f"[data-id='{row}']"), tab.page.get_by_role("dialog")
        expect(tile).to_contain_text("ld<b> $x$")  # its middle is left out
        expect(tile.locator("b")).to_have_count(0)
        tile.click()
        expect(drawer.get_by_text("<b>bold<b> $x$").first).to_be_visible()
        expect(drawer.locator("b")).to_have_count(0)


def test_modes_and_filters_change_what_is_found(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab() as tab:
        page = tab.page
        results = page.get_by_role("group", name="Search results").get_by_role("button")
        page.get_by_role("radio", name="48").click()
        expect(page.get_by_text("48 nearest")).to_be_visible()
        expect(results).to_have_count(48)
        small = results.first.bounding_box()["width"]
        popover(page, "Size").click()
        page.get_by_role("radio", name="Large").click()
        expect(page).to_have_url(re.compile("size=Large"))
        assert results.first.evaluate(IS_WIDER, small), "tiles are as wide as before"
        page.keyboard.press("Escape")

        popover(page, "Filters").click()
        page.get_by_role("radio", name="Relevant", exact=True).click()
        expect(page.get_by_text("(19 shown)")).to_be_visible()
        expect(results.and_(page.get_by_role("button", name=", relevant"))).to_have_count(19)
        page.get_by_role("radio", name="Not relevant").click()
        expect(page.get_by_text("(29 shown)")).to_be_visible()
        expect(results.and_(page.get_by_role("button", name=", not relevant"))).to_have_count(29)
        page.get_by_role("radio", name="All", exact=True).click()
        page.get_by_role("combobox", name="Only with label").click()
        page.get_by_role("option", name="squares").click()
        expect(page.get_by_text(re.compile("^(19|20) nearest$"))).to_be_visible()
        page.keyboard.press("Escape")
        page.get_by_role("combobox", name="Split").fill("Added")  # the last of the list
        page.get_by_role("option", name="Added since").click()
        expect(popover(page, "Filters · 2")).to_be_visible()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Clear the filters").click()
        expect(page.get_by_text("48 nearest")).to_be_visible()

        popover(page, "Filters").click()
        page.get_by_role("spinbutton", name="Within (bits)").fill("3")
        page.keyboard.press("Enter")
        farther = page.get_by_role("button", name=re.compile(r"distance ([4-9]|1\d) of 12"))
        expect(farther).to_have_count(0)
        page.get_by_role("radio", name="Radius").click()
        page.get_by_role("spinbutton", name="Radius (bits)").fill("5")
        page.keyboard.press("Enter")
        expect(page.get_by_text("within 5 bits")).to_be_visible()
        farther = page.get_by_role("button", name=re.compile(r"distance ([6-9]|1\d) of 12"))
        expect(farther).to_have_count(0)
        near = page.get_by_role("button", name=re.compile("distance [4-5] of 12"))
        expect(near).not_to_have_count(0)
        expect(page).to_have_url(re.compile("mode=Radius"))


def test_pages_of_results_are_turned_and_the_address_knows_the_page(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab("/search?ds=many&k=200") as tab:
        page = tab.page
        expect(page.get_by_role("button", name=re.compile("^rank 1,"))).to_be_visible()
        page.get_by_role("button", name="Page 2", exact=True).click()
        expect(page.get_by_role("button", name=re.compile("^rank 101,"))).to_be_visible()
        expect(page.get_by_role("button", name=re.compile("^rank 1,"))).to_have_count(0)
        page.reload()
        expect(page.get_by_role("button", name=re.compile("^rank 101,"))).to_be_visible()
        popover(page, "Filters").click()
        page.get_by_role("spinbutton", name="Within (bits)").fill("8")  # as many, from the first
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name=re.compile("^rank 1,"))).to_be_visible()
        page.keyboard.press("Escape")
        page.get_by_role("radio", name="24").click()
        expect(page.get_by_role("button", name=re.compile("^rank 1,"))).to_be_visible()


def test_copy_link_restores_mode_filters_order_and_page_in_another_tab(open_tab: OpenTab):
    from playwright.sync_api import expect

    def shown(page: Any) -> list[str]:
        expect(page.get_by_role("button", name=re.compile("^rank 101,"))).to_be_visible()
        expect(page.get_by_text("nearest by relaxed query")).to_be_visible()
        tiles = page.get_by_role("group", name="Search results").get_by_role("button")
        return tiles.evaluate_all("tiles => tiles.map((tile) => tile.getAttribute('aria-label'))")

    with open_tab("/search?ds=many") as tab:
        page = tab.page
        tab.choose("Order", "Relaxed query")
        tab.settle()
        popover(page, "Filters").click()
        page.get_by_role("radio", name="Radius").click()
        tab.settle()
        page.get_by_role("spinbutton", name="Radius (bits)").fill("8")
        page.keyboard.press("Enter")
        tab.settle()
        tab.choose("Split", "Trained on")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Page 2", exact=True).click()
        before = shown(page)
        link = copied_link(page)

    with open_tab("/search?" + urlsplit(link).query) as other:
        page = other.page
        assert shown(page) == before
        expect(page.get_by_role("combobox", name="Order")).to_have_value("Relaxed query")
        popover(page, "Filters · 2").click()
        expect(page.get_by_role("radio", name="Radius")).to_be_checked()
        expect(page.get_by_role("spinbutton", name="Radius (bits)")).to_have_value("8")
        expect(page.get_by_role("combobox", name="Split")).to_have_value("Trained on")
        expect(page.get_by_text("Since this link was made")).to_have_count(0)


def test_another_index_is_searched_with_the_same_query(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab("/search?ds=shapes") as tab:
        page = tab.page
        query = page.locator(".st-key-query_card").get_by_role("img").first
        expect(query).to_be_visible()
        before = query.get_attribute("alt")
        page.get_by_role("button", name="2 indexes").click()
        page.get_by_role("radio", name=re.compile("^LSH")).or_(
            page.get_by_text(re.compile("^LSH · 8 bits"))
        ).last.click()
        first = page.get_by_role("button", name=re.compile(r"^rank 1, .*distance \d of 8,"))
        expect(first).to_be_visible()
        tab.settle()
        expect(query).to_have_attribute("alt", before)


def test_back_and_forward_go_through_queries_and_runs(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab() as tab:
        page = tab.page
        run = page.get_by_role("combobox", name="Model run")
        if page.get_by_test_id("stExpandSidebarButton").is_visible():
            page.get_by_test_id("stExpandSidebarButton").click()
        tab.still()  # a list that opens in a moving sidebar closes again
        first_run, query = run.input_value(), page.url.split("q=")[1].split("&")[0]
        first_query = re.compile(re.escape(query) + "(&|$)")
        tab.choose("Model run", re.compile("^LSH"))
        expect(page).to_have_url(re.compile("run=lsh"))
        tab.settle()
        random = page.get_by_role("button", name="Random query", exact=True)
        random.dispatch_event("click")  # a phone's sidebar lies on it
        expect(page).not_to_have_url(first_query)
        tab.settle()

        page.go_back()
        expect(page).to_have_url(first_query)
        tab.settle()
        expect(run).to_have_value(re.compile("^LSH"))
        page.go_back()
        expect(run).to_have_value(first_run)
        tab.settle()
        page.go_forward()
        expect(run).to_have_value(re.compile("^LSH"))
        tab.settle()
        page.go_forward()
        expect(page).not_to_have_url(first_query)


def test_where_the_page_may_not_copy_the_link_stands_selected(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab() as tab:
        page = tab.page
        page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
        page.get_by_role("button", name="Copy link").click()

        field = page.get_by_role("textbox", name="Link to this page")
        expect(field).to_be_visible()
        expect(page.get_by_text("The link is selected")).to_be_visible()
        assert field.evaluate("one => one.value.slice(one.selectionStart, one.selectionEnd)") == (
            field.input_value()
        )
        assert "v=1" in field.input_value()
