"""Camera, paste, Bits, rank changes, and the Index tab: what is done with mouse and devices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from pipeline.index.index_jobs import serve
from pipeline.index.publish import index_alias
from pipeline.index.store.opening import store_of
from pipeline.jobs import beating
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.settings import Settings
from tests.dashboard.browsing import IN_TWO_LOOKS, NEEDS_BROWSER, OpenTab, copied_link
from tests.dashboard.pages import png, train

pytestmark = [*NEEDS_BROWSER, IN_TWO_LOOKS]
PASTE = """
(zone, bytes) => {
  const data = new DataTransfer()
  data.items.add(new File([new Uint8Array(bytes)], "pasted.png", { type: "image/png" }))
  const event = { clipboardData: data, bubbles: true, cancelable: true }
  zone.dispatchEvent(new ClipboardEvent("paste", event))
}
"""


def test_a_photograph_is_searched_with(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab() as tab:
        page = tab.page
        page.get_by_text("Use the camera").click()
        page.wait_for_function("() => document.querySelector('video')?.videoWidth > 0")
        taken = page.get_by_role("button", name="Clear photo")
        for _ in range(6):  # the camera may not be ready though its picture is there
            page.get_by_role("button", name="Take Photo").click()
            with suppress(AssertionError):
                expect(taken).to_be_visible(timeout=5_000)
                break
        expect(page.get_by_text("Relevance is unknown")).to_be_visible(timeout=30_000)
        expect(page).to_have_url(re.compile("q=up"))


def test_a_pasted_image_is_searched_with(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab() as tab:
        page = tab.page
        zone = page.get_by_test_id("stFileUploaderDropzone")
        zone.evaluate(PASTE, list(png()))
        expect(page.get_by_text("Relevance is unknown")).to_be_visible(timeout=30_000)
        expect(page.locator(".st-key-query_card").get_by_text("pasted.png")).to_be_visible()


def test_bits_are_flipped_muted_read_probed_and_mapped(open_tab: OpenTab):
    from playwright.sync_api import expect

    muted = "".join(f"&mute={bit}" for bit in range(2, 12))
    with open_tab(f"/bits?flip=1{muted}") as tab:  # as a link of an earlier version asks
        page = tab.page
        expect(page.get_by_text("1 bit flipped, 10 muted")).to_be_visible()
        images = page.get_by_role("group", name="Images").get_by_role("button")
        expect(images.filter(has_text=re.compile("^[0-2]/2"))).to_have_count(24)  # two bits count
        bits = page.get_by_role("group", name="Bits of the query").get_by_role("button")
        expect(bits).to_have_count(12)
        expect(bits.nth(0)).to_have_accessible_name(re.compile("^Bit 1: [01] flipped to [01]$"))
        for bit in (0, 2, 3):  # faster than the server answers
            bits.nth(bit).click()
        expect(page.get_by_text("2 bits flipped, 8 muted")).to_be_visible()
        expect(bits.nth(2)).to_have_attribute("aria-pressed", "true")
        page.get_by_role("button", name="Click mutes").click()
        bits.nth(2).press("ArrowRight")
        bits.nth(3).press("Enter")
        expect(page.get_by_text("1 bit flipped, 9 muted")).to_be_visible()

        page.get_by_role("radio", name="One bit").click()
        chosen = page.get_by_role("group", name="Bits", exact=True).get_by_role("button")
        chosen.nth(2).click()
        expect(page.get_by_text("Bit 3 is 1 for")).to_be_visible()
        expect(page.get_by_text("Clearest 0")).to_be_visible(timeout=30_000)
        tab.settle()
        page.get_by_role("textbox", name="Name of bit 3").fill("<b>warm</b> $x$")
        page.keyboard.press("Enter")
        tab.settle()
        expect(chosen.nth(2)).to_have_accessible_name(re.compile("^Bit 3 · <b>warm</b> .x.: [01]"))

        page.get_by_role("radio", name="One query").click()
        expect(page.get_by_text("3 (<b>warm</b> $x$)")).to_be_visible()
        page.get_by_role("radio", name="Change the image").click()
        changed = page.get_by_role("group", name="Changed images").get_by_role("button")
        expect(changed).to_have_count(8, timeout=30_000)
        page.get_by_role("radio", name="Strong").click()
        expect(changed.filter(has_text="Rotated by 30°")).to_be_visible(timeout=30_000)
        changed.last.click()
        expect(page.get_by_role("img", name=re.compile("bits differ"))).to_be_visible()

        page.get_by_role("radio", name="All codes").click()
        page.get_by_role("radio", name="Bits kept").click()
        spare = page.get_by_role("button", name=re.compile(r"^Search without these \d"))
        expect(spare).to_be_visible(timeout=30_000)
        tab.settle()
        n_spare = spare.inner_text().split()[-1]
        spare.click()
        expect(page.get_by_text(f"{n_spare} muted")).to_be_visible()


def test_the_map_is_clicked_lassoed_zoomed_and_walked(open_tab: OpenTab):
    """On Overview a click makes an image the query; on Codes it shows the images of a code."""
    from playwright.sync_api import expect

    with open_tab("/") as tab:
        page = tab.page
        tab.still()
        canvas = page.get_by_role("application", name=re.compile("^Code map"))
        before = page.url
        canvas.press("ArrowRight")  # the first picture
        expect(page.locator(".said")).to_contain_text("image")
        canvas.press("Enter")
        expect(page).not_to_have_url(before)
        expect(page.get_by_text(re.compile("^Nearest to"))).to_be_visible()
        tab.settle()

        page.get_by_role("button", name="Lasso").click()
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        corners = ((2, 2), (box["width"] - 2, 2), (box["width"] - 2, box["height"] - 2))
        corners = (*corners, (2, box["height"] - 2))
        page.mouse.move(box["x"] + 2, box["y"] + 2)
        page.mouse.down()
        for x, y in corners:
            page.mouse.move(box["x"] + x, box["y"] + y, steps=3)
        page.mouse.up()
        expect(page.get_by_text("60 images in the lasso")).to_be_visible()
        page.get_by_role("button", name="Clear").click()
        expect(page.get_by_text(re.compile("^Nearest to"))).to_be_visible()
        tab.settle()
        page.get_by_role("group", name="Images").get_by_role("button").first.click()
        expect(tab.drawer().get_by_role("button", name="Search with this")).to_be_visible()

    with open_tab("/codes?view=All+codes&codes_view=Code+map") as tab:
        page = tab.page
        tab.still()
        canvas = page.get_by_role("application", name=re.compile("^Code map"))
        expect(page.get_by_text("the most frequent one")).to_be_visible()
        page.get_by_role("button", name="Zoom in").click()
        page.get_by_role("button", name="All", exact=True).click()
        canvas.press("ArrowRight")
        canvas.press("Enter")
        expect(page.get_by_text(re.compile("shares? this code$"))).to_be_visible()
        assert "codes_view=Code+map" in copied_link(page)


def test_images_are_chosen_and_tagged(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab("/browse") as tab:
        page = tab.page
        page.get_by_text("Select images").click()
        images = page.get_by_role("group", name="Images").get_by_role("button")
        expect(page.get_by_text("0 images selected")).to_be_visible()
        tab.settle()
        for place, n in ((0, "1 image"), (2, "2 images"), (1, "3 images"), (1, "2 images")):
            images.nth(place).click()
            expect(page.get_by_text(f"{n} selected", exact=True)).to_be_visible()
        expect(images.nth(0)).to_have_attribute("aria-pressed", "true")
        expect(images.nth(1)).to_have_attribute("aria-pressed", "false")
        tag = page.get_by_role("combobox", name="Tag", exact=True).last
        tag.fill("odd one")
        tag.press("Enter")
        page.get_by_role("button", name="Add tag", exact=True).click()
        expect(page.get_by_text("0 images selected")).to_be_visible()
        expect(images.filter(has_text="odd one")).to_have_count(2)

        page.get_by_text("Select images").click()
        expect(page.get_by_text("images selected")).to_have_count(0)
        tab.settle()
        images.nth(2).click()
        drawer = page.get_by_role("dialog")
        expect(drawer.get_by_text("odd one")).to_be_visible()
        expect(drawer.get_by_text("in 2 of 2 runs")).to_be_visible()
        page.keyboard.press("Escape")
        expect(drawer).to_have_count(0)

        page.get_by_text("Select images").click()
        expect(page.get_by_text("0 images selected")).to_be_visible()
        tab.settle()
        for place, n in ((0, "1 image"), (2, "2 images")):
            images.nth(place).click()
            expect(page.get_by_text(f"{n} selected", exact=True)).to_be_visible()
        page.get_by_role("combobox", name="Tag", exact=True).last.click()
        page.get_by_role("option", name="odd one").click()
        page.get_by_role("button", name="Remove tag").click()
        expect(images.filter(has_text="odd one")).to_have_count(0)


def test_rank_changes_are_drawn_and_a_row_of_the_table_loads_its_query(open_tab: OpenTab):
    from playwright.sync_api import expect

    with open_tab("/compare") as tab:
        page = tab.page
        chart = page.get_by_test_id("stVegaLiteChart").first
        expect(chart.locator("[aria-roledescription='line mark']").first).to_be_attached()
        expect(chart.locator("[aria-roledescription=point]").first).to_have_attribute(
            "aria-label", re.compile("rank", re.IGNORECASE)
        )
        page.get_by_role("tab", name=re.compile("^In both")).click()
        before = page.url
        table = page.get_by_test_id("stDataFrame").last
        table.scroll_into_view_if_needed()
        table.click(position={"x": 15, "y": 35 * 3 + 17})  # the box that chooses the third row
        expect(page).not_to_have_url(before)
        third = page.url
        page.get_by_role("button", name="Previous").click()
        expect(page).not_to_have_url(third)
        expect(page).not_to_have_url(before)
        page.get_by_role("button", name="Previous").click()
        expect(page).to_have_url(before)  # the first of the table
        assert re.search(r"cq=ds[^&]+", page.url)[0] in copied_link(page)


@pytest.fixture
def worked(served_home: Path) -> Iterator[Run]:
    """A finished run without an index; this process poses as the worker."""
    run = train(Settings(home=served_home, threads=1), "shapes", method="lsh", bits=16)
    (served_home / "workers").mkdir(exist_ok=True)
    with beating(served_home / "workers" / "test"):
        yield run


def test_an_index_is_published_verified_rolled_back_and_deleted_with_its_run(
    open_tab: OpenTab, served_home: Path, worked: Run
):
    from playwright.sync_api import expect

    settings = Settings(home=served_home, threads=1)
    with open_tab(f"/runs?job={worked.id}") as tab:
        page = tab.page
        page.get_by_role("tab", name="Index").click()
        panel = page.get_by_role("tabpanel", name="Index")

        def ask(label: str, waiting: str) -> None:
            panel.get_by_role("button", name=label, exact=True).click()
            expect(panel.get_by_text(f"Waiting for the worker: {waiting}")).to_be_visible()
            assert serve(settings) == 1

        expect(panel.get_by_text("not published")).to_be_visible()
        for version in ("v1", "v2"):
            ask("Publish", "publish")
            expect(panel.get_by_text(re.compile(f"Done: .*__{version}"))).to_be_visible()
        panel.get_by_role("button", name="Verify").click()
        expect(panel.get_by_text("codes as in the run")).to_be_visible()
        ask("Roll back", "roll back")
        expect(panel.get_by_text(re.compile("Done: back to .*__v1"))).to_be_visible()
        page.get_by_role("button", name="Delete", exact=True).click()
        page.get_by_role("button", name="Delete it").click()
        expect(panel.get_by_text("Waiting for the worker: delete")).to_be_visible()
        serve(settings)
        expect(page.get_by_role("heading", name=re.compile("16 bits"))).to_have_count(0)
    assert worked.id not in [run.id for run in RunRegistry(settings).all()]
    with closing(store_of(settings)) as store:
        assert not [name for name in store.collections() if name.startswith(index_alias(worked))]
