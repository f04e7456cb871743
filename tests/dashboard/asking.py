"""Requests to the routes beside the pages, over ASGI as a server sends them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from streamlit.web.server.starlette.starlette_app_utils import generate_xsrf_token_string

from dashboard.routes import routes
from pipeline.settings import Settings

TOKEN = generate_xsrf_token_string()
FROM_PAGE = {"cookie": f"_streamlit_xsrf={TOKEN}", "x-xsrftoken": TOKEN}


def ask(
    settings: Settings,
    url: str,
    headers: Mapping[str, str],
    method: str = "PUT",
    chunks: Iterable[bytes] = (b"x",),
    *,
    ends: bool = True,
) -> tuple[int, str]:
    """Status and text of the answer to a request whose body comes in chunks."""
    return asyncio.run(
        answer(Starlette(routes=routes(settings)), url, headers, method, chunks, ends)
    )


async def answer(
    app: Starlette,
    url: str,
    headers: Mapping[str, str],
    method: str = "PUT",
    chunks: Iterable[bytes] = (b"x",),
    ends: bool = True,
) -> tuple[int, str]:
    """As `ask`, of an app that several requests share."""
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": one, "more_body": True} for one in chunks
    ]
    messages.append({"type": "http.request", "body": b""} if ends else {"type": "http.disconnect"})
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": unquote(url),
        "query_string": b"",
        "headers": [(name.lower().encode(), one.encode()) for name, one in headers.items()],
    }
    await app(scope, receive, send)
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent).decode()
