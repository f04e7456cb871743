"""The Search page at 60,000 images: first result after an upload, page flip, searches in a row.

Run: python -m benchmarks.bench_search_page [images] [folder]

Images are 16 x 16 pixels of noise in ten colours, features come from the tiny network: both are
small so that the library is made in minutes. What is timed does not depend on them, except the
encoding, which the default backbone does in some 50 ms on one core.
"""

from __future__ import annotations

import io
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipeline.index.publish import publish
from pipeline.index.store.opening import store_of
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.sources import SourceRequest, open_source
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings
from tests.dashboard.browsing import CHROMIUM, READY, serve

_ROUNDS = 7


def make_library(n: int, home: Path) -> Settings:
    """A library of n images with one published run of 64 bits; what is there already stays."""
    settings = Settings(home=home / "home", threads=int(os.environ.get("HASHLENS_THREADS", 2)))
    if list(settings.runs_path.glob("*/index.json")):
        return settings
    rng = np.random.default_rng(0)
    for number in range(10):
        folder = home / "images" / f"class {number}"
        folder.mkdir(parents=True)
        colour = rng.integers(0, 200, 3)
        for index in range(n // 10):
            pixels = colour + rng.integers(0, 56, (16, 16, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{index}.png")
    request = SourceRequest(name="noise", path=home / "images")
    dataset = import_dataset(open_source("folder", request), settings)
    spec = RunSpec(dataset="noise", method="itq", bits=64, backbone="tiny")
    run = RunRegistry(settings).create(spec)
    execute(run, settings)
    store = store_of(settings)
    record = publish(run, dataset, store)
    store.close()
    print(f"{len(dataset):,} images, {record.count:,} codes in the index")
    return settings


def main(n: int, home: Path) -> None:
    """Make the library, open the page, print a table."""
    from playwright.sync_api import expect, sync_playwright

    settings = make_library(n, home)
    with serve(settings.home) as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_page(viewport={"width": 1366, "height": 900})
        with timed("first page, cold server", [began := []]):
            page.goto(f"{base}/search?k=200")
            page.wait_for_selector(READY, timeout=120_000)
            expect(page.get_by_role("button", name=re.compile("^rank 1,"))).to_be_visible()
        flips: list[float] = []
        for _ in range(_ROUNDS):
            for number, rank in ((2, 101), (1, 1)):
                page.wait_for_selector(READY)  # nobody clicks before the page is drawn
                with timed("", [flips]):
                    page.get_by_role("button", name=f"Page {number}", exact=True).click()
                    first = page.get_by_role("button", name=re.compile(f"^rank {rank},"))
                    expect(first).to_be_visible()
        uploads = {k: upload_often(page, f"{base}/search?k={k}") for k in (24, 100)}
        browser.close()
    print(f"first page, cold server        {began[0]:.2f} s")
    show("page flip, 100 results", flips)
    print(f"first upload (loads the network) {uploads[24][0]:.2f} s")
    for k, seconds in uploads.items():
        show(f"first of {k} results after upload", seconds[1:])


def upload_often(page: Any, address: str) -> list[float]:
    """Seconds from giving an image to its first result on screen, with its times."""
    from playwright.sync_api import expect

    page.goto(address)
    expect(page.get_by_text("P@100")).to_be_visible(timeout=60_000)
    found: list[float] = []
    for number in range(_ROUNDS):
        page.wait_for_selector(READY)
        with timed("", [found]):
            upload(page, number)
            unknown = page.get_by_role("button", name=re.compile("^rank 1,.*relevance unknown"))
            expect(unknown).to_be_visible(timeout=60_000)
            expect(page.get_by_text(re.compile("encoding .* search"))).to_be_visible()
        page.get_by_role("button", name=re.compile("^search with example")).first.click()
        expect(page.get_by_text("P@100")).to_be_visible()
    return found


def upload(page: Any, number: int) -> None:
    """Give the page an image of its own."""
    content = io.BytesIO()
    Image.new("RGB", (64, 64), (10 * number, 90, 200 - number)).save(content, "PNG")
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": f"{number}.png", "mimeType": "image/png", "buffer": content.getvalue()}
    )


@contextmanager
def timed(_name: str, into: list[list[float]]) -> Iterator[None]:
    """Append the seconds of the block to a list."""
    began = time.perf_counter()
    yield
    into[0].append(time.perf_counter() - began)


def show(name: str, seconds: list[float]) -> None:
    """Median, and the worst."""
    middle, worst = statistics.median(seconds), max(seconds)
    print(f"{name:30} {middle:.2f} s median of {len(seconds)}, {worst:.2f} s worst")


if __name__ == "__main__":
    given = sys.argv[1:]
    where = Path(given[1]) if len(given) > 1 else Path(tempfile.mkdtemp())
    main(int(given[0]) if given else 60_000, where)
