"""The service alone, as `serve` runs it."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from functools import cache

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from pipeline.index.store.base import CodeStore
from pipeline.index.store.opening import store_of
from pipeline.serving.routes import FAULTS, api_routes, problem
from pipeline.serving.service import Service
from pipeline.settings import Settings
from pipeline.watch.requests import Watched
from pipeline.watch.routes import Refuse, watch_routes


def api_app(settings: Settings) -> Starlette:
    """The application: the routes of the service, and those for operators.

    Args:
        settings: say where the library is, and who has a key.
    """

    @cache
    def store() -> CodeStore:
        return store_of(settings, is_read_only=True)

    refuse = key_check(settings.keys)
    watch = watch_routes(settings, store, refuse, needs_worker=False)
    return Starlette(
        routes=[api_routes(Service(settings, store), refuse), *watch],
        middleware=[Middleware(Watched)],
        exception_handlers=FAULTS,
    )


def key_check(keys: tuple[tuple[str, str], ...]) -> Refuse:
    """Refuse who has none of these keys; where there are none, nobody is asked.

    Args:
        keys: role and key of each; every role may search.
    """
    digests = [hashlib.sha256(key.encode()).digest() for _, key in keys]

    def refuse(request: Request) -> Response | None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        given = key.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
        digest = hashlib.sha256(given.encode()).digest()
        if not digests or any(hmac.compare_digest(one, digest) for one in digests):
            return None
        answer = problem(401, "unauthorized", "send a key as 'Authorization: Bearer KEY'")
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer

    return refuse


def check_host(host: str, settings: Settings) -> None:
    """Refuse to let other machines in where nobody is asked for a key.

    Raises:
        ValueError: that is so.
    """
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not (is_loopback or settings.keys):
        raise ValueError(
            f"the service would listen on {host} for everyone who reaches it; set "
            "HASHLENS_API_KEYS=viewer:KEY, or listen on 127.0.0.1"
        )
