"""A judging round in a browser: a key per picture, undo, a reload in the middle, the result."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.analysis.judging import judge, progress_of, verdicts_of
from pipeline.analysis.judging_rounds import list_rounds
from pipeline.datasets.dataset import load_dataset
from pipeline.settings import Settings
from tests.dashboard.browsing import IN_TWO_LOOKS, NEEDS_BROWSER, OpenTab

pytestmark = NEEDS_BROWSER


def judge_all_but_last(name: str, home: Path) -> None:
    """Give all answers but one, as the page would store them."""
    settings = Settings(home=home)
    judged = next(
        one for one in list_rounds("shapes", settings) if name in verdicts_of(one, settings)
    )
    known = set(load_dataset("shapes", settings).manifest["sha256"])
    for pair in progress_of(judged, name, known, settings).left[:-1]:
        judge(judged, name, pair, "relevant", settings)


@pytest.mark.smoke
@IN_TWO_LOOKS
def test_a_round_is_judged_by_keys_and_resumed(
    open_tab: OpenTab, look: tuple[str, str], served_home: Path
):
    from playwright.sync_api import expect

    with open_tab("/judge") as tab:
        page = tab.page
        page.get_by_role("spinbutton", name="Queries").fill("1")
        page.get_by_role("textbox", name="Your name").fill(look[1])
        page.get_by_role("button", name="Start the round").click()
        expect(page.get_by_role("img", name="result")).to_be_visible()
        tab.settle()
        bar = page.get_by_test_id("stProgress")
        n = int(re.search(r"^0 of (\d+)", bar.inner_text())[1])

        def press(key: str, done: int) -> None:
            tab.settle()  # keys are live a moment after their buttons are drawn
            page.keyboard.press(key)
            try:
                expect(bar).to_contain_text(f"{done} of {n} results", timeout=5_000)
            except AssertionError:  # that moment was longer
                page.keyboard.press(key)
                expect(bar).to_contain_text(f"{done} of {n} results")

        for done, key in enumerate("1231", 1):
            press(key, done)
        press("u", 3)
        shown = page.get_by_role("img", name="result").get_attribute("src")

        page.reload()
        tab.settle()
        expect(bar).to_contain_text(f"3 of {n} results")
        assert page.get_by_role("img", name="result").get_attribute("src") == shown
        answers = page.locator(".st-key-answers")
        assert answers.evaluate("node => node.getBoundingClientRect().bottom <= innerHeight")
        judge_all_but_last(look[1], served_home)
        page.reload()
        expect(bar).to_contain_text(f"{n - 1} of {n} results")
        press("1", n)
        page.get_by_role("button", name="See the result").click()

        expect(page.get_by_role("heading", name="Wins, ties and losses")).to_be_visible()
        expect(page.get_by_text("Counted: 1 of 1 query")).to_be_visible()
        page.go_back()
        expect(page.get_by_text("You have judged all")).to_be_visible()
