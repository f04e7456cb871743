"""The upload route: streams to disk within limits, for tokens that were given out, once each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

import pytest
from starlette.applications import Starlette

from dashboard.routes import routes
from dashboard.services import uploads
from pipeline.settings import Settings


@pytest.fixture
def own(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, upload_limit_gb=1e-5)  # 10,000 bytes


def put(
    settings: Settings,
    url: str,
    chunks: Iterable[bytes],
    *,
    length: int | None = None,
    ends: bool = True,
) -> tuple[int, str]:
    """Send a body in chunks over ASGI, as a server does; status and text of the answer."""
    app = Starlette(routes=routes(settings))
    messages = [{"type": "http.request", "body": one, "more_body": True} for one in chunks]
    messages.append({"type": "http.request", "body": b""} if ends else {"type": "http.disconnect"})
    sent: list[dict] = []

    async def receive() -> dict:
        return messages.pop(0)

    async def send(message: dict) -> None:
        sent.append(message)

    headers = [] if length is None else [(b"content-length", str(length).encode())]
    scope = {
        "type": "http",
        "method": "PUT",
        "path": unquote(url),
        "query_string": b"",
        "headers": headers,
    }
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent).decode()


def test_a_file_is_stored_whole_under_a_harmless_name(own: Settings):
    token = uploads.new_token(own)

    status, _ = put(own, f"/api/import/{token}/my%20pets.zip", [b"ab", b"cd"], length=4)

    assert status == 200
    file = uploads.uploaded(token, own)
    assert file is not None
    assert (file.name, file.read_bytes()) == ("my-pets.zip", b"abcd")


def test_a_token_is_good_for_one_file(own: Settings):
    token = uploads.new_token(own)
    put(own, f"/api/import/{token}/a.zip", [b"first"])

    assert put(own, f"/api/import/{token}/b.zip", [b"second"])[0] == 409
    assert uploads.uploaded(token, own).read_bytes() == b"first"


@pytest.mark.parametrize("token", ["x" * 32, "..", "short", "%2e%2e"])
def test_other_tokens_are_not_known(own: Settings, token: str):
    uploads.new_token(own)

    assert put(own, f"/api/import/{token}/a.zip", [b"x"])[0] == 404
    assert not list(own.home.rglob("a.zip*"))


@pytest.mark.parametrize("length", [None, 50_000, 10])
def test_too_much_is_refused_whatever_the_header_says(own: Settings, length: int | None):
    token = uploads.new_token(own)

    status, text = put(own, f"/api/import/{token}/a.zip", [bytes(6_000)] * 8, length=length)

    assert status == 413
    assert "larger than" in text
    assert list((own.home / "uploads" / token).iterdir()) == []


def test_a_connection_that_breaks_leaves_nothing_and_can_be_tried_again(own: Settings):
    token = uploads.new_token(own)

    assert put(own, f"/api/import/{token}/a.zip", [b"half"], ends=False)[0] == 413
    assert uploads.uploaded(token, own) is None
    assert put(own, f"/api/import/{token}/a.zip", [b"whole"])[0] == 200
