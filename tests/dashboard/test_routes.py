"""The upload route: streams to disk within limits, for tokens that were given out, once each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest
from starlette.applications import Starlette

from dashboard.routes import routes
from dashboard.services import uploads
from pipeline.settings import Settings
from tests.dashboard.asking import FROM_PAGE, answer, ask


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
    """Send a body in chunks from the Import page; status and text of the answer."""
    headers = FROM_PAGE if length is None else FROM_PAGE | {"content-length": str(length)}
    return ask(settings, url, headers, chunks=chunks, ends=ends)


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


def test_two_writers_of_one_token_do_not_mix(own: Settings):
    token, app = uploads.new_token(own), Starlette(routes=routes(own))
    urls = [f"/api/import/{token}/a.zip"] * 2

    async def both() -> list[tuple[int, str]]:
        bodies = ([b"a"] * 50, [b"b"] * 50)
        asked = zip(urls, bodies, strict=True)
        return await asyncio.gather(
            *(answer(app, url, FROM_PAGE, chunks=body) for url, body in asked)
        )

    (first, _), (second, text) = asyncio.run(both())

    assert (first, second) == (200, 409)
    assert "on its way already" in text
    assert uploads.uploaded(token, own).read_bytes() == b"a" * 50


def test_an_upload_from_another_site_is_refused(own: Settings):
    token = uploads.new_token(own)

    assert ask(own, f"/api/import/{token}/a.zip", {"cookie": FROM_PAGE["cookie"]})[0] == 403
    assert uploads.uploaded(token, own) is None


def test_an_upload_that_the_disk_has_no_room_for_leaves_nothing(own: Settings, monkeypatch):
    token = uploads.new_token(own)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dashboard.routes._stream", full)

    status, text = ask(own, f"/api/import/{token}/a.zip", FROM_PAGE)

    assert (status, text) == (507, "the upload cannot be stored: No space left on device")
    assert list((own.home / "uploads" / token).iterdir()) == []
