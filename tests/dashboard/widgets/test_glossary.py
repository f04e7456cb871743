"""The glossary and the shortcuts beside every page."""

from __future__ import annotations

from pathlib import Path

from tests.dashboard.pages import OpenApp, texts


def test_words_and_keys_are_explained_once_it_is_opened(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "leaderboard")
    assert "how many bits of two codes differ" not in texts(app)

    app.session_state["glossary"] = True
    app.run()

    assert "how many bits of two codes differ" in texts(app)
    assert "previous query, next query" in texts(app)
