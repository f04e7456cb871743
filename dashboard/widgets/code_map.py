"""The code map: one element with a picture for every code, for mouse, finger and keyboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.charts.palette import COLOURS, NEUTRAL
from dashboard.services.search import QueryImage
from dashboard.services.thumbs import thumb_url
from dashboard.widgets import query_panel
from pipeline.analysis.code_map import LINKED_WITHIN, CodeMap
from pipeline.analysis.opened_run import OpenRun
from pipeline.wording import escape_html, plural

_HERE = Path(__file__).parent
_MOST_LINKS = 600  # lines; more hide the pictures
_draw = st.components.v2.component(
    "hashlens_code_map",
    html="""<div class='map'><canvas tabindex='0' role='application'></canvas><div class='tools'>
<button type='button' data-do='lasso' aria-pressed='false'
 title='Draw a line around images (or drag with Shift)'>Lasso</button>
<button type='button' data-do='in' aria-label='Zoom in' title='Zoom in'>+</button>
<button type='button' data-do='out' aria-label='Zoom out' title='Zoom out'>−</button>
<button type='button' data-do='fit' title='Show the whole map'>All</button></div>
<div class='tip' hidden><img alt=''><span></span></div>
<p class='said' aria-live='polite'></p></div>""",
    css=(_HERE / "code_map.css").read_text("utf-8"),
    js=(_HERE / "code_map.js").read_text("utf-8"),
)


def show_code_map(
    opened: OpenRun,
    code_map: CodeMap,
    *,
    key: str,
    height: int,
    query: QueryImage | None = None,
    near: tuple[int, ...] = (),
    on_pick: Callable[[], None] = lambda: None,
) -> None:
    """Draw the map with its legend; `picked` tells inside `on_pick` what was chosen.

    Args:
        opened: the run.
        code_map: of the run.
        key: of the element.
        height: in pixels.
        query: an image that lights up; None: all pictures are as bright.
        near: manifest rows of its results, which light up with it.
        on_pick: called when a picture is clicked, or some are lassoed.
    """
    table = code_map.table
    colours = _colours(table)
    links = code_map.links()[:_MOST_LINKS]
    label = (
        f"Code map: {plural(len(table), 'distinct code')} as pictures, similar codes near each "
        "other. Arrow keys go from picture to picture, Enter chooses one."
    )
    _draw(
        key=key,
        data={
            "points": _points(opened, table, colours),
            "links": links.tolist(),
            "query": None if query is None else _query(opened, code_map, query, near),
            "label": label,
            "height": height,
        },
        on_picked_change=on_pick,
        on_lassoed_change=on_pick,
    )
    _legend(colours, table)


def picked(key: str) -> tuple[list[int], bool]:
    """Rows of the map's table that were chosen just now, and whether a lasso chose them.

    Inside the callback of the map `key`.
    """
    state: Any = st.session_state.get(key)
    number, several = getattr(state, "picked", None), getattr(state, "lassoed", None)
    if several:
        return [int(one) for one in several], True
    return ([] if number is None else [int(number)]), False


def describe(code_map: CodeMap, n_images: int) -> str:
    """What the map shows and how to read it, in two sentences.

    Args:
        code_map: that is shown.
        n_images: in the database.
    """
    n, n_distinct = len(code_map.table), code_map.n_distinct
    some = f"all {n:,}" if n == n_distinct else f"{n:,} of {n_distinct:,}"
    return (
        f"A picture for {some} distinct codes, which {code_map.n_images:,} of {n_images:,} images "
        "have. Near pictures have similar codes; how far apart groups lie means nothing. A line "
        f"joins codes at most {LINKED_WITHIN} bits apart with the same majority label."
    )


def _points(
    opened: OpenRun, table: pd.DataFrame, colours: dict[str, str]
) -> list[dict[str, object]]:
    name = opened.dataset.info.name
    return [
        {
            "x": round(float(row["x"]), 4),
            "y": round(float(row["y"]), 4),
            "n": int(row["images"]),
            "src": thumb_url(name, opened.sha256(row["row"])),
            "name": opened.text("text", row["row"]) or opened.text("image_id", row["row"]),
            "label": row["label"],
            "colour": colours.get(row["label"], NEUTRAL),
        }
        for row in table.to_dict("records")
    ]


def _query(
    opened: OpenRun, code_map: CodeMap, query: QueryImage, near: tuple[int, ...]
) -> dict[str, object]:
    x, y = code_map.place(query.encoded.code)
    places = np.array([opened.place_of[row] for row in near], int)
    numbers = np.unique(code_map.bucket[places])
    return {
        "x": x,
        "y": y,
        "src": query_panel.source(opened, query),
        "near": [int(number) for number in numbers if number >= 0],
    }


def _colours(table: pd.DataFrame) -> dict[str, str]:
    """Colours of the labels with most images."""
    named = table[table["purity"] > 0]
    top = named.groupby("label")["images"].sum().nlargest(len(COLOURS)).index
    return dict(zip(map(str, top), COLOURS, strict=False))


def _legend(colours: dict[str, str], table: pd.DataFrame) -> None:
    if not colours:
        return
    entries = [
        *colours.items(),
        *([("other", NEUTRAL)] if set(table["label"]) - {*colours} else []),
    ]
    chips = "".join(
        "<span style='white-space:nowrap'><i style='display:inline-block;width:.7rem;"
        f"height:.7rem;border-radius:2px;background:{colour};margin-right:.3rem'></i>"
        f"{escape_html(name)}</span>"
        for name, colour in entries
    )
    st.html(
        "<div style='display:flex;flex-wrap:wrap;gap:.2rem .9rem;font-size:.8125rem'>"
        f"<span style='opacity:.75'>Mostly</span>{chips}</div>"
    )
