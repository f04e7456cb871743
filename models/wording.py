"""Sentences that help whoever has mistyped a name."""

from __future__ import annotations

import difflib

_MOST_NAMES = 60  # all methods of hashing; ids of images are more


def unknown(kind: str, name: str, known: tuple[str, ...]) -> str:
    """The sentence for an unknown name, with the nearest known one.

    Example:
        >>> unknown("hash method", "ittq", ("itq", "lsh"))
        "unknown hash method 'ittq'. Did you mean 'itq'?"
    """
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {nearest[0]!r}?" if nearest else f"Known: {_listed(known)}."
    return f"unknown {kind} {name!r}. {hint}"


def _listed(names: tuple[str, ...]) -> str:
    if len(names) <= _MOST_NAMES:
        return ", ".join(names) or "none"
    return f"{len(names):,}, such as {', '.join(names[:3])}"
