"""Sentences that help whoever has mistyped a name."""

from __future__ import annotations

import difflib


def unknown(kind: str, name: str, known: tuple[str, ...]) -> str:
    """The sentence for an unknown name, with the nearest known one.

    Example:
        >>> unknown("hash method", "ittq", ("itq", "lsh"))
        "unknown hash method 'ittq'. Did you mean 'itq'?"
    """
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {nearest[0]!r}?" if nearest else f"Known: {', '.join(known) or 'none'}."
    return f"unknown {kind} {name!r}. {hint}"
