"""The launcher given to `streamlit run`: the dashboard plus routes for thumbnails and health."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from threading import Thread

import streamlit as st

# Streamlit puts only this folder on the path; the packages `pipeline` and `dashboard` lie one up.
ROOT = str(Path(__file__).resolve().parent.parent)
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from starlette.middleware import Middleware  # noqa: E402 - needs the path above

from dashboard.access import AllowedHosts, check_binding, secrets  # noqa: E402
from dashboard.routes import routes  # noqa: E402
from dashboard.server_logs import set_up_logs  # noqa: E402
from pipeline.index.store import opening  # noqa: E402, F401 - in two threads at once it deadlocks
from pipeline.library_version import check_version  # noqa: E402
from pipeline.settings import Settings  # noqa: E402
from pipeline.watch.requests import Watched  # noqa: E402


def _load_ahead() -> None:
    """What the first page needs, then what the first upload needs: seconds of imports each."""
    for name in (
        "dashboard.evaluate.leaderboard_parts",
        "torchvision.transforms.v2",
        "torchvision.models",
    ):
        import_module(name)
    of_pages = logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context")
    of_pages.disabled = True  # it warns of caches that are filled before anybody has a page open
    try:
        import_module("dashboard.cached.networks").load_ahead()
    finally:
        of_pages.disabled = False
    # Streamlit collects garbage after every run of a page or fragment; among the half million
    # objects of these modules, which stay, that takes most of a second in which no thread works.
    gc.freeze()


def _finish_deletions() -> None:
    """End deletions that a kill has interrupted: here no worker may ever start."""
    from pipeline.worker import end_interrupted

    end_interrupted(settings)


@asynccontextmanager
async def warm(_: st.App) -> AsyncIterator[None]:
    """Load in the background, so that the first visitor does not wait."""
    set_up_logs(settings)  # once more: the server has set up its own meanwhile
    Thread(target=_load_ahead, daemon=True).start()
    Thread(target=_finish_deletions, daemon=True).start()
    yield


settings = Settings.from_environment()
set_up_logs(settings)
try:
    check_version(settings)
    check_binding(st.get_option("server.address"), settings, secrets())
except ValueError as error:
    sys.exit(f"Error: {error}")
app = st.App(
    "main.py",
    routes=routes(settings),
    lifespan=warm,
    middleware=[Middleware(Watched), Middleware(AllowedHosts)],
)
