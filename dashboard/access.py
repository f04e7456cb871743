"""Access: who may do what, for pages, for the routes beside them and for programs with a key.

Off by default, when the server listens on this machine alone. On as soon as there is a login
([auth] in .streamlit/secrets.toml, as `st.login` has it) or a key (HASHLENS_API_KEYS). A person has
the highest role that [access] in secrets.toml gives the address that the provider has verified:

    [access]
    viewer = ["*@example.org"]
    reviewer = ["ann@example.org"]
    operator = ["bob@example.org"]

viewer looks and searches; reviewer also judges, tags, names and writes reports; operator also
imports, trains, publishes, stops, renames and deletes.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http.cookies import CookieError, SimpleCookie
from typing import Any, Literal, get_args

import streamlit as st
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.web.server.server_util import get_cookie_secret, is_xsrf_enabled
from streamlit.web.server.starlette.starlette_app_utils import (
    decode_signed_value,
    validate_xsrf_token,
)
from streamlit.web.server.starlette.starlette_server_config import (
    USER_COOKIE_NAME,
    XSRF_COOKIE_NAME,
)
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from pipeline.settings import Settings

Role = Literal["viewer", "reviewer", "operator"]
ROLES: tuple[Role, ...] = get_args(Role)
_CLIENTS = 10_000  # whose use is remembered
Headers = Mapping[str, str]


@dataclass(frozen=True)
class Access:
    """The rules of one server.

    Attributes:
        keys: role of each key, by the SHA-256 of the key.
        people: patterns of addresses, with the role that they give.
        has_login: whether people can sign in.
    """

    keys: Mapping[str, Role]
    people: tuple[tuple[str, Role], ...]
    has_login: bool

    @property
    def is_on(self) -> bool:
        """Whether anybody is asked who they are."""
        return bool(self.keys) or self.has_login

    def role_of_person(self, user: Mapping[str, Any]) -> Role | None:
        """The highest role of a signed-in person; None for an address that has none.

        An address that the provider says is not verified has none: anybody can claim one.
        """
        address = str(user.get("email", "")).casefold()
        if not address or user.get("email_verified", True) in (False, "false", "False"):
            return None
        given = [role for pattern, role in self.people if fnmatchcase(address, pattern)]
        return max(given, key=ROLES.index, default=None)

    def role_of_key(self, key: str) -> Role | None:
        """The role of a key; None for one that is not known."""
        digest = hashlib.sha256(key.encode()).hexdigest()
        known = [role for one, role in self.keys.items() if hmac.compare_digest(one, digest)]
        return known[0] if known else None


def read_access(settings: Settings, stored: Mapping[str, Any]) -> Access:
    """The rules that settings and secrets state.

    Raises:
        ValueError: a role is none, or [access] is no table of lists; no secret is repeated.
    """
    people: list[tuple[str, Role]] = []
    table = stored.get("access", {})
    if not isinstance(table, Mapping):
        raise ValueError("[access] in secrets.toml must be a table: roles with lists of addresses")
    for name, patterns in table.items():
        role = _role(name)
        if isinstance(patterns, str) or not all(isinstance(one, str) for one in patterns):
            raise ValueError(f"[access] {name} in secrets.toml must be a list of addresses")
        people += [(pattern.casefold(), role) for pattern in patterns]
    keys = {hashlib.sha256(key.encode()).hexdigest(): _role(role) for role, key in settings.keys}
    return Access(keys, tuple(people), "auth" in stored)


def current(settings: Settings) -> Access:
    """The rules of this server."""
    return read_access(settings, secrets())


def role_of(headers: Headers, settings: Settings) -> Role | None:
    """Who asks, by the headers of a request: a key, else the cookie of the login.

    The one check of all routes beside the pages. Where access is off, everyone is an operator.

    Args:
        headers: of the request, with names in any case.
        settings: have the keys.
    """
    rules = current(settings)
    if not rules.is_on:
        return "operator"
    lower = {name.lower(): value for name, value in headers.items()}
    if key := _key(lower):
        return rules.role_of_key(key)
    user = _signed_in(lower.get("cookie", "")) if rules.has_login else {}
    return rules.role_of_person(user) if user.get("is_logged_in") else None


def is_enough(role: Role | None, needed: Role) -> bool:
    """Whether a role includes another."""
    return role is not None and ROLES.index(role) >= ROLES.index(needed)


def refusal(headers: Headers, needed: Role, settings: Settings) -> JSONResponse | None:
    """The answer for who may not do this; None for who may. The first line of every route.

    401 without a known key or login, 403 with too low a role.
    """
    role = role_of(headers, settings)
    if is_enough(role, needed):
        return None
    if role is None:
        text = "sign in, or send a key as 'Authorization: Bearer KEY'"
        return JSONResponse({"error": text}, 401, {"WWW-Authenticate": "Bearer"})
    return JSONResponse({"error": f"this needs the role {needed}; yours is {role}"}, 403)


def is_forged(headers: Headers) -> bool:
    """Whether a change may come from another site: its cookie is sent, its token is not known.

    A program that sends a key has no cookie, and cannot be made to send its key by a page.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    if _key(lower) or not is_xsrf_enabled():
        return False
    cookie = _cookies(lower.get("cookie", "")).get(XSRF_COOKIE_NAME)
    return not validate_xsrf_token(lower.get("x-xsrftoken"), cookie)


