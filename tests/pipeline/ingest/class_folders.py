"""Class folders for tests, and sources of them."""

from pipeline.ingest.sources import SourceRequest, open_source
from tests.factories import png


def source_of(path, name=""):
    return open_source("folder", SourceRequest(name=name, path=path))


def write(root, *names):
    for index, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        is_text = path.suffix in (".txt", ".svg", ".md")
        path.write_bytes(b"text" if is_text else png((index, 0, 0)))
    return root
