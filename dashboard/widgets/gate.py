"""The gate before all pages: who signs in, who may come in, and which pages are for whom."""

from __future__ import annotations

from importlib.util import find_spec

import streamlit as st

from dashboard import access, cached
from models.installation import extra
from pipeline.wording import escape_markdown

_PAGES: dict[str, access.Role] = {"import": "operator", "train": "operator", "judge": "reviewer"}


def show_gate() -> None:
    """Let in who has a role; anybody else can sign in, and sees nothing else."""
    rules = access.current(cached.library.settings())
    if not rules.is_on:
        return
    if not rules.has_login:
        st.error(
            "This server answers programs with a key. For people set up a login: docs/security.md.",
            title="No login is set up.",
        )
        st.stop()
    if find_spec("authlib") is None:
        st.error(
            f"Signing in needs Authlib: {extra('optional')}",
            title="No login is possible.",
        )
        st.stop()
    if not st.user.is_logged_in:
        st.title("HashLens", anchor=False)
        st.button("Sign in", icon=":material/login:", type="primary", on_click=st.login)
        st.stop()
    who, role = escape_markdown(str(st.user.get("email") or "no address")), access.role()
    with st.sidebar:
        st.caption(f"{who} \u00b7 {role or 'no role'}")
        st.button("Sign out", icon=":material/logout:", on_click=st.logout)
    if role is None:
        st.error(
            f"{who} has no role here. Whoever runs this server gives roles in secrets.toml, to "
            "addresses that the provider has verified.",
            title="You are signed in, but may not come in.",
        )
        st.stop()


def show_page_gate(page: str) -> None:
    """Stop before a page that is for a higher role.

    Args:
        page: its address.
    """
    needed = _PAGES.get(page, "viewer")
    if not access.may(needed):
        st.error(f"This page needs the role {needed}; yours is {access.role()}.")
        st.stop()
