"""Colour, dash and shape of each hash method: the same in every chart, never colour alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count

# Okabe and Ito's colours, those first that stand out on white and on dark alike.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_STRONG = 3  # of them have enough contrast for thin lines
DASHES = ([1, 0], [7, 3], [2, 2], [10, 3, 2, 3], [4, 4], [12, 4])
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
RELEVANCE = {"relevant": "#009e73", "not relevant": "#9aa5b1", "unknown": "#0072b2"}
NEUTRAL = "#7a8694"  # rules and labels, readable on both backgrounds


@dataclass(frozen=True)
class Style:
    """How one method is drawn."""

    colour: str
    dash: list[int]
    shape: str


def styles(methods: Iterable[str]) -> dict[str, Style]:
    """A style for each method.

    The name's digest chooses among the strongest colours; methods that would collide take the next
    free place, in alphabetical order. With more methods than colours, dash and shape move on.
    """
    taken: dict[int, str] = {}
    for method in sorted(set(methods)):
        wanted = hashlib.sha256(method.encode()).digest()[0] % _STRONG
        taken[next(place for place in count(wanted) if place not in taken)] = method
    return {method: _style(place) for place, method in taken.items()}


def _style(place: int) -> Style:
    n = len(COLOURS)
    turn = (place + place // n) % n
    return Style(COLOURS[place % n], DASHES[turn], SHAPES[turn])
