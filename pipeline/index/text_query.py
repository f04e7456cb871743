"""A query in words, told good or bad without a network."""

from __future__ import annotations

MAX_CHARACTERS = 300  # text towers read about 60 words


def check_text(text: str) -> str:
    """The query without blanks around it.

    Raises:
        ValueError: it is empty, or longer than a text tower reads.
    """
    words = " ".join(text.split())
    if not words:
        raise ValueError("a search by words needs at least one word")
    if len(words) > MAX_CHARACTERS:
        raise ValueError(f"a search by words takes {MAX_CHARACTERS} characters, got {len(words)}")
    return words
