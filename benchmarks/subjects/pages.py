"""Pages: each page of the dashboard drawn anew, in one process and without a browser."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path

import numpy as np
from streamlit.testing.v1 import AppTest

from benchmarks.frame import Case, Figures, Role, Subject, Work
from benchmarks.subjects import load

_ROOT = Path(__file__).resolve().parents[2]
_APPS = _ROOT / "benchmarks" / "apps"
_SEARCH, _OTHERS = "Search", "Other pages"
_PAGES = (
    "explore/overview",
    "explore/compare",
    "explore/codes",
    "explore/browse",
    "explore/duplicates",
    "evaluate/leaderboard",
    "evaluate/curves",
    "evaluate/failures",
    "evaluate/advisor",
    "build/train",
    "build/runs",
    "share/status",
)


def _draw(app: AppTest) -> float:
    began = time.perf_counter()
    app.run()
    if app.exception:
        raise RuntimeError(app.exception[0].value)
    return time.perf_counter() - began


def drawing(script: Path, page: str, _size: int, folder: Path) -> Work:
    """Draw the page once, then some times; the work is the quickest of these."""
    os.environ.update(load.environment(folder))
    app = AppTest.from_file(str(script), default_timeout=600)
    began = time.perf_counter()
    _draw(app)
    opened_s = time.perf_counter() - began
    first_s = _draw(app.switch_page(f"{page}_page.py")) if page else opened_s
    times: list[float] = []

    def work() -> Figures:
        times.append(_draw(app))
        middle, longest = float(np.median(times)), max(times)
        return {"count": 1, "first s": first_s, "median s": middle, "longest s": longest}

    return work


def _case(what: str, role: Role, group: str, script: Path, page: str = "") -> Case:
    return Case(what, role, partial(drawing, script, page), group)


_MAIN = _ROOT / "dashboard" / "main.py"
SUBJECT = Subject(
    name="pages",
    title="Pages",
    protocol=(
        "A page is opened and then drawn again and again, by Streamlit's `AppTest`, each page in a "
        "process of its own. *first* is its first drawing after that of the overview, MiB what "
        "drawing it again takes. The data set has a run of ITQ and no pictures."
    ),
    peer="a plain Streamlit script that scans the codes with numpy and shows as many pictures.",
    bound="a Streamlit page with a title.",
    unit="drawings",
    prepare=load.prepare,
    cases=(
        _case("HashLens", "ours", _SEARCH, _MAIN, "explore/search"),
        _case("plain Streamlit script", "peer", _SEARCH, _APPS / "plain_search.py"),
        _case("empty Streamlit page", "bound", _SEARCH, _APPS / "empty.py"),
        *(_case(page.split("/")[1].capitalize(), "ours", _OTHERS, _MAIN, page) for page in _PAGES),
        _case("empty Streamlit page", "bound", _OTHERS, _APPS / "empty.py"),
    ),
    clock="wall_s",
)
