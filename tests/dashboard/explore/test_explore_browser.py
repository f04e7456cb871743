"""Search, Compare and Bits in a browser: filters, drawer, verdicts, links, keyboard, axe-core."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pipeline.settings import Settings
from tests.dashboard.browsing import IN_TWO_LOOKS, NEEDS_BROWSER, OpenTab, copied_link, popover
from tests.dashboard.pages import png, train
from tests.factories import copied_library

pytestmark = [*NEEDS_BROWSER, IN_TWO_LOOKS]
RANK_1 = re.compile(r"^rank 1,")


@pytest.fixture(scope="module")
def served_home(shared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a third run, so that each side of Compare has a choice."""
    home = copied_library(shared_home, tmp_path_factory.mktemp("served") / "home")
    train(Settings(home=home, threads=1), "shapes", bits=8)
    return home


def test_filters_order_and_dice_change_what_is_found(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab() as tab:
        page = tab.page
        expect(page.get_by_role("button", name=RANK_1)).to_be_visible()
        popover(page, "Filters").click()
        page.get_by_role("textbox", name="Text contains").fill("stripes")
        page.keyboard.press("Enter")
        expect(page.get_by_text(re.compile("^(19|20) nearest$"))).to_be_visible()
        expect(page).to_have_url(re.compile("has=stripes"))
        page.keyboard.press("Escape")

        page.get_by_role("combobox", name="Order").click()
        page.get_by_role("option", name="Relaxed query").click()
        expect(page.get_by_text("nearest by relaxed query")).to_be_visible(timeout=30_000)
        moved = page.get_by_role("button", name=re.compile(r"^rank .*\d ranks (up|down)"))
        expect(moved).not_to_have_count(0)
        page.get_by_role("combobox", name="Order").click()
        page.get_by_role("option", name="Similarity", exact=True).click()
        expect(page.get_by_text("nearest by similarity")).to_be_visible(timeout=30_000)

        before = page.url
        page.get_by_role("button", name="Hard query", exact=True).click()
        expect(page).not_to_have_url(before)
        hard = page.url
        page.get_by_role("button", name="Random query", exact=True).click()  # never the same again
        expect(page).not_to_have_url(hard)


def test_the_drawer_takes_a_verdict_and_takes_it_back(open_tab: OpenTab, served_home: Path):
    from playwright.sync_api import expect

    with open_tab() as tab:
        page = tab.page
        page.get_by_role("button", name=RANK_1).click()
        drawer = tab.drawer()
        drawer.get_by_role("button", name="Mark wrong").click()
        expect(drawer.get_by_text("Marked not relevant")).to_be_visible()
        assert len(list((served_home / "verdicts/shapes").glob("*.jsonl"))) == 1
        drawer.get_by_role("button", name="Undo").click()
        expect(drawer.get_by_role("button", name="Mark wrong")).to_be_visible()
        drawer.get_by_role("button", name="Mark right").click()
        expect(drawer.get_by_text("Marked relevant")).to_be_visible()
        drawer.get_by_role("button", name="Undo").click()
        expect(drawer.get_by_role("button", name="Mark right")).to_be_visible()

        drawer.get_by_role("combobox", name="Rank under another run").click()
        page.get_by_role("option", name=re.compile("^LSH")).click()
        expect(drawer.get_by_text("Rank in that run")).to_be_visible()
        drawer.get_by_role("button", name="Compare runs on this query").click()
        expect(page.get_by_role("heading", name="Compare", exact=True)).to_be_visible()


def give(page: Any, name: str = "mine.png") -> None:
    """Upload an image, until its results are there."""
    from playwright.sync_api import expect

    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": name, "mimeType": "image/png", "buffer": png()}
    )
    expect(page.get_by_text("Relevance is unknown")).to_be_visible(timeout=30_000)


def test_a_link_of_an_upload_works_in_another_tab(open_tab: OpenTab, served_home: Path):
    from playwright.sync_api import expect

    shutil.rmtree(served_home / "queries", ignore_errors=True)
    with open_tab() as tab:
        page = tab.page
        give(page)
        assert not (served_home / "queries").exists()
        popover(page, "Copy link").click()
        page.get_by_role("button", name="Store the image").click()
        expect(popover(page, "Copy link")).to_have_count(0)
        link = copied_link(page)
        assert "q=up" in link
        assert "v=1" in link
        assert len(list((served_home / "queries").glob("[!.]*"))) == 2  # the image and its name

    outdated = re.sub(r"ix=[^&]+", "ix=00000000.v9.99", "/search?" + urlsplit(link).query)
    with open_tab(outdated) as other:
        page = other.page
        expect(page.get_by_text("Relevance is unknown")).to_be_visible(timeout=30_000)
        expect(page.get_by_text("the content of the data set has changed")).to_be_visible()
        with page.expect_download() as download:
            page.get_by_role("button", name="Export").click()
        assert len(download.value.path().read_text("utf-8").splitlines()) == 25


def test_a_saved_image_is_listed_opened_again_and_removed(open_tab: OpenTab, served_home: Path):
    from playwright.sync_api import expect

    shutil.rmtree(served_home / "queries", ignore_errors=True)
    with open_tab() as tab:
        page = tab.page
        give(page, "<i>mine.png")
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_role("button", name="Save this image").click()
        expect(page.get_by_text("1 saved. Click one to search with it.")).to_be_visible()
    with open_tab() as other:  # another person's
        page = other.page
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_role("button", name="search with saved: <i>mine.png").click()
        expect(page.get_by_text("Relevance is unknown")).to_be_visible(timeout=30_000)
        page.get_by_role("button", name="Remove it").click()
        expect(page.get_by_text("No image has been saved yet.")).to_be_visible()
    assert not list((served_home / "queries").glob("[!.]*"))


