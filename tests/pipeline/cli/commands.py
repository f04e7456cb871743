"""What a command of the tests left behind, and the words of a short run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str


Cli = Callable[..., Outcome]
RUN = ("run", "--dataset", "shapes", "--backbone", "tiny", "--bits", 8)
