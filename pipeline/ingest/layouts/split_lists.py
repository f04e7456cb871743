"""Text files that are called like the parts of a split and name the images of these parts."""

from __future__ import annotations

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.split_words import splits_of
from pipeline.ingest.text import decode_text
from pipeline.ingest.tree import File, FileTree

_LEAST_FOUND = 0.9  # of the lines, to be a list of images


def split_lists(tree: FileTree) -> dict[File, dict[str, str]]:
    """Lists such as train.txt -> the images that they name, each with its part.

    The first list that names an image decides, training lists before others.
    """
    texts = [file for file in tree.files if file.suffix in (".txt", ".lst")]
    words = splits_of(file.stem for file in texts)
    order = sorted((f for f in texts if words[f.stem]), key=lambda f: words[f.stem] != "train")
    lists: dict[File, dict[str, str]] = {}
    seen: set[str] = set()
    for file in order:
        names = _named_images(file, tree)
        if names:
            lists[file] = {name: words[file.stem] for name in names if name not in seen}
            seen.update(names)
    return lists if len({words[file.stem] for file in lists}) > 1 else {}


def _named_images(file: File, tree: FileTree) -> list[str]:
    """The images that a file names, one per line; none where it holds something else."""
    try:
        lines = decode_text(file.read(), file.name).content.splitlines()
    except (DatasetError, OSError):
        return []
    paths = [line.strip() for line in lines if line.strip()]
    named = [name for path in paths if (name := image_named(path, file, tree))]
    return named if paths and len(named) >= _LEAST_FOUND * len(paths) else []


def image_named(path: str, file: File, tree: FileTree) -> str:
    """The image that a line names; one with a blank has to be the whole path."""
    match = tree.names.find(path, file.folder)
    if match is None or (" " in path and not f"/{match.file.name}".endswith(f"/{path}")):
        return ""
    return match.file.name
