"""The gate before all pages: who signs in, who may come in, and which pages are for whom."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal

import streamlit as st

from dashboard import access, cached
from models.installation import extra

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
        _sign_in()
        st.stop()
    who, role = str(st.user.get("email") or "no address"), access.role()
    with st.sidebar:
        st.text(f"{who}\n{role or 'no role'}")  # as a caption the address would be a link
        st.button("Sign out", icon=":material/logout:", on_click=st.logout)
    if role is None:
        st.warning(
            f"`{who.replace('`', '')}` has no role here. Whoever runs this server gives roles in "
            "secrets.toml, to addresses that the provider has verified.",
            title="You are signed in, but may not come in.",
            icon=":material/lock:",
        )
        st.button("Sign in as somebody else", icon=":material/logout:", on_click=st.logout)
        st.stop()


def _sign_in() -> None:
    """A card in the middle: what this is, and the one way in."""
    st.space("large")
    with (
        st.container(horizontal_alignment="center"),
        st.container(border=True, width=380, key="sign_in"),
    ):
        st.title("HashLens", anchor=False)
        st.markdown("Find similar images by short binary codes, and see what the codes are worth.")
        st.button(
            "Sign in", icon=":material/login:", type="primary", on_click=st.login, width="stretch"
        )
        st.caption("What you may do here depends on your role.")


def visibility(page: str) -> Literal["visible", "hidden"]:
    """Whether the navigation offers a page; one that is for a higher role is not offered."""
    return "visible" if access.may(_PAGES.get(page, "viewer")) else "hidden"


def show_page_gate(page: str, title: str) -> None:
    """Stop before a page that is for a higher role.

    Args:
        page: its address.
        title: as the navigation has it.
    """
    needed = _PAGES.get(page, "viewer")
    if not access.may(needed):
        st.title(title, anchor=False)
        st.info(
            f"This page needs the role {needed}; yours is {access.role()}. Whoever runs this "
            "server gives roles in secrets.toml.",
            icon=":material/lock:",
        )
        st.stop()
