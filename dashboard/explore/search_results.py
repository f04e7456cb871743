"""Search results: how good the answer is, the gallery by distance, and what to say when empty."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.charts.distance_histogram import distance_histogram
from dashboard.explore import search_controls, search_filters, search_order
from dashboard.services.queries import dataset_ref
from dashboard.services.results_table import results_table, to_csv
from dashboard.services.search import Answer, Request, Result, TieGroup
from dashboard.services.thumbs import thumb_url
from dashboard.widgets import chart_panel, gallery
from pipeline.analysis.opened_run import OpenRun
from pipeline.datasets.class_counts import labelled_words
from pipeline.index.coverage import in_words
from pipeline.index.publish import searched_images
from pipeline.wording import duration, escape_markdown, percent, plural

KEY = "results"
_MOST_HEADINGS = 1 / 6  # of the images that have one
_MARKS: dict[bool | None, gallery.Mark] = {True: "yes", False: "no", None: "unknown"}
_WORDS = {True: "relevant", False: "not relevant", None: "relevance unknown"}


def headline(answer: Answer, request: Request, reason: str, opened: OpenRun) -> None:
    """Two lines: what was found, where, how fast; and in which order it is shown.

    Args:
        answer: that is shown.
        request: what was asked for.
        reason: why features do not sort it; empty where they do or were not chosen.
        opened: the run that was searched.
    """
    n_shown = len(answer.results)
    summary, shown = f"{answer.n_found:,} nearest", ""
    if request.max_distance is not None:
        summary = f"{plural(answer.n_within, 'image')} within {plural(request.max_distance, 'bit')}"
        if answer.n_found < answer.n_within:
            kind = "nearest" if answer.order.is_by_distance else "first"
            of = f"{n_shown:,} of the " if n_shown < answer.n_found else ""
            shown = f" · {of}{kind} {answer.n_found:,} shown"
    if not shown and n_shown < answer.n_found:
        shown = f" ({n_shown:,} shown)"
    times = f"search {duration(answer.search_s)}"
    if answer.query.encoded.encode_s:
        times = f"encoding {duration(answer.query.encoded.encode_s)} · {times}"
    where = "index" if answer.index.kind == "ready" else "code file"
    images = searched_images(opened.run)
    where += f" of {in_words(len(opened.searched_rows), len(opened.dataset), images)}"
    st.markdown(
        f"**{summary}**{shown} "
        f":gray[· {plural(answer.n_database, 'image')} searched · {where} · {times}]"
    )
    search_order.explain(answer, reason)


def unusual(answer: Answer, opened: OpenRun) -> None:
    """A warning that nothing is as near as queries usually find."""
    st.warning(
        f"The nearest image differs in {answer.nearest} bits; for 99 of 100 queries of this "
        f"data set it is within {opened.usual_nearest}. These results may mean little.",
        title="Unusual query",
    )


def measures(answer: Answer, opened: OpenRun) -> None:
    """Precision and lookup of this one query, or why they are not known; nothing without labels."""
    judgement = answer.judgement
    if judgement is None and opened.label_set is None:
        return
    if words := labelled_words(opened.dataset, opened.label_set):
        unknown = "Results without one are marked as unknown and not counted."
        st.caption(escape_markdown(f"{words}. {unknown}"))
    if judgement is None:
        st.caption(
            "Relevance is unknown: this image has no labels here, so results are not marked "
            "and precision cannot be computed."
        )
        return
    ball = (
        f"{judgement.ball_relevant} of {judgement.ball_size}"
        if judgement.ball_size
        else "no images"
    )
    n = answer.n_unknown_10
    without_label = f", without {plural(n, 'image')} that have no label" if n else ""
    shown = [
        (
            "P@10",
            _percent(answer.precision_10),
            f"Relevant among the first 10 as they are shown{without_label}. By the codes alone: "
            f"{_percent(judgement.precision_10)}, the mean over all orders of equally near images.",
        ),
        (
            "P@100",
            _percent(judgement.precision_100),
            "Relevant among the first 100 by the codes alone.",
        ),
        ("Relevant within 2 bits", ball, "Relevant images among all images within 2 bits."),
        (
            "Relevant images",
            f"{judgement.n_relevant:,}",
            "Images searched that share a label with the query.",
        ),
    ]
    with st.grid(4, min_column_width=140, gap="small"):
        for name, value, explained in shown:
            st.metric(name, value, help=explained)


def show_results(answer: Answer, opened: OpenRun, tile_px: int, page: slice) -> Result | None:
    """The gallery of one page of results; returns the result that was clicked just now."""
    results = answer.results
    on_page = {result.rank for result in results[page]}
    groups = [_group(group, opened, on_page) for group in answer.groups]
    clicked = gallery.show_gallery(
        few_headings([group for group in groups if group.items]),
        key=KEY,
        label="Search results",
        tile_px=tile_px,
        on_search=lambda row: state.choose_query(dataset_ref(int(row))),
    )
    return next((result for result in results if str(result.row) == clicked), None)


def few_headings(groups: list[gallery.TileGroup]) -> list[gallery.TileGroup]:
    """The groups, or one without a heading where headings would take the place of images.

    Each image tells its distance itself.
    """
    tiles = tuple(tile for group in groups for tile in group.items)
    if len(groups) <= max(1, _MOST_HEADINGS * len(tiles)):
        return groups
    return [gallery.TileGroup(tiles)]


def empty(answer: Answer, request: Request) -> None:
    """Explain an empty result, with a button that shows the nearest image."""
    with st.container(border=True, key="no_results"):
        if answer.n_found:
            st.markdown(
                f"**None of the {answer.n_found:,} results match the filter.** "
                "Choose *All* to see them."
            )
            return
        if (
            request.has_filter
            or not request.is_ball
            or request.max_distance is None
            or answer.nearest is None
        ):
            st.markdown("**No images match all filters.**")
            st.button("Clear the filters", type="primary", on_click=search_filters.clear)
            return
        st.markdown(
            f"**No code within {plural(request.max_distance, 'bit')}.** "
            f"The nearest is at distance {answer.nearest}."
        )
        st.button(
            f"Show it: search within {answer.nearest} bits",
            type="primary",
            on_click=search_controls.widen,
            args=(answer.nearest,),
        )


def distances(answer: Answer, opened: OpenRun) -> None:
    """How far the whole database is from the query."""
    with st.expander("Distances of all images searched", icon=":material/bar_chart:"):
        _histogram(answer, opened)


def _histogram(answer: Answer, opened: OpenRun) -> None:
    chart_panel.show_chart(
        distance_histogram(answer.histogram, opened.bits, answer.cut),
        answer.histogram,
        alt=f"Images by Hamming distance to the query; the nearest is at {answer.nearest}, "
        f"results are shown up to {answer.cut}.",
        key="distances",
    )


def _percent(share: float | None) -> str:
    return percent(share) + (" %" if share is not None else "")


def _group(group: TieGroup, opened: OpenRun, on_page: set[int]) -> gallery.TileGroup:
    shown = [result for result in group.results if result.rank in on_page]
    n_shown = len(shown)
    if group.distance is None:
        order = f"by {search_controls.order().lower()}"
        return gallery.TileGroup(tuple(tile(result, opened, True) for result in shown), order)
    count = plural(group.total, "image")
    if n_shown < group.total:
        count = f"{n_shown:,} of {count}"
    tie = " (tie)" if group.total > 1 else ""
    tiles = tuple(tile(result, opened) for result in shown)
    return gallery.TileGroup(tiles, f"distance {group.distance}", f"{count}{tie}")


def export(answer: Answer, opened: OpenRun) -> None:
    """A button that gives the results as CSV."""
    st.download_button(
        "Export",
        data=lambda: to_csv(results_table(answer, opened)),
        file_name=f"{opened.dataset.info.name}-results.csv",
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
        disabled=not answer.groups,
        help="All results of this search, as CSV.",
    )


def titles(answer: Answer, opened: OpenRun) -> dict[int, str]:
    """Headings of the drawer by the row of the result."""
    return {
        result.row: f"Rank {result.rank} · distance {result.distance} of {opened.bits}"
        for result in answer.results
    }


def tile(result: Result, opened: OpenRun, is_moved: bool = False) -> gallery.Tile:
    """A result as an image button, with the ranks it has moved if that matters."""
    caption = result.text or ", ".join(result.labels) or result.image_id
    fact, name = f"{result.distance}/{opened.bits}", f"distance {result.distance} of {opened.bits}"
    if is_moved and result.moved:
        fact += f" {'↑' if result.moved > 0 else '↓'}{abs(result.moved)}"
        name += f", {abs(result.moved)} ranks {'up' if result.moved > 0 else 'down'}"
    relevance = [] if opened.label_set is None else [_WORDS[result.relevant]]
    return gallery.Tile(
        id=str(result.row),
        src=thumb_url(opened.dataset.info.name, result.sha256),
        name=", ".join([f"rank {result.rank}", caption, name, *relevance]),
        caption=caption,
        fact=fact,
        mark=_MARKS[result.relevant] if relevance else "",
    )
