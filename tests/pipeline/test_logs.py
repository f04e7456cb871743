"""Logs: one JSON object per line, what it is about, nothing on the way to standard error lost."""

from __future__ import annotations

import json
import logging
import threading
from contextvars import copy_context
from datetime import datetime

import pytest

from pipeline.logs import JsonLines, about, begin, note
from tests.factories import python, python_m

SCRIPT = """
import sys, threading, warnings
from pipeline.logs import about, set_up
sys.stdin.read()
set_up("json")
warnings.warn("old news")
with about(run="a run"):
    import logging
    logging.getLogger("pipeline.worker").info("two\\nlines %s", "é")
    logging.getLogger("other").info("not for operators")
thread = threading.Thread(target=lambda: {}["key"])
thread.start()
thread.join()
raise SystemError("the end")
"""


def line(message: str = "text", error: BaseException | None = None) -> dict[str, str]:
    trace = None if error is None else (type(error), error, error.__traceback__)
    record = logging.LogRecord("pipeline.x", logging.WARNING, "", 0, message, (), trace)
    written = JsonLines().format(record)
    assert "\n" not in written
    return json.loads(written)


def test_a_line_has_time_level_logger_and_message() -> None:
    written = line("a\nb")

    assert list(written) == ["time", "level", "logger", "message"]
    assert (written["level"], written["logger"]) == ("WARNING", "pipeline.x")
    assert written["message"] == "a\nb"
    moment = datetime.fromisoformat(written["time"])
    assert written["time"].endswith("Z")
    assert moment.utcoffset().total_seconds() == 0


def test_a_traceback_is_part_of_its_line() -> None:
    try:
        raise ValueError("no")
    except ValueError as error:
        assert "ValueError: no" in line(error=error)["traceback"]


def test_lines_say_what_they_are_about_and_only_there() -> None:
    with about(request="r"):
        with about(run="x"):
            both = line()
        assert "run" not in line()
    assert (both["request"], both["run"]) == ("r", "x")
    assert "request" not in line()
    note(run="nobody asked")
    assert "run" not in line()


def test_what_a_thread_notes_is_known_where_its_request_began() -> None:
    def request() -> dict[str, str]:
        begin(request="r")
        below = threading.Thread(target=copy_context().run, args=(lambda: note(run="x"),))
        below.start()
        below.join()
        return line()

    written = copy_context().run(request)

    assert (written["request"], written["run"]) == ("r", "x")


@pytest.mark.parametrize("name", ["time", "level", "logger", "message"])
def test_facts_hide_nothing(name: str) -> None:
    with about(**{name: "forged"}):
        assert line()[name] != "forged"


def test_warnings_threads_and_the_end_of_a_process_are_lines_too() -> None:
    _, err = python(SCRIPT).communicate()

    lines = [json.loads(one) for one in err.splitlines()]
    assert [one["level"] for one in lines] == ["WARNING", "INFO", "CRITICAL", "CRITICAL"]
    assert "old news" in lines[0]["message"]
    assert (lines[1]["message"], lines[1]["run"]) == ("two\nlines é", "a run")
    assert "KeyError" in lines[2]["traceback"]
    assert "SystemError: the end" in lines[3]["traceback"]


def test_the_command_line_ends_in_a_line_where_that_is_wanted(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HASHLENS_LOG", "json")

    ended = python_m(tmp_path, "runs", "delete", "nothing")

    assert ended.returncode == 2
    [written] = [json.loads(one) for one in ended.stderr.splitlines()]
    assert (written["level"], written["message"][:21]) == ("ERROR", "unknown run 'nothing'")
