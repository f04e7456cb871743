"""What somebody writes to search codes over HTTP: a scan behind one route.

    uvicorn benchmarks.apps.plain_rest:app

The codes lie in the file that BENCHMARK_CODES names.
"""

from __future__ import annotations

import os

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

CODES = np.load(os.environ["BENCHMARK_CODES"]).view(np.uint64)[:, 0]


def nearest(code: str, k: int) -> list[dict[str, int]]:
    """The rows of the k nearest codes with their distances."""
    query = np.frombuffer(bytes.fromhex(code), np.uint64)[0]
    distances = np.bitwise_count(CODES ^ query)
    found = np.argsort(distances, kind="stable")[:k]
    return [{"row": int(row), "distance": int(distances[row])} for row in found]


async def search(request: Request) -> Response:
    """POST {"code": hexadecimal, "k": number}."""
    asked = await request.json()
    return JSONResponse(await run_in_threadpool(nearest, asked["code"], asked["k"]))


async def health(_: Request) -> Response:
    """Whether the service is there."""
    return PlainTextResponse("ok")


app = Starlette(
    routes=[Route("/api/v1/search", search, methods=["POST"]), Route("/healthz", health)]
)
