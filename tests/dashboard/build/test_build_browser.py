"""Import, Train and Runs in a browser: journeys that only a browser shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.datasets.dataset import load_dataset
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings
from tests.dashboard.browsing import NEEDS_BROWSER, OpenTab, import_checked, upload_and_check
from tests.layout_writers import class_folders, pictures, zipped

pytestmark = NEEDS_BROWSER


@pytest.fixture
def live_and_failed(served_home: Path) -> Iterator[tuple[Run, Run]]:
    """A run that this process pretends to execute, and a newer one that has failed."""
    registry = RunRegistry(Settings(home=served_home))
    usual = {"dataset": "shapes", "method": "dpsh", "backbone": "tiny", "label_set": "class"}
    live, failed = (registry.create(RunSpec(**usual, bits=bits)) for bits in (16, 24))
    failed.update(state="failed", error="no such luck")
    with live.claimed():
        live.update(state="running", stage="training", started=live.status().created)
        yield live, failed
    registry.delete(live)
    registry.delete(failed)


def test_two_methods_are_trained_watched_stopped_resumed_and_compared(
    open_tab: OpenTab, tmp_path: Path
):
    """From images of one's own to the leaderboard; the worker is started by the page itself."""
    from playwright.sync_api import expect

    archive = zipped(class_folders(tmp_path / "animals", pictures(64)), tmp_path / "animals.zip")
    with open_tab("/import") as tab:
        page = tab.page
        upload_and_check(page, archive)
        import_checked(page, "animals", 64)
        dataset = page.get_by_test_id("stSidebar").get_by_role("combobox", name="Data set")
        expect(dataset).to_have_value("animals")  # what was imported is what is chosen
        tab.follow("Train")

        expect(page.get_by_role("heading", name="Train", exact=True)).to_be_visible()
        expect(dataset).to_have_value("animals")
        expect(page.get_by_role("button", name="Start 3 runs")).to_be_enabled()  # at once
        page.get_by_role("combobox", name=re.compile("Backbone")).click()
        page.get_by_role("option", name="tiny").click()
        page.locator(".st-key-card_itq label").click()  # off again
        page.locator(".st-key-card_ud2h label").click()
        expect(page.get_by_role("button", name="Start 1 run")).to_be_enabled()
        page.get_by_placeholder("Search 26 methods").fill("dpsh")
        expect(page.locator(".st-key-card_itq")).to_have_count(0)
        page.locator(".st-key-card_dpsh label").click()
        page.get_by_role("radio", name="20 %").click()
        page.get_by_role("radio", name="Custom").click()
        epochs = page.get_by_role("spinbutton", name="Epochs")
        epochs.first.fill("1000")
        epochs.first.press("Enter")
        page.get_by_text("As a command").click()
        expect(page.get_by_text("--set dpsh.epochs=1000").first).to_be_visible()
        start = page.get_by_role("button", name="Start 2 runs")
        expect(page.get_by_text("DPSH and OrthoHash have not run here yet")).to_be_visible()
        start.click()

        expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible(timeout=30_000)
        page.get_by_role("combobox", name="Run", exact=True).click()
        page.get_by_role("option", name=re.compile("^DPSH")).click()
        charts = page.get_by_test_id("stVegaLiteChart")
        expect(charts).to_have_count(2, timeout=60_000)
        bar = page.get_by_test_id("stProgress")
        expect(bar).to_contain_text(re.compile(r"Training \d+%"), timeout=30_000)
        seen = bar.inner_text()
        expect(bar).not_to_have_text(seen, timeout=20_000)  # it moves by itself

        page.reload()
        expect(page.get_by_role("heading", name=re.compile("^DPSH"))).to_be_visible(timeout=30_000)
        expect(bar).to_contain_text(re.compile(r"Training \d+%"), timeout=30_000)
        buttons = page.locator(".st-key-job_buttons")  # Streamlit has a Stop of its own
        buttons.get_by_role("button", name="Stop", exact=True).click()
        page.get_by_role("button", name="Stop it").click()
        headline = page.locator(".st-key-job_headline")
        expect(headline).to_contain_text("stopped", timeout=20_000)

        page.get_by_role("combobox", name="Run", exact=True).click()
        page.get_by_role("option", name=re.compile("^OrthoHash")).click()
        expect(headline).to_contain_text("done", timeout=60_000)  # the next in the queue
        page.get_by_role("combobox", name="Run", exact=True).click()
        page.get_by_role("option", name=re.compile("^DPSH")).click()
        page.get_by_role("button", name="Resume").click()
        expect(headline).to_contain_text(re.compile("queued|running"), timeout=20_000)
        expect(headline).to_contain_text("done", timeout=120_000)
        sidebar = page.get_by_test_id("stSidebar")
        sidebar.get_by_role("combobox", name="Model run").click()
        expect(page.get_by_role("option", name=re.compile("^DPSH"))).to_be_visible()
        page.keyboard.press("Escape")
        page.get_by_role("tab", name="Log").click()
        expect(
            page.get_by_text(re.compile(r"started, attempt 1, from epoch \d+")).last
        ).to_be_visible()

        tab.reach("Leaderboard")
        expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()
        points = page.locator("[aria-roledescription=point]")
        for model in ("DPSH", "OrthoHash"):
            expect(points.and_(page.locator(f"[aria-label*='{model}']")).first).to_be_visible()


