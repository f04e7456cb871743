"""A browser for tests: the dashboard on a free port, and tabs that note what goes wrong in them."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.factories import copied_library, wait_until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_ROOT = Path(__file__).resolve().parents[2]
READY = (
    "[data-testid=stApp][data-test-connection-state=CONNECTED][data-test-script-state=notRunning]"
)
# Streamlit probes these below a page's own path before it finds the root; the answer is a 404.
_BENIGN = re.compile(r"/\w+/_stcore/(health|host-config)$")

NEEDS_BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
    pytest.mark.skipif(
        importlib.util.find_spec("playwright") is None, reason="playwright is not installed"
    ),
]

# What a dashboard is seen in: a desk's screen and a phone's, by day and by night.
SIZES = {"wide": (1366, 900), "narrow": (390, 844)}
LOOKS = [(size, scheme) for size in SIZES for scheme in ("light", "dark")]
IN_EVERY_LOOK = pytest.mark.parametrize("look", LOOKS, ids="-".join)
IN_TWO_LOOKS = pytest.mark.parametrize(  # what pages do, rather than how they are laid out
    "look", [("wide", "light"), ("narrow", "dark")], ids="-".join
)


@dataclass
class Tab:
    """A page under watch: what went wrong in it, and where it sent requests."""

    page: Any
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._request)
        self.page.on("response", self._response)

    def settle(self) -> None:
        self.page.wait_for_selector(READY, timeout=30_000)

    def still(self) -> None:
        """Wait until the page is drawn and nothing on it moves."""
        self.settle()
        self.page.evaluate(
            """() => Promise.race([
                new Promise((done) => setTimeout(done, 5000)),  // one that is paused never ends
                Promise.all(document.getAnimations()
                    .filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
                    .map((one) => one.finished.catch(() => null))),
            ]).then(() => null)"""
        )

    def reach(self, name: str) -> None:
        """Go to a page; Streamlit loses a click during the last refresh of the one before."""
        from playwright.sync_api import expect

        heading = self.page.get_by_role("heading", name=name, exact=True)
        for _ in range(5):
            self.follow(name)
            with suppress(AssertionError):
                expect(heading).to_be_visible(timeout=5_000)
                return
        raise AssertionError(f"{name} was not reached")

    def follow(self, name: str) -> None:
        """Go to a page by the navigation, which a phone hides."""
        self.settle()
        opener = self.page.get_by_test_id("stExpandSidebarButton")
        if opener.is_visible():
            opener.click()
        self.page.get_by_role("link", name=name, exact=True).click()

    def choose(self, label: str, option: str | re.Pattern[str]) -> None:
        """Choose from a list; one that opens during a refresh of the page closes again."""
        from playwright.sync_api import Error

        box = self.page.get_by_role("combobox", name=label)
        entry = self.page.get_by_role("option", name=option, exact=isinstance(option, str))
        for _ in range(4):
            self.settle()
            box.click()
            with suppress(Error):
                entry.click(timeout=5_000)
                return
        raise AssertionError(f"{option} was not found in {label}")

    def drawer(self) -> Any:
        """The open drawer with the page behind it drawn: until then Streamlit may lose a press."""
        found = self.page.get_by_role("dialog")
        found.wait_for(timeout=30_000)
        self.settle()
        return found

    def seen(self) -> str:
        """The page in words, and its complaints; for the report of a failure."""
        try:
            shown = self.page.locator("body").aria_snapshot(timeout=5_000)
        except Exception as error:
            shown = f"(it cannot be read: {error})"
        return f"complaints: {self.complaints}\n{self.page.url} showed:\n{shown}"

    def _console(self, message: Any) -> None:
        is_benign = _BENIGN.search(message.location.get("url", ""))
        if message.type in ("error", "warning") and not is_benign:
            self.complaints.append(f"console: {message.text}")

    def _request(self, request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            self.complaints.append(f"left the machine: {request.url}")

    def _response(self, response: Any) -> None:
        if response.status >= 400 and not _BENIGN.search(response.url):
            self.complaints.append(f"{response.status} {response.url}")


OpenTab = Callable[..., Any]


def popover(page: Any, label: str) -> Any:
    """The button that opens a popover, by the beginning of its label."""
    return page.get_by_test_id("stPopoverButton").filter(has_text=label)


def copied_link(page: Any) -> str:
    """The address that Copy link puts on the clipboard."""
    from playwright.sync_api import expect

    page.wait_for_selector(READY, timeout=30_000)  # until then it is that of the page before
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    return str(page.evaluate("navigator.clipboard.readText()"))


def upload_and_check(page: Any, archive: Path) -> None:
    """On the Import page, until its check has found class folders."""
    from playwright.sync_api import expect

    page.locator("input[accept]").set_input_files(archive)
    expect(page.get_by_text(f"{archive.name} is on the server.")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("Looks like class folders")).to_be_visible(timeout=60_000)


def import_checked(page: Any, name: str, n: int) -> None:
    """Press the button that the check offers, until the data set is there."""
    from playwright.sync_api import expect

    page.get_by_role("button", name=f"Import {n} images as {name}").click()
    expect(page.get_by_text(f"{name} is in the library.")).to_be_visible(timeout=60_000)


@pytest.fixture(scope="module")
def served_home(shared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that the server shows; all tests of this file share it."""
    return copied_library(shared_home, tmp_path_factory.mktemp("served") / "home")


@pytest.fixture(scope="module")
def server(served_home: Path) -> Iterator[str]:
    """The dashboard on a free port."""
    with serve(served_home) as base:
        yield base


@contextmanager
def serve(home: Path, *options: str) -> Iterator[str]:
    """Run the dashboard on a library; ended by its own process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (home.parent / "server.log").open("w")
    command = [sys.executable, "-m", "streamlit", "run", "dashboard/app.py"]
    process = subprocess.Popen(
        [*command, f"--server.port={port}", "--server.address=127.0.0.1", *options],
        cwd=_ROOT,
        env={
            **os.environ,
            "HASHLENS_HOME": str(home),
            "QDRANT_URL": "",
            "HASHLENS_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        },
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    base = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(f"{base}/healthz"))
        yield base
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)
        log.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)  # other tests may use the cores meanwhile
    with sync_playwright() as playwright:
        camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", *camera]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def look() -> tuple[str, str]:
    """Size and colour scheme of the tabs; IN_EVERY_LOOK gives a test all of them."""
    return LOOKS[0]


@pytest.fixture
def open_tab(server: str, browser: Any, look: tuple[str, str]) -> OpenTab:
    """Opens an address; at the end nothing may have gone wrong in the tab."""
    size, scheme = look
    width, height = SIZES[size]

    @contextmanager
    def opened(path: str = "/search"):
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        tab = Tab(context.new_page())
        tab.watch()
        try:
            tab.page.goto(server + path)
            tab.settle()
            yield tab
            assert tab.page.locator("[data-testid=stException]").count() == 0
            assert tab.complaints == [], tab.complaints
        except BaseException as error:
            error.add_note(tab.seen())
            raise
        finally:
            context.close()

    return opened


def _answers(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(url, timeout=1):
        return True
    return False
