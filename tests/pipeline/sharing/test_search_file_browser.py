"""A shared search in Chromium, opened from disk: the app's results, keyboard, phone, no request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.codes import HashCodes
from pipeline.analysis.opened_run import open_run
from pipeline.datasets.dataset import load_dataset
from pipeline.index.cosine import cosine_of
from pipeline.index.ordering import Ordering, find_shortlist, sort_hits
from pipeline.index.search import exact_store, stored_query
from pipeline.index.store.base import Where
from pipeline.index.word_filter import words_of
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.settings import Settings
from pipeline.sharing import search_file
from pipeline.sharing.findings import Findings
from pipeline.sharing.search_file import open_shared, write_shared
from tests.dashboard.browsing import CHROMIUM, NEEDS_BROWSER
from tests.factories import imported, spec, write_images

pytestmark = NEEDS_BROWSER

SHOWN = """() => [...document.querySelectorAll('#results .run')].map((run) =>
    [...run.querySelectorAll('.tiles button')].map((one) =>
        [one.dataset.id, Number(one.dataset.distance)]))"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """120 images and two runs."""
    root = tmp_path_factory.mktemp("shared")
    settings = Settings(home=root / "home", threads=1)
    imported(write_images(root / "shapes", per_class=30), settings)
    for changes in ({}, {"method": "lsh", "bits": 12}):
        execute(RunRegistry(settings).create(spec(**changes)), settings)
    return settings


@pytest.fixture
def open_page(tmp_path: Path, home: Settings) -> Iterator[Any]:
    """Opens the page of some runs from disk; at the end nothing may have gone wrong in it."""
    from playwright.sync_api import sync_playwright

    wrong: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def open_(*runs: Run, narrow: bool = False, findings: Findings | None = None) -> Any:
            shared = open_shared(runs, load_dataset("shapes", home), findings)
            page = browser.new_page(
                viewport={"width": 390 if narrow else 1440, "height": 844}, has_touch=narrow
            )
            page.on("console", lambda message: wrong.append(message.text))
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("dialog", lambda dialog: wrong.append(dialog.message))
            own = tmp_path.as_uri(), "data:"
            page.on("request", lambda r: None if r.url.startswith(own) else wrong.append(r.url))
            page.goto(write_shared(shared, tmp_path / "out.html").as_uri())
            return page

        yield open_
        browser.close()
    assert not wrong


def runs_of(home: Settings) -> tuple[Run, Run]:
    runs = {run.spec.method: run for run in RunRegistry(home).all()}
    return runs["itq"], runs["lsh"]


def expected(
    home: Settings, run: Run, row: int, where: Where | None = None, code: HashCodes | None = None
) -> list:
    """What the app shows first, without the query; with a code of its own by codes alone."""
    dataset = load_dataset("shapes", home)
    store, alias = exact_store(run, dataset)
    cosine = cosine_of(run, dataset, home, run.load_backbone)
    order = None if code else Ordering(cosine.values(cosine.of_row(row)))
    asked = code or stored_query(run, row).code
    found = find_shortlist(store, alias, asked, order, limit=25, where=where)
    hits = [hit for hit in found.result.hits if hit.payload["row"] != row]
    sorted_ = [hits[place] for place in sort_hits(hits, order).places[:24]]
    names = dataset.manifest["image_id"]
    return [[names.iloc[hit.payload["row"]], hit.distance] for hit in sorted_]


def ask(page: Any, place: int) -> None:
    """Make an image the query, as a link to it does."""
    page.evaluate("place => { location.hash = `image=${place}` }", place)
    page.wait_for_function("place => state.query === place", arg=place)


def test_ids_and_distances_of_100_queries_are_those_of_the_app(home, open_page):
    first, second = runs_of(home)
    page = open_page(first, second)
    rows = open_shared([first, second], load_dataset("shapes", home)).rows

    for place in range(100):
        ask(page, place)
        row = int(rows[place])
        assert page.evaluate(SHOWN) == [expected(home, run, row) for run in (first, second)]


def test_filters_ties_and_flipped_bits_are_those_of_the_app(home, open_page):
    run, _ = runs_of(home)
    page = open_page(run)
    opened = open_run(run.id, home)
    rows = open_shared([run], opened.dataset).rows
    ask(page, 3)
    row = int(rows[3])

    page.select_option("#label", label="cross")
    assert page.evaluate(SHOWN)[0] == expected(home, run, row, where=Where(("cross",)))
    page.fill("#words", "dots 004")
    page.select_option("#label", "")
    wanted = Where(words=words_of("dots 004"))
    assert page.evaluate(SHOWN)[0] == expected(home, run, row, where=wanted)
    page.select_option("#within", "0")
    page.fill("#words", "nothing-has-this")
    assert "No image passes all filters." in page.inner_text("#results")
    page.click("#clear")

    code = stored_query(run, row).code
    distances = code.hamming(opened.searched_codes)[0][opened.searched_rows != row]
    last = page.evaluate(SHOWN)[0][-1][1]
    total, shown = (
        int((distances == last).sum()),
        sum(d == last for _, d in page.evaluate(SHOWN)[0]),
    )
    tie = f"{total} images are equally near at distance {last}; {shown} of them are shown"
    assert (tie in page.inner_text("#results")) == (shown < total)
    assert "sorted by the likeness of their features" in page.inner_text("#results")

    page.click(".bits button >> nth=0")
    flipped = code.packed.copy()
    flipped[0, 0] ^= 128
    assert page.evaluate(SHOWN)[0] == expected(home, run, row, code=HashCodes(flipped, 16))
    assert "in the order of their ids" in page.inner_text("#results")
    page.click("text=Undo 1 flip")
    assert page.evaluate(SHOWN)[0] == expected(home, run, row)


def test_the_keyboard_reaches_everything(home, open_page):
    page = open_page(runs_of(home)[0])
    ask(page, 5)

    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => state.query === 6")
    page.keyboard.press("/")
    page.keyboard.type("stripes 007")
    assert page.inner_text("#picked") == "1 image found"
    page.keyboard.press("Tab")  # close
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_function("() => data.ids[state.query].startsWith('stripes/007')")
    assert page.evaluate("document.activeElement.id") == "query-name"
    page.focus("#results .tiles button")
    wanted = page.evaluate("document.activeElement.dataset.id")
    page.keyboard.press("Enter")
    page.wait_for_function("id => data.ids[state.query] === id", arg=wanted)
    page.focus(".bits button")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    assert page.evaluate("[...state.flipped[0]]") == [1]
    assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    page.keyboard.press("0")
    assert page.evaluate("state.flipped[0].size") == 0
    page.go_back()
    page.wait_for_function("id => data.ids[state.query] !== id", arg=wanted)


def test_it_fits_a_phone_and_runs_nothing_from_names(home, open_page):
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    page = open_page(*runs_of(home), narrow=True, findings=Findings(title=hostile, finding=hostile))

    assert page.inner_text("h1") == hostile
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.tap("#results .tiles button >> nth=2")
    page.wait_for_function("() => location.hash !== ''")
    sizes = page.evaluate(
        "[...document.querySelectorAll('button')].filter((one) => one.offsetParent)"
        ".map((one) => Math.min(one.offsetWidth, one.offsetHeight))"
    )
    assert min(sizes) >= 24


def test_a_folder_shows_its_pictures_from_disk(home, open_page, monkeypatch):
    monkeypatch.setattr(search_file, "MOST_BYTES", 1)
    page = open_page(runs_of(home)[0])

    page.wait_for_function(
        """async () => {
            const node = document.querySelector('#results .picture')
            const image = new Image()
            image.src = node.style.backgroundImage.slice(5, -2)
            await image.decode()
            return image.naturalWidth === 1280
        }"""
    )
