"""Routes for operators: /healthz, /readyz and /metrics."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from pipeline.index.store.base import CodeStore
from pipeline.settings import Settings
from pipeline.watch.library import LibraryCollector
from pipeline.watch.measures import REGISTRY
from pipeline.watch.readiness import READY, Readiness

Refuse = Callable[[Request], Response | None]  # the answer for who may not ask; None for who may


def watch_routes(
    settings: Settings, store: Callable[[], CodeStore], refuse: Refuse, *, needs_worker: bool
) -> list[BaseRoute]:
    """The routes; metrics alone ask for a key.

    Args:
        settings: say where the library is.
        store: gives the index.
        refuse: the check of keys.
        needs_worker: whether queued work without a worker makes the server not ready.
    """
    readiness = Readiness(settings, store, needs_worker=needs_worker)
    of_library = CollectorRegistry()
    of_library.register(LibraryCollector(settings, readiness.passed))

    # None is async: Starlette gives each a thread.
    def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    def ready(_: Request) -> Response:
        checks = readiness.checks()
        is_ready = set(checks.values()) == {READY}
        body = {"status": READY if is_ready else "not ready", "checks": checks}
        return JSONResponse(body, 200 if is_ready else 503)

    def metrics(request: Request) -> Response:
        if (refused := refuse(request)) is not None:
            return refused
        content = generate_latest(REGISTRY) + generate_latest(of_library)
        return Response(content, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [Route("/healthz", health), Route("/readyz", ready), Route("/metrics", metrics)]
