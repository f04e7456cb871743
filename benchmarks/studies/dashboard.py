"""How long a person waits for the dashboard.

    python -m benchmarks.studies.dashboard            the leaderboard with 90 runs, opened anew
    python -m benchmarks.studies.dashboard LIBRARY    all pages, a query, an upload, a check

The 90 runs are 30 models at 3 code lengths: copies of one real run under other settings, with
reports and curves of their own. A library is the folder of `make demo`, or a copy of it.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

from pipeline.evaluation.report import Curves
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.dashboard.browsing import CHROMIUM, READY, serve, upload_and_check
from tests.dashboard.pages import draw_images
from tests.factories import imported, spec, write_images
from tests.layout_writers import zipped

_MAIN = Path(__file__).resolve().parents[1] / "dashboard" / "main.py"
_MODELS, _BITS = 30, (16, 32, 64)
_LIMIT_S = 3.0
_ROUNDS, _CACHED_S = 5, 5.2  # visits, and seconds between them
_HEADING = "h1"
_PAGES = (
    "Overview",
    "Search",
    "Compare",
    "Codes",
    "Browse",
    "Leaderboard",
    "Curves",
    "Failures",
    "Advisor",
    "Import",
    "Train",
    "Runs",
    "Report",
    "Status",
)
_CHARTS_AND_TABLES_ARE_THERE = """() => [...document.querySelectorAll(
    "[data-testid=stMain] :is([data-testid=stVegaLiteChart], [data-testid=stDataFrame])"
)].every((one) => one.querySelector("svg, canvas"))"""
_SWITCH_S, _QUERY_S, _UPLOAD_S, _CHECK_S = 1.0, 1.0, 2.0, 2.0  # limits
_DRAWN = (
    "[data-testid=stDataFrame] and [data-testid=stVegaLiteChart] path[aria-roledescription=point]"
    " and [data-testid=stVegaLiteChart] path[aria-roledescription='line mark']"
)


def make_library(root: Path) -> Settings:
    """A library with 90 measured runs."""
    settings = Settings(home=root / "home", threads=1)
    imported(write_images(root / "images", per_class=30), settings)
    rng = np.random.default_rng(0)
    for bits in _BITS:
        first = RunRegistry(settings).create(spec(bits=bits, config={"iterations": 1}))
        execute(first, settings)
        report = json.loads((first.folder / "report.json").read_text("utf-8"))
        for number in range(1, _MODELS):
            other = RunRegistry(settings).create(spec(bits=bits, config={"iterations": number + 1}))
            own = (other.folder / "spec.json").read_bytes()
            shutil.copytree(first.folder, other.folder, dirs_exist_ok=True)
            (other.folder / "spec.json").write_bytes(own)
            change = float(rng.normal(0, 0.03))
            changed = report | {key: report[key] + change for key in ("map", "ci_low", "ci_high")}
            (other.folder / "report.json").write_text(json.dumps(changed), "utf-8")
            curves = Curves.load(first.folder / "curves.npz")
            curves.per_query_ap[:] = np.clip(curves.per_query_ap + change, 0, 1)
            curves.save(other.folder / "curves.npz")
    return settings


def in_process(home: Path) -> None:
    """Print the seconds of the first and of a second opening, without a browser."""
    os.environ["HASHLENS_HOME"] = str(home)
    app = AppTest.from_file(str(_MAIN), default_timeout=60)
    app.run()
    for page in ("leaderboard", "curves"):
        for which in ("first", "again"):
            began = time.perf_counter()
            app.switch_page(f"evaluate/{page}_page.py").run()
            assert not app.exception
            print(f"in process, {page}, {which}: {time.perf_counter() - began:.2f} s")


def in_browser(home: Path) -> None:
    """Print the seconds from address to table and chart on screen, of browsers new and used.

    Status has next to nothing on it: what it takes is the front end's own start.
    """
    from playwright.sync_api import sync_playwright

    with serve(home) as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        _seconds(browser.new_context(), f"{base}/status", "h1")  # the server's first page
        for path, marks in (("status", _HEADING), ("leaderboard", _DRAWN)):
            for name in ("new browser", "used browser"):
                used = browser.new_context()
                found = []
                for _ in range(_ROUNDS + 1):
                    context = browser.new_context() if name == "new browser" else used
                    found.append(_seconds(context, f"{base}/{path}", marks))
                found = sorted(found[1:])
                middle = found[len(found) // 2]
                verdict = "ok" if middle < _LIMIT_S else f"over {_LIMIT_S} s"
                print(f"{path}, {name}: median {middle:.2f} s, best {found[0]:.2f} s: {verdict}")
        browser.close()


def interactions(home: Path) -> None:
    """Print a table of waits on a library, each until the page is drawn to its end."""
    from playwright.sync_api import sync_playwright

    print("| interaction | median of 5 | worst | limit |\n| --- | --- | --- | --- |")
    with serve(home) as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(base)
        page.wait_for_selector(READY, timeout=120_000)
        switches: dict[str, list[float]] = {name: [] for name in _PAGES}
        for _ in range(_ROUNDS + 1):  # the first round warms
            for name in [*_PAGES[1:], _PAGES[0]]:
                switches[name].append(_switch(page, name))
        for name, seconds in switches.items():
            _row(f"to {name}", seconds[1:], _SWITCH_S)
        _switch(page, "Search")
        _row("example query", [_example(page, n % 2) for n in range(1, _ROUNDS + 2)][1:], _QUERY_S)
        uploads = [_upload(page, number) for number in range(_ROUNDS + 1)]
        _row("first upload of the server, to results", uploads[:1], float("inf"))
        _row("upload to results", uploads[1:], _UPLOAD_S)
        _row("import check of 60 images", _checks(page, base), _CHECK_S)
        browser.close()


def _row(name: str, seconds: list[float], limit: float) -> None:
    middle, worst = statistics.median(seconds), max(seconds)
    of = "" if limit == float("inf") else f"{limit:g} s" + (" (over)" if middle > limit else "")
    print(f"| {name} | {middle:.2f} s | {worst:.2f} s | {of} |", flush=True)


def _switch(page: Any, name: str) -> float:
    """From the click in the navigation to the page drawn to its end."""
    began = time.perf_counter()
    page.get_by_role("link", name=name, exact=True).first.click()
    page.get_by_role("heading", name=name, exact=True, level=1).wait_for(timeout=60_000)
    page.wait_for_selector(READY, timeout=60_000)
    page.wait_for_function(_CHARTS_AND_TABLES_ARE_THERE)
    return time.perf_counter() - began


def _example(page: Any, number: int) -> float:
    """From the click on an example to its first result."""
    first = page.get_by_role("button", name=re.compile("^rank 1,"))
    was = first.get_attribute("aria-label")
    began = time.perf_counter()
    page.get_by_role("button", name=re.compile("^search with example")).nth(number).click()
    while first.get_attribute("aria-label") == was:
        page.wait_for_timeout(10)
    page.wait_for_selector(READY)
    return time.perf_counter() - began


def _upload(page: Any, number: int) -> float:
    """From giving an image to its first result; then back to an example."""
    content = io.BytesIO()
    Image.new("RGB", (320, 240), (20 * number, 90, 200 - number)).save(content, "PNG")
    file = {"name": f"{number}.png", "mimeType": "image/png", "buffer": content.getvalue()}
    began = time.perf_counter()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(file)
    unknown = page.get_by_role("button", name=re.compile("^rank 1,.*relevance unknown"))
    unknown.wait_for(timeout=60_000)
    page.wait_for_selector(READY)
    seconds = time.perf_counter() - began
    page.get_by_role("button", name=re.compile("^search with example")).first.click()
    unknown.wait_for(state="detached", timeout=60_000)
    page.wait_for_selector(READY)
    return seconds


def _checks(page: Any, base: str) -> list[float]:
    """From giving a zip to what the check has found, five times; the first one warms."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        draw_images(Path(folder) / "drawings")
        archive = zipped(Path(folder) / "drawings", Path(folder) / "drawings.zip")
        for _ in range(_ROUNDS + 1):
            page.goto(f"{base}/import")
            page.wait_for_selector(READY, timeout=60_000)
            began = time.perf_counter()
            upload_and_check(page, archive)
            found.append(time.perf_counter() - began)
    return found[1:]


def _seconds(context: Any, url: str, marks: str) -> float:
    """From the address to the last of the marks; then past the lifetime of what is cached."""
    page = context.new_page()
    began = time.perf_counter()
    page.goto(url)
    for mark in marks.split(" and "):
        page.locator(mark).first.wait_for(timeout=120_000)
    seconds = time.perf_counter() - began
    page.close()
    time.sleep(_CACHED_S)
    return seconds


def main() -> None:
    """Print all, with what else the machine had to do."""
    if sys.argv[1:]:
        print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
        interactions(Path(sys.argv[1]).resolve())
        print(f"\nand after: {os.getloadavg()[0]:.1f}")
        return
    with tempfile.TemporaryDirectory() as folder:
        settings = make_library(Path(folder))
        print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        in_process(settings.home)
        in_browser(settings.home)
        print(f"and after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
