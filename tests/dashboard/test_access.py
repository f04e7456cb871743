"""Access: roles of keys and people, the check of routes, host names, forged requests, rates."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
from typing import Any

import pytest
import streamlit as st
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from streamlit.testing.v1 import AppTest
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import (
    create_signed_value,
    generate_xsrf_token_string,
)

from dashboard import access
from dashboard.access import AllowedHosts, RateLimit, check_binding, is_forged, read_access, role_of
from dashboard.services import uploads
from pipeline.settings import Settings
from tests.dashboard.asking import ask
from tests.dashboard.pages import MAIN
from tests.factories import ROOT

KEYS = {role: f"{role}-{'k' * 32}" for role in access.ROLES}
WITH_KEYS = Settings(api_keys=",".join(f"{role}:{key}" for role, key in KEYS.items()))
LOGIN = {
    "auth": {"redirect_uri": "http://localhost:8501/oauth2callback", "cookie_secret": "x" * 40},
    "access": {
        "viewer": ["*@example.org"],
        "reviewer": ["ann@example.org"],
        "operator": ["bob@example.org"],
    },
}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def cookie(**user: object) -> dict[str, str]:
    """The cookie that `st.login` sets."""
    content = json.dumps({"is_logged_in": True, **user})
    value = create_signed_value(get_cookie_secret(), "_streamlit_user", content)
    return {"Cookie": f"_streamlit_user={value.decode()}"}


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "secrets", lambda: LOGIN)


def test_without_login_and_keys_everyone_may_do_everything() -> None:
    assert role_of({}, Settings()) == "operator"


@pytest.mark.parametrize("role", access.ROLES)
def test_a_key_has_its_role_in_either_header(role: str) -> None:
    assert role_of(bearer(KEYS[role]), WITH_KEYS) == role
    assert role_of({"x-api-key": KEYS[role]}, WITH_KEYS) == role


@pytest.mark.parametrize("headers", [{}, bearer("viewer"), bearer(""), {"X-API-Key": "é"}])
def test_no_key_and_wrong_ones_have_no_role(headers: dict[str, str]) -> None:
    assert role_of(headers, WITH_KEYS) is None


@pytest.mark.parametrize(
    "keys", ["operator", ":" + "k" * 32, "operator:short-secret", "viewer:" + "k" * 30 + ",x"]
)
def test_a_malformed_key_is_refused_and_never_repeated(keys: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(api_keys=keys)

    assert "must be role:key" in str(caught.value.errors()[0]["msg"])
    assert "short-secret" not in repr(Settings(api_keys="viewer:" + "k" * 30))


def test_keys_are_shown_nowhere_and_given_to_no_other_process() -> None:
    assert "kkkk" not in repr(WITH_KEYS)
    assert not any("kkkk" in value for value in WITH_KEYS.environment().values())


def test_an_unknown_role_is_named() -> None:
    with pytest.raises(ValueError, match="no role 'admin'; there are viewer, reviewer, operator"):
        read_access(Settings(api_keys="admin:" + "k" * 32), {})
    with pytest.raises(ValueError, match="must be a list of addresses"):
        read_access(Settings(), {"access": {"viewer": "ann@example.org"}})


@pytest.mark.parametrize(
    ("user", "role"),
    [
        ({"email": "bob@example.org", "email_verified": True}, "operator"),
        ({"email": "Ann@Example.org"}, "reviewer"),
        ({"email": "eve@example.org"}, "viewer"),
        ({"email": "eve@example.com"}, None),
        ({"email": "bob@example.org", "email_verified": False}, None),
        ({}, None),
    ],
)
def test_a_person_has_the_highest_role_of_a_verified_address(
    login: None, user: dict[str, object], role: str | None
) -> None:
    assert role_of(cookie(**user), Settings()) == role


def test_a_cookie_that_this_server_has_not_signed_is_nobody(login: None) -> None:
    content = json.dumps({"is_logged_in": True, "email": "bob@example.org"})
    forged = create_signed_value("another secret", "_streamlit_user", content).decode()

    assert role_of({"Cookie": f"_streamlit_user={forged}"}, Settings()) is None
    assert role_of({"Cookie": "_streamlit_user=x; ;=;"}, Settings()) is None


@pytest.mark.parametrize(
    ("key", "status"), [("", 401), (KEYS["viewer"], 403), (KEYS["operator"], 200)]
)
def test_an_upload_needs_an_operator(tmp_path: Any, key: str, status: int) -> None:
    settings = WITH_KEYS.model_copy(update={"home": tmp_path})
    token = uploads.new_token(settings)

    answered = ask(settings, f"/api/import/{token}/a.zip", bearer(key) if key else {})

    assert answered[0] == status
    assert (uploads.uploaded(token, settings) is not None) == (status == 200)


@pytest.mark.parametrize(("key", "status"), [("", 401), (KEYS["viewer"], 404)])
def test_thumbnails_need_a_viewer(tmp_path: Any, key: str, status: int) -> None:
    settings = WITH_KEYS.model_copy(update={"home": tmp_path})
    headers = bearer(key) if key else {}

    assert ask(settings, f"/thumbs/a/{'0' * 64}.webp", headers, "GET")[0] == status
    assert ask(settings, "/healthz", {}, "GET")[0] == 200


def test_a_change_from_another_site_is_forged() -> None:
    token, other = generate_xsrf_token_string(), generate_xsrf_token_string()
    cookies = {"Cookie": f"_streamlit_xsrf={token}"}

    assert is_forged(cookies)
    assert is_forged(cookies | {"X-Xsrftoken": other})
    assert not is_forged(cookies | {"X-Xsrftoken": token})
    assert not is_forged(bearer("any"))  # no page can make a browser send it


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:8501", 200), ("[::1]:8501", 200), ("rebound.example", 421), ("", 421)],
)
def test_only_known_host_names_are_answered(host: str, status: int) -> None:
    inner = Starlette(routes=[Route("/", lambda _: PlainTextResponse("ok"))])
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b""}
    scope["headers"] = [(b"host", host.encode())]
    before = st.get_option("server.allowedHosts")
    st._config.set_option("server.allowedHosts", ["localhost", "127.0.0.1", "::1"])
    try:
        asyncio.run(AllowedHosts(inner)(scope, receive, send))
    finally:
        st._config.set_option("server.allowedHosts", before)

    assert sent[0]["status"] == status


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost", "unix:///run/app.sock"])
def test_on_this_machine_nobody_needs_to_sign_in(address: str) -> None:
    check_binding(address, Settings(), {})


@pytest.mark.parametrize("address", [None, "0.0.0.0", "::", "192.0.2.7", "example.org"])
def test_other_machines_are_let_in_only_with_access_or_a_word(address: str | None) -> None:
    with pytest.raises(ValueError, match="HASHLENS_OPEN=1"):
        check_binding(address, Settings(), {})
    check_binding(address, WITH_KEYS, {})
    check_binding(address, Settings(), LOGIN)
    check_binding(address, Settings(open=True), {})


def test_the_server_refuses_to_start_open_to_all() -> None:
    command = [sys.executable, "-m", "streamlit", "run", "dashboard/app.py", "--server.port=0"]
    ended = subprocess.run(
        [*command, "--server.address=0.0.0.0"],
        cwd=ROOT,
        env={**os.environ, "HASHLENS_OPEN": "", "HASHLENS_API_KEYS": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode != 0
    assert "would listen on 0.0.0.0" in ended.stdout + ended.stderr


def test_a_client_waits_when_it_asks_too_often_and_others_do_not() -> None:
    now = [0.0]
    limit = RateLimit(2, clock=lambda: now[0])

    assert [limit.wait_s("ann") for _ in range(3)] == [0, 0, 30]
    assert limit.wait_s("bob") == 0
    now[0] = 30
    assert limit.wait_s("ann") == 0
    assert limit.wait_s("ann") == 30


def test_pages_are_closed_where_there_are_keys_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("HASHLENS_HOME", str(tmp_path))
    monkeypatch.setenv("HASHLENS_API_KEYS", WITH_KEYS.api_keys)
    app = AppTest.from_file(str(MAIN), default_timeout=30).run()

    assert [one.value for one in app.error] == [
        "This server answers programs with a key. For people set up a login: docs/security.md."
    ]
    assert not app.title
    assert "kkkk" not in caplog.text
