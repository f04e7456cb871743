"""How long the leaderboard takes to open with 30 models at 3 code lengths: 90 synthetic runs.

    python -m benchmarks.bench_dashboard

Runs are copies of one real run under other settings, with reports and curves of their own.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

from pipeline.evaluation.report import Curves
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.dashboard.browsing import CHROMIUM, serve
from tests.factories import imported, spec, write_images

_MAIN = Path(__file__).resolve().parents[1] / "dashboard" / "main.py"
_MODELS, _BITS = 30, (16, 32, 64)
_LIMIT_S = 3.0
_ROUNDS, _CACHED_S = 5, 5.2  # visits, and seconds between them
_HEADING = "h1"
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
    with tempfile.TemporaryDirectory() as folder:
        settings = make_library(Path(folder))
        print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        in_process(settings.home)
        in_browser(settings.home)
        print(f"and after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
