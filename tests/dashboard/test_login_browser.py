"""Signing in with Streamlit's own login against a stand-in provider, and what each role may do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dashboard.browsing import NEEDS_BROWSER, READY, serve
from tests.dashboard.oidc_provider import CLIENT, SECRET, Provider, providing

pytestmark = NEEDS_BROWSER


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with providing() as running:
        yield running


@pytest.fixture(scope="module")
def site(provider: Provider, served_home: Path) -> Iterator[str]:
    """A dashboard with a login; its address."""
    secrets = served_home.parent / "secrets.toml"
    secrets.write_text(
        f"""[auth]
redirect_uri = "http://127.0.0.1:{{port}}/oauth2callback"
cookie_secret = "{"c" * 40}"
client_id = "{CLIENT}"
client_secret = "{SECRET}"
server_metadata_url = "{provider.base}/.well-known/openid-configuration"

[access]
viewer = ["*@example.org"]
operator = ["bob@example.org"]
""",
        "utf-8",
    )
    with serve(served_home, f"--secrets.files={secrets}") as base:
        yield base


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1366, "height": 900})
    yield context.new_page()
    context.close()


def sign_in(page: Any, site: str, path: str) -> None:
    from playwright.sync_api import expect

    page.goto(site + path)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.goto(site + path)
    page.wait_for_selector(READY, timeout=30_000)


def test_nobody_sees_anything_before_signing_in(page: Any, site: str) -> None:
    from playwright.sync_api import expect

    page.goto(f"{site}/search")

    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert page.get_by_text("shapes").count() == 0
    assert page.request.get(f"{site}/thumbs/shapes/{'0' * 64}.webp").status == 401


def test_a_viewer_looks_and_changes_nothing(page: Any, site: str, provider: Provider) -> None:
    from playwright.sync_api import expect

    provider.user = {"email": "eve@example.org", "email_verified": True}
    sign_in(page, site, "/train")

    expect(page.get_by_text("This page needs the role operator; yours is viewer.")).to_be_visible()
    assert page.request.get(f"{site}/thumbs/shapes/{'0' * 64}.webp").status == 404
    assert page.request.put(f"{site}/api/import/x/a.zip", data=b"x").status == 403
    assert page.get_by_role("link", name="Train").count() == 0
    page.goto(f"{site}/browse")
    page.get_by_role("button", name="Download").first.click()
    expect(page.get_by_role("button", name="Manifest as CSV")).to_be_visible()
    assert page.get_by_role("button", name="Delete", exact=True).count() == 0
    page.goto(f"{site}/search")
    expect(page.get_by_role("button", name="Copy link")).to_be_visible()
    assert page.get_by_role("button", name="Add to report").count() == 0


def test_an_operator_works_and_signs_out(page: Any, site: str, provider: Provider) -> None:
    from playwright.sync_api import expect

    provider.user = {"email": "bob@example.org", "email_verified": True}
    sign_in(page, site, "/train")

    expect(page.get_by_role("heading", name="Train", exact=True)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_who_has_no_role_stays_outside(page: Any, site: str, provider: Provider) -> None:
    from playwright.sync_api import expect

    provider.user = {"email": "bob@example.org", "email_verified": False}
    sign_in(page, site, "/search")

    expect(page.get_by_text("You are signed in, but may not come in.")).to_be_visible()
