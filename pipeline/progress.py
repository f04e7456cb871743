"""Callbacks by which long work says how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]  # steps done, steps in all
StageProgress = Callable[[str, int, int], None]  # the same with the stage's name before


def ignore_progress(*_: object) -> None:
    """The callback of either kind that does nothing."""
