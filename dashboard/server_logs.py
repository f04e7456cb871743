"""Logs of the dashboard's server, Streamlit's and uvicorn's among them."""

from __future__ import annotations

import logging

from streamlit import logger as of_streamlit

from pipeline.logs import set_up
from pipeline.settings import Settings


def set_up_logs(settings: Settings) -> None:
    """Let all lines of this process be JSON where the settings say so; as text they stay apart.

    Args:
        settings: say which format.
    """
    if settings.log != "json":
        return
    set_up(settings.log)
    # Streamlit gives a handler to each of its loggers, also to those that it makes later.
    of_streamlit.setup_formatter = _hand_over
    of_streamlit.init_uvicorn_logs()
    of_streamlit.update_formatter()


def _hand_over(logger: logging.Logger) -> None:
    logger.handlers.clear()
    logger.propagate = True
    logger.disabled = logger.name == "uvicorn.access"  # has query strings; `Watched` logs requests
