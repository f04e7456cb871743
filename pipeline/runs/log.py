"""The log of a run: what the pipeline and the methods say while it is executed, in its folder."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "log.txt"
_SPEAKERS = ("pipeline", "models")
_file_only = logging.getLogger("run log")  # tracebacks belong into the file, not on the terminal
_file_only.propagate = False


@contextmanager
def logging_to(folder: Path) -> Iterator[logging.Logger]:
    """Append to the run's log meanwhile; gives a logger that writes to the file alone."""
    handler = logging.FileHandler(folder / NAME, "a", "utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    loggers = [_file_only, *(logging.getLogger(name) for name in _SPEAKERS)]
    for logger in loggers:
        logger.addHandler(handler)
    _file_only.setLevel(logging.INFO)
    try:
        yield _file_only
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        handler.close()


def tail(folder: Path, lines: int = 200) -> list[str]:
    """The last lines of a run's log; empty when there is none."""
    try:
        text = (folder / NAME).read_text("utf-8", errors="replace")
    except OSError:
        return []
    return text.splitlines()[-lines:]
