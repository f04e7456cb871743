"""Requests: an id for each, a count, and a line in the log."""

from __future__ import annotations

import logging
import re
import time
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.logs import begin
from pipeline.watch.measures import REQUESTS

HEADER = "X-Request-Id"
_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_API = "/api/"
# What requests are counted by. Paths themselves hold names, hashes and tokens of uploads.
_ROUTES = (
    *("/api/v1/search", "/api/v1/encode", "/api/v1/datasets", "/api/v1/runs"),
    *("/api/v1/openapi.json", "/api/import", "/thumbs", "/healthz", "/readyz", "/metrics"),
)
_METHODS = ("GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH")
_log = logging.getLogger(__name__)


class Watched:
    """ASGI middleware: gives each request an id, which its lines in the log and its answer have.

    A well-formed `X-Request-Id` of the client is taken over.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and note what came of it."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        given = Headers(scope=scope).get(HEADER, "")
        name = given if _WELL_FORMED.fullmatch(given) else uuid4().hex
        # Never taken back: the server logs what a request raises in the same task, after this.
        begin(request=name)
        began, status = time.perf_counter(), 500

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = name
            await send(message)

        try:
            return await self._app(scope, receive, named)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            route, ms = route_of(scope["path"]), 1000 * (time.perf_counter() - began)
            REQUESTS.labels(method, route, str(status)).inc()
            level = logging.INFO if route.startswith(_API) else logging.DEBUG
            _log.log(level, "%s %s: %d in %.1f ms", method, route, status, ms)


def route_of(path: str) -> str:
    """The route that a path leads to, one of a few; `other` for pages, and where there is none."""
    return next((one for one in _ROUTES if f"{path}/".startswith(f"{one}/")), "other")
