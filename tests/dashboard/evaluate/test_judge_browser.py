"""A judging round in a browser: a key per picture, undo, a reload in the middle, the result."""

from __future__ import annotations

import re

import pytest

from tests.dashboard.browsing import IN_TWO_LOOKS, NEEDS_BROWSER, OpenTab

pytestmark = NEEDS_BROWSER


@pytest.mark.smoke
@IN_TWO_LOOKS
def test_a_round_is_judged_by_keys_and_resumed(open_tab: OpenTab, look: tuple[str, str]):
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
        for done in range(4, n + 1):
            press("1", done)
        page.get_by_role("button", name="See the result").click()

        expect(page.get_by_role("heading", name="Wins, ties and losses")).to_be_visible()
        expect(page.get_by_text("Counted: 1 of 1 query")).to_be_visible()
        page.go_back()
        expect(page.get_by_text("You have judged all")).to_be_visible()
