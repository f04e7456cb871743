"""The journal of an import: one line per image, whole after a kill."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TypedDict


class Row(TypedDict):
    """One line of the journal: a taken image, or a problem when `problem` is not empty.

    `kind` is that of the `Problem`.
    """

    image_id: str
    problem: str
    kind: str
    note: str
    sha256: str
    path: str
    width: int
    height: int
    extent: tuple[str, float, float, float, float, int] | None  # as `Extent`, when it is wide


def new_row(image_id: str) -> Row:
    """The line of an image of which nothing is known yet."""
    return Row(
        image_id=image_id,
        problem="",
        kind="",
        note="",
        sha256="",
        path="",
        width=0,
        height=0,
        extent=None,
    )


def read_journal(path: Path) -> list[Row]:
    """The complete lines; a last line torn by a kill is cut off the file."""
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        os.truncate(path, len(whole))
    return [json.loads(line) for line in whole.splitlines()]
