"""The server's lines as JSON: also those of Streamlit and uvicorn, and no query in any."""

from __future__ import annotations

import json

from tests.factories import python

SCRIPT = """
import logging, sys
from streamlit.logger import get_logger
from uvicorn.config import Config
from dashboard.server_logs import set_up_logs
from pipeline.settings import Settings
sys.stdin.read()
early = get_logger("streamlit.early")
set_up_logs(Settings(log=sys.argv[1]))
Config(lambda: None, access_log=False)
set_up_logs(Settings(log=sys.argv[1]))
early.warning("one")
get_logger("streamlit.late").warning("two")
logging.getLogger("uvicorn.error").error("three")
get_logger("uvicorn.access").error("GET /metrics?key=secret")
logging.getLogger("pipeline.x").info("four")
"""


def test_every_line_is_json_where_that_is_wanted_and_none_has_a_query() -> None:
    _, err = python(SCRIPT, "json").communicate()

    lines = [json.loads(line) for line in err.splitlines()]
    assert [line["message"] for line in lines] == ["one", "two", "three", "four"]


def test_text_stays_as_streamlit_writes_it() -> None:
    _, err = python(SCRIPT, "text").communicate()

    assert all(message in err for message in ("one", "two", "three"))
    assert not any(line.startswith("{") for line in err.splitlines())
