"""Load: twenty people search at once, on the Search page and over REST."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np

from benchmarks.frame import Case, Figures, Subject, Work
from benchmarks.library import searchable
from benchmarks.servers import Server, Visitor, load, streamlit
from benchmarks.subjects import search
from pipeline.index.coverage import searched_codes
from pipeline.runs.run import Run

USERS, VISITS, REQUESTS, TOP = 20, 10, 30, 24
_PAGE, _REST = f"{USERS} users of the Search page", f"{USERS} users of REST"


def prepare(size: int, folder: Path) -> None:
    """The library, and its codes for who does without HashLens."""
    run, _ = searchable(size, search.library(folder))
    codes, rows = searched_codes(run)
    np.save(folder / "codes.npy", codes.packed[np.argsort(rows)])


def environment(folder: Path) -> dict[str, str]:
    """Variables of the servers that read the library."""
    return {
        "HASHLENS_HOME": str(search.library(folder).home),
        "HASHLENS_START_WORKER": "0",
        "QDRANT_URL": "",
        "BENCHMARK_CODES": str(folder / "codes.npy"),
    }


def visiting(script: str, page: str, size: int, folder: Path) -> Work:
    """Each user opens the page, which is not counted, and searches with one image after another."""
    server = streamlit(script, environment(folder))
    visitors = [Visitor(server.host, page) for _ in range(USERS)]
    for visitor in visitors:
        assert visitor.visit(""), "the page did not open"
    rows = np.random.default_rng(0).integers(0, size, USERS * VISITS)

    def work() -> Figures:
        asks = [lambda n, tab=tab: tab.visit(f"q=ds:{rows[n]}") for tab in visitors]
        figures = {**load(asks, VISITS), **server.figures()}
        return figures | {"pictures": sum(tab.n_pictures for tab in visitors)}

    return work


def requesting(
    command: list[str], request: Callable[[httpx.Client, str, str], httpx.Response]
) -> Callable[[int, Path], Work]:
    """Each user sends one request after the other; a first one, not counted, opens the run."""

    def ready(size: int, folder: Path) -> Work:
        run: Run = searchable(size, search.library(folder))[0]
        server = Server(command, environment(folder))
        packed = np.load(folder / "codes.npy")
        rows = np.random.default_rng(0).integers(0, size, USERS * REQUESTS)
        address = f"http://{server.host}"
        clients = [httpx.Client(base_url=address, timeout=120) for _ in range(USERS)]
        codes = [packed[row].tobytes().hex() for row in rows]
        assert request(clients[0], run.id, codes[0]).is_success, "no answer"

        def work() -> Figures:
            asks = [
                lambda n, c=client: request(c, run.id, codes[n]).is_success for client in clients
            ]
            return {**load(asks, REQUESTS), **server.figures()}

        return work

    return ready


def hashlens_page(size: int, folder: Path) -> Work:
    """The dashboard."""
    return visiting("dashboard/app.py", "search", size, folder)


def plain_page(size: int, folder: Path) -> Work:
    """A plain Streamlit script."""
    return visiting("benchmarks/apps/plain_search.py", "", size, folder)


def empty_page(size: int, folder: Path) -> Work:
    """A page with a title."""
    return visiting("benchmarks/apps/empty.py", "", size, folder)


def by_run(client: httpx.Client, run: str, code: str) -> httpx.Response:
    """A search of our service."""
    return client.post("/api/v1/search", json={"run": run, "code": code, "k": TOP})


def by_codes(client: httpx.Client, _run: str, code: str) -> httpx.Response:
    """A search of the plain service."""
    return client.post("/api/v1/search", json={"code": code, "k": TOP})


def healthy(client: httpx.Client, _run: str, _code: str) -> httpx.Response:
    """The least that a service can answer."""
    return client.get("/healthz")


_SERVE = ["pipeline", "serve", "--port", "{port}"]
_PLAIN = ["uvicorn", "benchmarks.apps.plain_rest:app", "--port", "{port}", "--no-access-log"]
SUBJECT = Subject(
    name="load",
    title="Load",
    protocol=(
        f"{USERS} users at once; the server has one process and one thread of torch. On the Search "
        "page each has a session over the WebSocket that browsers use, searches "
        f"{VISITS} times for {TOP} results and fetches the thumbnails it has not seen; a search "
        "ends when page and thumbnails are there; the next begins at once. What a browser does is "
        "not counted, nor the opening of the page. Over REST each sends "
        f"{REQUESTS} searches by a code. Clients and server share the cores. The data set has no "
        "pictures: tiles are drawn for it. CPU s and MiB of a row are the clients'; the server's, "
        "with its start, stand at the end."
    ),
    peer="a plain Streamlit script that scans the codes with numpy and shows as many pictures; a "
    "plain Starlette service that scans them.",
    bound="a Streamlit page with a title; a route that answers ok.",
    unit="searches",
    prepare=prepare,
    cases=(
        Case("HashLens", "ours", hashlens_page, _PAGE, once=True),
        Case("plain Streamlit script", "peer", plain_page, _PAGE, once=True),
        Case("empty Streamlit page", "bound", empty_page, _PAGE, once=True),
        Case("HashLens", "ours", requesting(_SERVE, by_run), _REST, once=True),
        Case("plain Starlette service", "peer", requesting(_PLAIN, by_codes), _REST, once=True),
        Case("`/healthz`", "bound", requesting(_SERVE, healthy), _REST, once=True),
    ),
    clock="wall_s",
)
