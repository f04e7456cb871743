"""Requests to the REST service by 20 clients at once: times, rates and errors, on the loopback.

    python -m benchmarks.bench_rest RUN [--clients 20] [--requests 600] [--seconds 30]

starts the service on the library of HASHLENS_HOME, asks each kind of query so many times or so
long, whichever ends first, and stops it. Clients are threads of this process.
"""

from __future__ import annotations

import argparse
import itertools
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np

from pipeline.datasets.dataset import load_dataset
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings

Ask = Callable[[httpx.Client, int], httpx.Response]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--requests", type=int, default=600)
    parser.add_argument("--seconds", type=float, default=30)
    asked = parser.parse_args()
    settings = Settings.from_environment()
    run = RunRegistry(settings).open(asked.run)
    with served() as url:
        print(f"{run.id}, {asked.clients} clients, up to {asked.requests} requests of each kind")
        print("| query | requests | errors | per second | p50 ms | p95 ms | p99 ms |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        for name, ask in kinds(run.id, settings).items():
            with httpx.Client(base_url=url, timeout=120) as first:
                ask(first, 0)  # networks and index are opened by the first
            times, n_errors, seconds = load(url, ask, asked.clients, asked.requests, asked.seconds)
            p50, p95, p99 = 1000 * np.percentile(times, [50, 95, 99])
            rate = len(times) / seconds
            print(
                f"| {name} | {len(times):,} | {n_errors} | {rate:,.0f} "
                f"| {p50:,.0f} | {p95:,.0f} | {p99:,.0f} |"
            )


def kinds(run: str, settings: Settings) -> dict[str, Ask]:
    """What is asked, by name; the number chooses among 200 images."""
    dataset = load_dataset(RunRegistry(settings).open(run).spec.dataset, settings)
    rows = np.linspace(0, len(dataset) - 1, 200).astype(int)
    ids = [str(dataset.manifest["image_id"].iloc[row]) for row in rows]
    contents = [dataset.image_path(int(row)).read_bytes() for row in rows]

    def search(client: httpx.Client, query: dict[str, Any]) -> httpx.Response:
        return client.post("/search", json={"run": run, "k": 24, **query})

    def image(client: httpx.Client, number: int, path: str) -> httpx.Response:
        headers = {"content-type": "application/octet-stream"}
        content = contents[number % len(contents)]
        return client.post(path, content=content, headers=headers, params={"run": run})

    return {
        "runs": lambda client, _: client.get("/runs"),
        "search, code": lambda client, n: search(
            client, {"code": code_of(client, run, ids[n % 200])}
        ),
        "search, stored image": lambda client, n: search(client, {"id": ids[n % 200]}),
        "search, stored image, by codes alone": lambda client, n: search(
            client, {"id": ids[n % 200], "order": "codes"}
        ),
        "search, image file": lambda client, n: image(client, n, "/search"),
        "encode, image file": lambda client, n: image(client, n, "/encode"),
    }


_codes: dict[str, str] = {}


def code_of(client: httpx.Client, run: str, image_id: str) -> str:
    """The code of a stored image, asked for once."""
    if image_id not in _codes:
        _codes[image_id] = client.post("/encode", json={"run": run, "id": image_id}).json()["code"]
    return _codes[image_id]


def load(
    url: str, ask: Ask, n_clients: int, n_requests: int, seconds: float
) -> tuple[list[float], int, float]:
    """Seconds of each request, how many were not answered, and seconds in all."""
    numbers, times, n_errors = itertools.count(), [], 0
    began = time.perf_counter()
    lock = threading.Lock()

    def work() -> None:
        nonlocal n_errors
        with httpx.Client(base_url=url, timeout=120) as client:
            while True:
                with lock:
                    number = next(numbers)
                if number >= n_requests or time.perf_counter() - began > seconds:
                    return
                start = time.perf_counter()
                answer = ask(client, number)
                taken = time.perf_counter() - start
                with lock:
                    times.append(taken)
                    n_errors += answer.status_code != 200

    clients = [threading.Thread(target=work) for _ in range(n_clients)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return times, n_errors, time.perf_counter() - began


@contextmanager
def served() -> Iterator[str]:
    """The service on a free port; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "pipeline", "serve", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            for _ in range(240):
                try:
                    httpx.get(f"{url}/healthz", timeout=1)
                    break
                except httpx.HTTPError:
                    time.sleep(0.25)
            yield f"{url}/api/v1"
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