def test_compare_steps_with_the_keyboard_and_swaps(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab("/compare") as tab:
        page = tab.page
        expect(page.get_by_text("Rank-biased overlap").first).to_be_visible()
        tab.settle()  # Streamlit may lose a key while the page is still drawn
        before = page.url
        page.get_by_role("heading", name="Compare", exact=True).click()
        page.keyboard.press("n")
        expect(page).not_to_have_url(before)
        tab.settle()
        page.keyboard.press("p")
        expect(page).to_have_url(before)
        tab.settle()
        a = re.search(r"[?&]a=([^&]+)", page.url)[1]
        page.get_by_role("button", name="Swap").click()
        expect(page).to_have_url(re.compile(rf"[?&]b={a}"))


def test_compare_takes_other_runs_and_shows_what_only_one_has(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab("/compare") as tab:
        page = tab.page
        for side, run, slug in (("A", "LSH", "lsh-8b"), ("B", "ITQ · 8 bits", "itq-8b")):
            page.get_by_role("combobox", name=f"Run {side}").click()
            page.get_by_role("option", name=re.compile(f"^{run}")).click()
            expect(page).to_have_url(re.compile(f"[?&]{side.lower()}={slug}"))
            tab.settle()
        for side in "AB":
            name = re.compile(rf"^Only in {side} \(\d+\)")
            page.get_by_role("tab", name=name).click()
            images = page.get_by_role("group", name=name).get_by_role("button")
            expect(images.first).to_be_visible()
        images.first.click()
        expect(page.get_by_role("dialog").get_by_text("bits differ").first).to_be_visible()


def test_a_search_is_changed_and_a_result_opened_by_keyboard_alone(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab() as tab:
        page = tab.page
        first = page.get_by_role("button", name=RANK_1)
        expect(first).to_be_visible()
        filters, words = (
            popover(page, "Filters"),
            page.get_by_role("textbox", name="Text contains"),
        )
        for _ in range(60):
            page.keyboard.press("Tab")
            if filters.evaluate("button => button.matches(':focus')"):
                break
        page.keyboard.press("Enter")
        expect(words).to_be_visible()
        for _ in range(90):
            page.keyboard.press("Tab")
            if words.evaluate("box => box.matches(':focus')"):
                break
        page.keyboard.type("squares")
        page.keyboard.press("Enter")
        expect(page.get_by_text(re.compile("^(19|20) nearest$"))).to_be_visible()
        page.keyboard.press("Escape")
        for _ in range(40):
            page.keyboard.press("Tab")
            if first.evaluate("button => button.matches(':focus')"):
                break
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


NAVIGATION = "[data-testid=stSidebarNavItems]"


def serious(page: Any) -> list[str]:
    """What axe-core calls serious or critical.

    Streamlit's own navigation puts the names of groups between a list and its items, which no
    style sheet mends; the two rules about lists are passed over there, and all others hold.
    """
    from axe_playwright_python.sync_playwright import Axe

    is_within = "([node, list]) => document.querySelector(node).closest(list) !== null"
    return [
        f"{one['id']}: {node['html'][:120]}"
        for one in Axe().run(page).response["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
        if one["id"] not in ("list", "listitem")
        or not page.evaluate(is_within, [node["target"][0], NAVIGATION])
    ]


def too_wide(page: Any) -> list[str]:
    """What must be scrolled to the side (the document, or what scrolls in it), or is cut off."""
    return page.evaluate(
        """() => [
            ...[...document.querySelectorAll("html, [data-testid=stMain]")]
                .filter((node) => node.scrollWidth > node.clientWidth + 1),
            ...[...document.querySelectorAll("[role=dialog] *")]
                .filter((node) => node.getBoundingClientRect().right > innerWidth + 1),
        ].map((node) => node.outerHTML.slice(0, 120))"""
    )


def test_pages_fit_and_axe_finds_nothing_serious(open_tab: OpenTab):
    for path in (
        "/",
        "/search",
        "/compare",
        "/codes?view=All+codes&codes_view=Code+map",
        "/search?label=squares",
    ):
        with open_tab(path) as tab:
            tab.still()

            assert not serious(tab.page), path
            assert not too_wide(tab.page), path


@pytest.mark.parametrize("path", ["/search", "/browse"])
def test_axe_finds_nothing_serious_in_an_open_drawer(open_tab: OpenTab, path: str):
    from playwright.sync_api import expect

    with open_tab(path) as tab:
        page = tab.page
        group = "Images" if path == "/browse" else "Search results"
        page.get_by_role("group", name=group).get_by_role("button").nth(1).click()
        drawer = tab.drawer()
        expect(drawer.get_by_role("button", name=re.compile("^Compare runs"))).to_be_visible()
        tab.still()
        assert not serious(page)
        assert not too_wide(page)


def test_every_gallery_opens_the_drawer_and_any_image_is_compared(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab("/codes") as tab:
        page = tab.page
        page.get_by_role("group", name="Images").get_by_role("button").first.click()
        drawer = tab.drawer()
        expect(drawer.get_by_text("Compared with the query on Search")).to_be_visible()
        drawer.get_by_role("button", name="Compare runs on this image").click()
        expect(page.get_by_role("heading", name="Compare", exact=True)).to_be_visible()
        before = page.url
        page.get_by_role("button", name="Swap").click()  # else the runs are the default ones
        expect(page).not_to_have_url(before)
        before = page.url
        page.get_by_role("group", name="Results of B").get_by_role("button").nth(1).click()
        tab.drawer().get_by_role("button", name="Compare runs on this image").click()
        expect(page).not_to_have_url(before)
        assert re.findall(r"[?&]a=[^&]+", page.url) == re.findall(r"[?&]a=[^&]+", before)