def check_binding(address: str | None, settings: Settings, stored: Mapping[str, Any]) -> None:
    """Refuse to let other machines in where nobody is asked who they are.

    Args:
        address: that the server listens on; None: on all.
        settings: may say that this is wanted.
        stored: secrets of the server.

    Raises:
        ValueError: that is so.
    """
    if read_access(settings, stored).is_on or settings.open or _is_loopback(address):
        return
    raise ValueError(
        f"the dashboard would listen on {address or 'all addresses'}, and everyone who reaches it "
        "could delete what is stored; set up a login or keys (docs/security.md), listen on "
        "127.0.0.1, or say that this is wanted: HASHLENS_OPEN=1"
    )


class AllowedHosts:
    """ASGI middleware: refuses requests to a host name that is not `server.allowedHosts`.

    A page of another site can point its own name at this machine (DNS rebinding); its requests
    still carry that name.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 421, or pass the request on."""
        if scope["type"] == "http":
            hosts = [value for name, value in scope["headers"] if name == b"host"]
            host = hosts[0].decode("latin-1") if hosts else None
            if not is_host_allowed(host):
                text = "this host name is not in server.allowedHosts"
                return await JSONResponse({"error": text}, 421)(scope, receive, send)
        passed: Awaitable[None] = self._app(scope, receive, send)
        return await passed


class RateLimit:
    """So many expensive requests per minute and client; a bucket that refills evenly.

    Args:
        per_minute: requests.
        clock: gives seconds.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute, self._clock = per_minute, clock
        self._clients: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, when

    def wait_s(self, client: str) -> float:
        """Take one; seconds to wait where the client has none left, else 0."""
        now = self._clock()
        tokens, when = self._clients.pop(client, (float(self._per_minute), now))
        tokens = min(self._per_minute, tokens + (now - when) * self._per_minute / 60)
        wait = 0.0 if tokens >= 1 else (1 - tokens) * 60 / self._per_minute
        self._clients[client] = (tokens - (tokens >= 1), now)
        while len(self._clients) > _CLIENTS:
            self._clients.popitem(last=False)
        return wait


def role() -> Role | None:
    """The role of whoever has this page open; for pages."""
    rules = current(_settings())
    if not rules.is_on:
        return "operator"
    if not (rules.has_login and st.user.is_logged_in):
        return None
    return rules.role_of_person(st.user.to_dict())


def client() -> str:
    """Who has this page open, as rate limits count: the person, else the machine."""
    rules = current(_settings())
    if rules.has_login and st.user.is_logged_in:
        return str(st.user.get("email"))
    return st.context.ip_address or "this machine"


def may(needed: Role) -> bool:
    """Whether whoever has this page open may do this."""
    return is_enough(role(), needed)


def require(needed: Role) -> None:
    """Stop here, with a word, unless whoever has this page open may do this.

    Every change that a page makes begins with it: what is hidden can still be asked for.
    """
    if not may(needed):
        st.toast(f"This needs the role {needed}; nothing was changed.", icon=":material/lock:")
        st.stop()


def _settings() -> Settings:
    return Settings.from_environment()


def secrets() -> Mapping[str, Any]:
    """What secrets.toml holds; empty without one."""
    return st.secrets.to_dict() if st.secrets.load_if_toml_exists() else {}


def _role(name: str) -> Role:
    if name not in ROLES:
        raise ValueError(f"there is no role {name!r}; there are {', '.join(ROLES)}")
    return name


def _key(headers: Headers) -> str:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")


def _cookies(header: str) -> dict[str, str]:
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(header)
    except CookieError:
        return {}
    return {name: one.value for name, one in cookies.items()}


def _signed_in(header: str) -> dict[str, Any]:
    """What the signed cookie of `st.login` says of a person; empty where there is none."""
    cookies, secret = _cookies(header), get_cookie_secret()

    def single(name: str) -> bytes | None:
        value = cookies.get(name)
        return decode_signed_value(secret, name, value.encode("latin-1")) if value else None

    content = get_cookie_with_chunks(single, USER_COOKIE_NAME)
    try:
        user = json.loads(content) if content else {}
    except ValueError:
        return {}
    return user if isinstance(user, dict) else {}


def _is_loopback(address: str | None) -> bool:
    if address is None:
        return False
    if address.startswith("unix://") or address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
