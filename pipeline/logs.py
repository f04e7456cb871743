"""Logs: text for people or JSON for collectors, and what each line is about.

A line of JSON has time (UTC), level, logger and message, `request` and `run` where it is about one,
and `traceback` where there is one.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal

Format = Literal["text", "json"]
_Facts = dict[str, str]
_facts: ContextVar[_Facts | None] = ContextVar("facts", default=None)
_log = logging.getLogger(__name__)


def begin(**facts: str) -> Token[_Facts | None]:
    """Let all lines from here on be about this, as long as the task or thread lives.

    Args:
        facts: `request` or `run`, added to what is known already.
    """
    return _facts.set({**(_facts.get() or {}), **facts})


@contextmanager
def about(**facts: str) -> Iterator[None]:
    """Let the lines of a block be about this; see `begin`."""
    token = begin(**facts)
    try:
        yield
    finally:
        _facts.reset(token)


def note(**facts: str) -> None:
    """Add to what the innermost `begin` or `about` said, also for threads that began below it."""
    if (known := _facts.get()) is not None:
        known.update(facts)


class JsonLines(logging.Formatter):
    """One JSON object per line, in ASCII: whatever a message holds, it stays one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            **(_facts.get() or {}),
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def set_up(wanted: Format, *, is_debug: bool = False) -> None:
    """Write the logs of this process to standard error, unless somebody has set them up before.

    Args:
        wanted: text: warnings alone, since a run's log has the rest. json: what is done as well,
            warnings of Python and tracebacks that end the process.
        is_debug: everything, in either format.
    """
    usual = logging.INFO if wanted == "json" else logging.WARNING
    handler = logging.StreamHandler()
    handler.setLevel(logging.DEBUG if is_debug else usual)
    text = logging.Formatter("%(levelname)s %(message)s")
    handler.setFormatter(JsonLines() if wanted == "json" else text)
    logging.basicConfig(level=logging.DEBUG if is_debug else logging.WARNING, handlers=[handler])
    logging.getLogger("pipeline").setLevel(logging.INFO)
    if wanted == "json":
        logging.captureWarnings(True)
        sys.excepthook = _log_uncaught
        threading.excepthook = lambda of: _log_uncaught(of.exc_type, of.exc_value, of.exc_traceback)


def _log_uncaught(
    kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None
) -> None:
    trace = None if error is None else (kind, error, traceback)
    _log.critical("ended by %s", kind.__name__, exc_info=trace)