def test_the_open_list_of_runs_stays_as_it_is_while_runs_go_on(
    open_tab: OpenTab, live_and_failed: tuple[Run, Run]
):
    """Through four refreshes, and the end of a run, after which the table is in another order."""
    from playwright.sync_api import expect

    live, failed = live_and_failed
    with open_tab(f"/runs?job={live.id}") as tab:
        page = tab.page
        page.get_by_role("combobox", name="Run", exact=True).click()
        options = page.get_by_role("option")
        expect(options.first).to_be_visible()
        offered = options.all_inner_texts()
        for done in range(1, 5):
            live.update(done=done, total=10)
            bar = page.get_by_test_id("stProgress")
            expect(bar).to_contain_text(f"Training {done}0%", timeout=20_000)  # it was refreshed
            assert options.all_inner_texts() == offered
        live.update(state="cancelled", finished=live.status().started)
        headline = page.locator(".st-key-job_headline")
        expect(headline).to_contain_text("stopped", timeout=20_000)
        expect(bar).to_have_count(0)  # the whole page has been drawn again
        tab.still()
        assert options.all_inner_texts() == offered

        options.filter(has_text=failed.spec.label).click()

        expect(headline).to_contain_text("failed", timeout=20_000)
        expect(page.get_by_text("no such luck")).to_be_visible()


@pytest.mark.smoke
def test_an_archive_is_uploaded_checked_imported_and_browsed(open_tab: OpenTab, tmp_path: Path):
    from playwright.sync_api import expect

    archive = zipped(class_folders(tmp_path / "pets", pictures(24)), tmp_path / "pets.zip")
    with open_tab("/import") as tab:
        page = tab.page
        upload_and_check(page, archive)

        preview = page.get_by_role("group", name="Preview").get_by_role("figure")
        expect(preview).to_have_count(24)
        assert preview.first.locator("img").evaluate("image => image.decode().then(() => true)")
        assert "job=" in page.url
        page.reload()  # the address bar knows the job
        import_checked(page, "pets", 24)

        page.get_by_role("button", name="Browse it").click()
        expect(page.get_by_role("heading", name="Browse", exact=True)).to_be_visible()
        expect(page.get_by_role("group", name="Images").get_by_role("button")).to_have_count(24)


def test_a_folder_is_packed_by_the_browser_and_imported(
    open_tab: OpenTab, served_home: Path, tmp_path: Path
):
    """With a name that is too long for a plain tar, and one that is not ASCII."""
    from playwright.sync_api import expect

    folder = class_folders(tmp_path / "pêts", pictures(6))
    first, second, *_ = sorted(folder.rglob("*.png"))
    first.rename(first.with_name("a" * 130 + ".png"))
    second.rename(second.with_name("日本 é.png"))
    with open_tab("/import") as tab:
        page = tab.page
        page.locator("input[webkitdirectory]").set_input_files(folder)
        expect(page.get_by_text("is on the server.")).to_be_visible(timeout=20_000)
        page.get_by_role("button", name="Check", exact=True).click()

        expect(page.get_by_text("Looks like class folders")).to_be_visible(timeout=60_000)
        import_checked(page, "p-ts", 6)
    stored = load_dataset("p-ts", Settings(home=served_home)).manifest["image_id"]
    assert {Path(name).name for name in stored} >= {"a" * 130 + ".png", "日本 é.png"}
