"""Hubs on the Failures page: images that many queries find, and images that none does."""

from __future__ import annotations

import streamlit as st

from dashboard import cached, state
from dashboard.services.queries import dataset_ref
from dashboard.services.thumbs import thumb_url
from dashboard.widgets import gallery, notices
from dashboard.widgets.drawer import show_drawer
from pipeline.analysis.hubs import TOP
from pipeline.analysis.opened_run import OpenRun
from pipeline.wording import escape_markdown, plural

_SHOWN, _TILE_PX = 24, 96


def show_hubs(run: OpenRun) -> None:
    """The images that are found most often, and a sample of those that never are."""
    hubs = cached.analysis.hubs(run.id)
    st.markdown(escape_markdown(hubs.finding))
    most = [(int(place), hubs.occurrences[place]) for place in hubs.order[:_SHOWN]]
    st.markdown(f"**Found most often** :gray[· queries that have it among their first {TOP}]")
    clicked = _images(run, [(place, f"{count:,.0f} queries") for place, count in most], "hubs")
    never = hubs.never[:_SHOWN]
    if len(never):
        more = f", {len(never)} of {len(hubs.never):,}" if len(never) < len(hubs.never) else ""
        st.markdown(f"**Never found**{more}")
        clicked = _images(run, [(int(place), "") for place in never], "never_found") or clicked
    st.caption(
        "An image in the first results of many queries is seldom what they all mean: such hubs "
        f"crowd out better ones. Counted over {plural(hubs.n_query, 'query')}, ties in expectation."
    )
    if clicked:
        key, row = clicked
        opened = notices.opened(run.id)
        show_drawer(row, run.dataset, gallery_key=key, opened=opened)


def _images(run: OpenRun, places: list[tuple[int, str]], key: str) -> tuple[str, int] | None:
    rows = [(int(run.database_rows[place]), fact) for place, fact in places]
    tiles = tuple(
        gallery.Tile(
            str(row),
            thumb_url(run.dataset.info.name, run.sha256(row)),
            f"{run.described(row)}{f', {fact}' if fact else ''}",
            run.described(row),
            fact,
        )
        for row, fact in rows
    )
    clicked = gallery.show_gallery(
        [gallery.TileGroup(tiles)],
        key=key,
        label="Images",
        tile_px=_TILE_PX,
        on_search=lambda row: state.search_next(dataset_ref(int(row))),
    )
    return None if clicked is None else (key, int(clicked))
