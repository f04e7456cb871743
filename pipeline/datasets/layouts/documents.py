"""JSON label files, each parsed once."""

from __future__ import annotations

import json
from typing import Any

from pipeline.datasets.base import DatasetError
from pipeline.datasets.text import decode_text
from pipeline.datasets.tree import File, FileTree


def json_documents(tree: FileTree) -> list[tuple[File, Any]]:
    """The JSON files of a tree that can be read, or the one that the user named."""
    files = [tree.main] if tree.main else tree.files
    parsed = [(f, tree.parsed(f, _parse)) for f in files if f.suffix == ".json"]
    return [(file, document) for file, document in parsed if document is not None]


def _parse(file: File) -> Any:
    """The document; None for a file that cannot be read, which then stays unused and is named."""
    try:
        return json.loads(decode_text(file.read(), file.name).content)
    except (DatasetError, ValueError, OSError, RecursionError):
        return None
