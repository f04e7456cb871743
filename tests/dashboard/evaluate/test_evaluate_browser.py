"""Every chart interaction of the pages that analyse runs, in a browser, and the report offline."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.edits import ALL_SIZES
from pipeline.settings import Settings
from tests.dashboard.browsing import NEEDS_BROWSER, OpenTab
from tests.dashboard.pages import train
from tests.factories import copied_library

pytestmark = NEEDS_BROWSER
POINT = "path[aria-roledescription=point]"
CELL = "path[aria-roledescription='rect mark']"
MOST_BYTES = 5_000_000


@pytest.fixture(scope="module")
def served_home(shared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a second model of 12 bits, so that a legend has somebody to hide."""
    home = copied_library(shared_home, tmp_path_factory.mktemp("served") / "home")
    train(Settings(home=home, threads=1), "shapes", method="lsh", bits=12)
    return home


def charts(page: Any) -> Any:
    return page.get_by_test_id("stVegaLiteChart")


def test_a_point_of_the_trade_off_opens_the_runs_side_by_side(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab("/leaderboard?view=Trade-offs") as tab:
        page = tab.page
        expect(charts(page).locator(POINT)).to_have_count(3)
        charts(page).locator(POINT).first.click(force=True)

        expect(page.get_by_text("Only what differs")).to_be_visible()
        page.get_by_role("radio", name="Training (seconds)").click()
        expect(charts(page).get_by_text("Training (seconds)")).to_be_visible()
        expect(charts(page).locator(POINT)).to_have_count(3)
        page.get_by_role("radio", name="Heat table").click()
        expect(charts(page).locator(CELL)).to_have_count(3)


def test_ticked_rows_are_compared_and_open_in_compare(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab("/leaderboard") as tab:
        page = tab.page
        expect(charts(page).locator(POINT).first).to_be_visible()  # it stands above the table
        page.get_by_test_id("stDataFrame").first.scroll_into_view_if_needed()
        box = page.get_by_test_id("stDataFrame").first.bounding_box()
        for row in (1, 2):  # the first column holds the boxes, 35 pixels a row
            page.mouse.click(box["x"] + 16, box["y"] + 35 * row + 17)
        expect(page.get_by_role("button", name="Open curves")).to_be_visible()
        page.get_by_role("button", name="Open compare").click()
        expect(page.get_by_role("heading", name="Compare", exact=True)).to_be_visible()
        expect(page.get_by_text("overlap", exact=False).first).to_be_visible()
        expect(page).to_have_url(re.compile(r"[?&]a=lsh-12b.*[?&]b=itq-"))  # as in the table


def test_a_legend_isolates_a_model_and_a_point_opens_its_queries(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab("/curves") as tab:
        page = tab.page
        expect(charts(page)).to_have_count(2)  # a chart a code length
        both = charts(page).last  # two models of 12 bits
        lines = both.locator("path[aria-roledescription='line mark']")
        expect(lines).to_have_count(2)
        both.locator(".role-legend-label text", has_text="ITQ").click(force=True)
        expect(lines.and_(page.locator("[opacity='0.08']"))).to_have_count(1)
        expect(lines.and_(page.locator("[aria-label*='ITQ']"))).to_have_attribute("opacity", "1")

        point = charts(page).first.locator(POINT).nth(2)
        at = re.search(r"At: (\d+)", point.get_attribute("aria-label"))[1]
        point.click(force=True)

        expect(page.get_by_text(re.compile(rf"behind the point: .* {at}\b"))).to_be_visible()
        page.get_by_role("button", name=re.compile(r"^query, ")).first.click()
        expect(page.get_by_role("heading", name="Search", exact=True)).to_be_visible()
        expect(page).to_have_url(re.compile(r"[?&]run=lsh-8b"))  # of the point


def test_a_curve_comes_as_csv_svg_png_and_spec(open_tab: OpenTab, tmp_path: Path):
    with open_tab("/curves?curve=P%40N") as tab:
        page = tab.page
        page.get_by_text("Data and downloads").click()
        for label, suffix, content in (
            ("CSV", ".csv", b"Model.*\\n.*ITQ"),
            ("SVG", ".svg", b"<svg.*<path"),
            ("PNG", ".png", b"\x89PNG"),
            ("Spec", ".vl.json", b'{.*"mark"'),
        ):
            with page.expect_download(timeout=30_000) as download:
                page.get_by_role("button", name=label, exact=True).click()
            path = tmp_path / download.value.suggested_filename
            download.value.save_as(path)
            assert path.name.endswith(suffix)
            assert re.match(content, path.read_bytes(), re.DOTALL), label


def test_a_cell_of_the_confusion_opens_its_queries(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab("/failures?failures_view=Confusion") as tab:
        page = tab.page
        wrong = charts(page).locator(f"{CELL}:not([aria-label*='Results: 0;'])").first
        wrong.click(force=True)
        page.get_by_role("button", name="See these queries").click()

        expect(page.get_by_text("Only queries of")).to_be_visible()
        count = page.get_by_text(re.compile(r"^\d+ quer(y|ies), worst first"))
        few = count.inner_text()
        page.get_by_role("button", name="Show all").click()
        expect(page.get_by_text("Only queries of")).to_have_count(0)
        expect(count).not_to_have_text(few, use_inner_text=True)


def test_a_radius_drift_and_ablation_answer_and_a_budget_is_in_the_address(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab("/codes?codes_view=Hash+lookup") as tab:
        page = tab.page
        recall = page.get_by_test_id("stMetric").filter(has_text="Recall").first
        expect(recall).to_be_visible()
        before = recall.inner_text()
        for _ in range(4):
            page.get_by_role("slider").press("ArrowRight")
        expect(recall).not_to_have_text(before, use_inner_text=True)
        page.get_by_role("radio", name="Drift").click()
        expect(charts(page).locator(POINT)).to_have_count(2 * 12)  # two parts of 12 bits
        page.get_by_role("radio", name="Bits kept").click()
        expect(charts(page).locator(POINT)).to_have_count(12)
        tab.follow("Advisor")
        page.get_by_label("Memory, at most (MB)").fill("5")
        page.get_by_label("Memory, at most (MB)").press("Enter")
        expect(page).to_have_url(re.compile(r"a_mb=5"))
        expect(page.get_by_text("No candidate")).to_be_visible()


def test_robustness_is_shown_beside_another_run(open_tab: OpenTab):
    from playwright.sync_api import expect

    edits = len({edit.name.format(size) for edit, size in ALL_SIZES})
    with open_tab("/failures?failures_view=Robustness") as tab:
        page = tab.page
        expect(charts(page)).to_have_count(2, timeout=60_000)
        expect(charts(page).first.locator(POINT)).to_have_count(edits)
        tab.settle()
        page.get_by_role("combobox", name="Beside").click()
        page.get_by_role("option", name=re.compile("LSH · 8 bits")).click()
        expect(page.get_by_text(re.compile("Bits flipped, LSH"))).to_be_visible(timeout=60_000)
        expect(charts(page).first.locator(POINT)).to_have_count(2 * edits)
        expect(page.get_by_role("button", name="Measure")).to_have_count(0)


def test_images_of_failures_and_codes_open_the_drawer(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab("/failures") as tab:
        page = tab.page
        first = page.get_by_role("group", name="First results").get_by_role("button").first
        first.click()
        drawer = tab.drawer()
        expect(drawer.get_by_text("Result 1", exact=True)).to_be_visible()
        expect(drawer.get_by_role("button", name="Mark wrong")).to_be_visible()
        expect(drawer.get_by_role("button", name="Compare runs on this query")).to_be_visible()
        page.keyboard.press("Escape")
        expect(drawer).to_have_count(0)

        page.goto(page.url.split("/failures")[0] + "/codes?codes_view=Buckets")
        tab.settle()
        page.get_by_role("group", name="Images").get_by_role("button").first.click()
        tab.drawer().get_by_role("button", name="Search with this").click()
        expect(page.get_by_role("heading", name="Search", exact=True)).to_be_visible()


def test_a_review_goes_on_with_the_keyboard(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab("/failures?failures_view=Review") as tab:
        page = tab.page
        expect(page.get_by_text(re.compile(r"^0 of \d+ reviewed"))).to_be_visible()
        expect(page.get_by_role("button", name="Unsure")).to_be_visible()  # the last with a key
        page.keyboard.press("1")

        expect(page.get_by_text(re.compile(r"^1 of \d+ reviewed"))).to_be_visible()
        page.get_by_role("button", name="Undo the last verdict").click()
        expect(page.get_by_text(re.compile(r"^0 of \d+ reviewed"))).to_be_visible()


@pytest.mark.smoke
def test_a_report_is_complete_without_a_network(open_tab: OpenTab, browser: Any, tmp_path: Path):
    from playwright.sync_api import expect

    with open_tab("/leaderboard?view=Heat+table") as tab:
        page = tab.page
        page.get_by_text("Data and downloads").click()
        page.get_by_role("button", name="Add to report").click()
        expect(page.get_by_text("Added to the report as entry 1.")).to_be_visible()
        tab.follow("Failures")
        expect(page.get_by_role("heading", name="Failures", exact=True)).to_be_visible()
        page.locator(".st-key-failure_buttons").get_by_role("button", name="Add").click()
        expect(page.get_by_text("Added to the report as entry 2.")).to_be_visible()
        tab.follow("Search")
        expect(page.get_by_role("heading", name="Search", exact=True)).to_be_visible()
        tab.settle()
        page.get_by_role("button", name="Add to report").click()
        expect(page.get_by_text("Added to the report as entry 3.")).to_be_visible()
        tab.follow("Report")
        expect(page.get_by_role("heading", name="3 entries")).to_be_visible()
        page.get_by_text("Preview", exact=True).click()
        within = page.frame_locator("iframe")
        expect(within.get_by_role("heading", name="Conditions")).to_be_visible()
        with page.expect_download(timeout=30_000) as download:
            page.get_by_role("button", name="HTML", exact=True).click()
        path = tmp_path / "report.html"
        download.value.save_as(path)

    assert path.stat().st_size < MOST_BYTES
    context = browser.new_context(offline=True)
    try:
        page, asked = context.new_page(), []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        expect(page.locator("svg")).to_have_count(1)
        expect(page.locator("figure img")).to_have_count(22)  # of a failure and of a search
        loaded = "[...document.images].every(image => image.complete && image.naturalWidth > 0)"
        assert page.evaluate(loaded)
        assert all(url.startswith(("file:", "data:")) for url in asked)
    finally:
        context.close()
