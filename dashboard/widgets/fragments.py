"""Parts of a page that run again alone, each in a container of its own.

Where a fragment runs again before the browser has got all of the page, Streamlit drops what the
fragment drew and lets the browser remove its place: what follows moves up, and the next message
for a place that is gone turns the page white. A container around it that is not part of it stays.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import streamlit as st

_P = ParamSpec("_P")
_R = TypeVar("_R")


def isolated_fragment(
    run_every: float | None = None,
) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """A decorator: `st.fragment` in its own container; never call one inside another.

    Args:
        run_every: seconds after which it runs again by itself; None: only when it is used.
    """

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        drawn: Callable[_P, _R] = st.fragment(function, run_every=run_every)

        @wraps(function)
        def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            with st.container():
                return drawn(*args, **kwargs)

        return call

    return decorate
