"""The gallery: one element with a button for every image, grouped, for mouse and keyboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import streamlit as st

from pipeline.wording import short_name

Mark = Literal["", "yes", "no", "unknown"]
_HERE = Path(__file__).parent
_draw = st.components.v2.component(
    "hashlens_gallery",
    html="<div\n class='gallery' role='group'></div>",
    css=(_HERE / "gallery.css").read_text("utf-8"),
    js=(_HERE / "gallery.js").read_text("utf-8"),
)


@dataclass(frozen=True)
class Tile:
    """One image button.

    Attributes:
        id: what a click reports.
        src: address of the image.
        name: what a screen reader says.
        caption: text below, cut when it is too long.
        fact: number above the caption.
        mark: shape beside the fact; empty for none.
    """

    id: str
    src: str
    name: str
    caption: str
    fact: str = ""
    mark: Mark = ""


@dataclass(frozen=True)
class TileGroup:
    """Tiles under one heading."""

    items: tuple[Tile, ...]
    heading: str = ""
    note: str = ""


def show_gallery(
    groups: Sequence[TileGroup],
    *,
    key: str,
    label: str,
    tile_px: int,
    is_strip: bool = False,
    is_still: bool = False,
    pressed: str | Sequence[str] | None = None,
    on_pick: Callable[[], None] = lambda: None,
    on_search: Callable[[str], None] | None = None,
) -> str | None:
    """Draw the gallery and return the id that was clicked just now.

    Args:
        groups: what to show.
        key: of the element.
        label: name of the whole for screen readers.
        tile_px: least width of a tile.
        is_strip: one row of six.
        is_still: pictures only, which nothing can be done with.
        pressed: id of the tile in use; a sequence of those that are chosen, each of which a click
            turns over; None: the one clicked last.
        on_pick: called before the page is drawn again; `picked(key)` tells the id.
        on_search: called with the id when the magnifier on a tile is clicked; None: none is drawn.
    """
    ids = [item.id for group in groups for item in group.items]
    st.session_state[_order_key(key)] = ids
    n_items = len(ids)
    has_small_groups = len(groups) > 2 and n_items < 6 * len(groups)
    layout = "strip" if is_strip else "dense" if has_small_groups else "grouped"
    clicked: str | list[str] | None = _draw(
        key=key,
        data={
            "groups": [_drawn(group) for group in groups],
            "label": label,
            "layout": layout,
            "still": is_still,
            "searches": on_search is not None,
            "tile": tile_px,
            "pressed": [pressed] if isinstance(pressed, str) else pressed,
            "several": pressed is not None and not isinstance(pressed, str),
            "focus": st.session_state.pop(_focus_key(key), None),
        },
        on_picked_change=on_pick,
        on_searched_change=lambda: on_search and on_search(st.session_state[key].searched),
    ).picked
    return clicked if isinstance(clicked, str) else None


def _drawn(group: TileGroup) -> dict[str, object]:
    """A group as the element draws it, with captions that fit."""
    items = [{**asdict(item), "short": short_name(item.caption)} for item in group.items]
    return {**asdict(group), "items": items}


def focus(key: str, item_id: str) -> None:
    """Put the keyboard on a tile when the page is drawn next; for callbacks."""
    st.session_state[_focus_key(key)] = item_id


def order(key: str) -> list[str]:
    """The ids in the gallery `key` as it was drawn last."""
    return list(st.session_state.get(_order_key(key), ()))


def _focus_key(key: str) -> str:
    return f"{key}_focus"


def _order_key(key: str) -> str:
    return f"{key}_order"


def picked(key: str) -> str | None:
    """The id clicked in the gallery `key`, inside its callback."""
    clicked = getattr(st.session_state.get(key), "picked", None)
    return clicked if isinstance(clicked, str) else None


def chosen(key: str) -> list[str] | None:
    """The ids that are chosen in the gallery `key` since a click, inside its callback."""
    clicked = getattr(st.session_state.get(key), "picked", None)
    return clicked if isinstance(clicked, list) else None
