"""The parts of the overview: figures, the code map with a query, its nearest images, ways on."""

from __future__ import annotations

import streamlit as st

from dashboard import cached, state
from dashboard.explore import search_results
from dashboard.services.queries import dataset_ref
from dashboard.services.search import Answer, QueryImage, Request
from dashboard.services.thumbs import thumb_url
from dashboard.widgets import code_map as map_widget
from dashboard.widgets import gallery, result_order
from dashboard.widgets.drawer import show_drawer
from pipeline.analysis.code_map import rows_at
from pipeline.analysis.opened_run import OpenRun
from pipeline.analysis.run_summary import RunSummary
from pipeline.datasets.dataset import DatasetInfo
from pipeline.wording import escape_markdown, percent, plural, telling_name

_MAP, _LASSOED, _IMAGES = "overview_map", "lassoed", "overview_images"
_SHOWN, _TILE_PX, _MAP_PX = 12, 70, 470
_MOST = 120  # images of a lasso
_WAYS = (
    ("explore/search_page.py", "Search", ":material/image_search:", "with a photo of your own"),
    ("explore/compare_page.py", "Compare", ":material/compare_arrows:", "two runs on one query"),
    ("evaluate/leaderboard_page.py", "Leaderboard", ":material/leaderboard:", "which method wins"),
    ("build/train_page.py", "Train", ":material/model_training:", "further methods and lengths"),
    ("build/import_page.py", "Import", ":material/upload_file:", "images of your own"),
)


def in_one_sentence(info: DatasetInfo, summary: RunSummary) -> None:
    """The sentence that the page is about."""
    st.markdown(f"##### {escape_markdown(f'{info.title}: {summary.sentence}')}")


def figures(opened: OpenRun, summary: RunSummary) -> None:
    """Bytes and quality beside the features, and under which protocol."""
    with st.grid(2, min_column_width=110, gap="small"):
        with st.container(gap=None):
            st.metric("Bytes per image", f"{summary.code_bytes:,}")
            if summary.feature_bytes is not None:
                st.caption(f"features: {summary.feature_bytes:,}")
        for one in summary.qualities:
            with st.container(gap=None):
                st.metric(one.name, f"{percent(one.value)} %")
                half = "" if one.half is None else f"± {100 * one.half:.1f}; "
                if one.cosine is not None:
                    st.caption(f"{half}features: {percent(one.cosine)} %")
    if not summary.qualities:
        reason = opened.run.status().unmeasured or "it was not evaluated"
        st.caption(escape_markdown(f"This run is not measured: {reason}."))
        return
    sentence = " ".join(one.label for one in cached.runs.measured_in((opened.id,)))
    st.caption(escape_markdown(f"{opened.label}, {sentence}. Features: float32, ranked by cosine."))


def search_link() -> None:
    """To where an image of one's own is the query."""
    label = "Search with your own image"
    st.page_link("explore/search_page.py", label=label, icon=":material/upload:")


def nearest(opened: OpenRun, query: QueryImage) -> Answer:
    """The first results of the query, as Search shows them at first."""
    ordering, _ = result_order.by_features(opened, query)
    return cached.search.answer(opened, query, Request(limit=_SHOWN), ordering)


def code_map(opened: OpenRun, query: QueryImage, answer: Answer) -> None:
    """The map, on which the query and its nearest images light up."""
    with st.container(key="overview_hero"), st.spinner("Placing the codes"):
        shown = cached.search.code_map(opened)
    map_widget.show_code_map(
        opened,
        shown,
        key=_MAP,
        height=_MAP_PX,
        query=query,
        near=tuple(result.row for result in answer.results),
        on_pick=lambda: _pick(opened),
    )


def _pick(opened: OpenRun) -> None:
    """A click makes the image the query; a lasso keeps what it holds."""
    numbers, is_lasso = map_widget.picked(_MAP)
    if is_lasso:
        st.session_state[_LASSOED] = (opened.id, numbers)
    elif numbers:
        row = int(cached.search.code_map(opened).table["row"].iloc[numbers[0]])
        _forget_lasso()
        state.choose_query(dataset_ref(row))


def _forget_lasso() -> None:
    st.session_state.pop(_LASSOED, None)


def lassoed(opened: OpenRun) -> list[int] | None:
    """Manifest rows of the images in the lasso; None where none was drawn on this run's map."""
    run_id, numbers = st.session_state.get(_LASSOED, ("", []))
    return rows_at(cached.search.code_map(opened), opened, numbers) if run_id == opened.id else None


def images(
    opened: OpenRun, query: QueryImage, answer: Answer, lasso: list[int] | None
) -> int | None:
    """What the lasso holds, or else the nearest images; returns the row clicked just now."""
    if lasso is None:
        name = escape_markdown(telling_name(query.name) or "this image")
        st.markdown(f"**Nearest to {name}** :gray[· click the map to light up another image]")
        tiles = [search_results.tile(result, opened) for result in answer.results]
    else:
        with st.container(horizontal=True, vertical_alignment="center"):
            cut = f", the first {_MOST} are shown" if len(lasso) > _MOST else ""
            st.markdown(f"**{plural(len(lasso), 'image')} in the lasso**{cut}", width="content")
            st.button("Clear", icon=":material/close:", key="clear_lasso", on_click=_forget_lasso)
        tiles = [_tile(opened, row) for row in lasso[:_MOST]]
    clicked = gallery.show_gallery(
        [gallery.TileGroup(tuple(tiles))],
        key=_IMAGES,
        label="Images",
        tile_px=_TILE_PX,
        on_search=lambda row: state.choose_query(dataset_ref(int(row))),
    )
    return None if clicked is None else int(clicked)


def drawer(row: int, opened: OpenRun, query: QueryImage, answer: Answer) -> None:
    """The drawer of an image below the map."""
    show_drawer(
        row,
        opened.dataset,
        gallery_key=_IMAGES,
        titles=search_results.titles(answer, opened),
        opened=opened,
        query=query,
        after_search=lambda _: st.rerun(),
    )


def next_steps(info: DatasetInfo) -> None:
    """Where to go from here."""
    st.markdown("**What next**")
    with st.grid(len(_WAYS), min_column_width=150, gap="small"):
        for page, name, icon, words in _WAYS:
            with st.container(border=True, gap=None):
                st.page_link(page, label=f"**{name}**", icon=icon)
                st.caption(words)


def _tile(opened: OpenRun, row: int) -> gallery.Tile:
    name = opened.text("text", row) or opened.text("image_id", row)
    source = thumb_url(opened.dataset.info.name, opened.sha256(row))
    return gallery.Tile(str(row), source, name, name)
