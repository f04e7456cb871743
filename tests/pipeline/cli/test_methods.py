"""Commands about methods."""

from __future__ import annotations

from tests.pipeline.cli.commands import Cli


def test_methods_are_listed_shown_and_checked(cli: Cli) -> None:
    assert "ud2h" in cli("methods", "list").out
    shown = cli("methods", "show", "ud2h").out
    assert "Reconstructed from the published abstract" in shown
    assert "neighbours" in shown
    checked = cli("methods", "check", "lsh")
    assert checked.code == 0
    assert "broken" not in checked.out
