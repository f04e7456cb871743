"""Growth on the leaderboard: what stays of quality and time as the database grows."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import cached
from dashboard.charts.growth import growth
from dashboard.services.queries import EncodingError
from dashboard.widgets import chart_panel
from dashboard.widgets.report_button import Entry
from pipeline.analysis.comparisons import Comparison
from pipeline.analysis.growth_table import (
    QUALITIES,
    growth_finding,
    growth_points,
    growth_table,
)
from pipeline.analysis.quality_per_byte import FLOAT
from pipeline.runs.growth_report import SUBSAMPLES, UNLABELLED, GrowthReport
from pipeline.wording import COMMAND, escape_markdown

_WORDS = {UNLABELLED: "Images without a label", SUBSAMPLES: "Subsamples of the database"}
_TIME = "Search time"
_MOST = 6  # curves that are drawn to begin with


def show(run: str, comparison: Comparison, methods: list[str]) -> None:
    """The curves, with a button that measures them.

    Args:
        run: id of a run of the comparison, whose backbone and split count.
        comparison: gives protocol and labels.
        methods: all methods of the leaderboard, so that colours stay.
    """
    st.subheader("Growth", anchor=False)
    st.markdown(
        "What stays of quality as the database grows by images that are not relevant, and what a "
        "search then takes."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        grows_by = st.selectbox(
            "Grows by",
            cached.storage.growth_choices(run),
            format_func=lambda name: _WORDS.get(name, name),
            key="grows_by",
            bind="query-params",
            help="Images of another data set count as not relevant, whatever they show. Where "
            "there is nothing to add, subsamples of the database show the way there.",
            width=280,
        )
        report = cached.storage.growth(run, grows_by)
        label = "Measure" if report is None else "Measure again"
        is_pressed = st.button(label, icon=":material/speed:", key="measure_growth")
    if is_pressed:
        _measure(run, grows_by)
    if report is None:
        st.caption(
            "At most 250 queries and 200,000 images, up to 100 times the database; a minute for "
            f"10,000 images. `{COMMAND} growth` does the same, also for other alternatives."
        )
    elif not report.rows:
        st.info("Nothing was measured: no run of these conditions is finished.")
    else:
        _results(report, comparison, methods)


def _measure(run: str, grows_by: str) -> None:
    place = st.empty()

    def show_progress(title: str, done: int, total: int) -> None:
        place.progress(done / max(total, 1), f"{title}: {done} of {total} measured")

    try:
        cached.networks.measure_growth(run, grows_by, show_progress)
    except EncodingError as error:
        place.error(escape_markdown(str(error)), title="The growth cannot be measured")
        return
    st.rerun()


def _results(report: GrowthReport, comparison: Comparison, methods: list[str]) -> None:
    titles = [row.title for row in report.rows]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown = st.segmented_control(
            "Measure of growth",
            [*QUALITIES, _TIME],
            default=next(iter(QUALITIES)),
            required=True,
            key="growth_quality",
            label_visibility="collapsed",
        )
        chosen = st.multiselect(
            "Curves", titles, default=_first(report), key=f"curves_{report.grows_by}"
        )
    metric = QUALITIES.get(shown, next(iter(QUALITIES.values())))
    points = growth_points(report, metric)
    points = points[points["title"].isin(chosen or titles)]
    if points.empty:
        st.info("This quality was not measured; there are too few images for it.")
        return
    is_time = shown == _TIME
    finding = "" if is_time else growth_finding(points, report, metric)
    if finding:
        st.markdown(escape_markdown(finding))
    heading = "Search (ms per query)" if is_time else f"{metric.title} (%)"
    chart_panel.show_chart(
        growth(points, methods, title=heading, is_time=is_time),
        _table(report, list(dict.fromkeys(points["title"]))),
        alt=f"{heading} by images in the database for {', '.join(chosen or titles)}. {finding}",
        key=f"growth_{'time' if is_time else metric.name}",
        entry=Entry(
            f"{heading.partition(' (')[0]} as the database grows",
            finding=finding,
            protocol=f"{comparison.sentence} {report.sentence}",
            runs=tuple(row.name for row in report.rows if row.kind == "method"),
        ),
    )
    st.caption(escape_markdown(report.sentence))
    for title, reason in report.left_out.items():
        st.caption(escape_markdown(f"{title} is left out: {reason}."))


def _first(report: GrowthReport) -> list[str]:
    """Few curves to begin with: methods of 32 bits, float32, and the smallest alternatives."""
    methods = [row for row in report.rows if row.kind == "method"]
    lengths = pd.Series([row.bits for row in methods])
    wanted = 32 if (lengths == 32).any() or lengths.empty else int(lengths.mode().iloc[0])
    own = [row.title for row in methods if row.bits == wanted]
    others = [row for row in report.rows if row.kind == "alternative"]
    others.sort(key=lambda row: (row.name != FLOAT, row.bytes))
    return [*own[: _MOST - 2], *(row.title for row in others)][:_MOST]


def _table(report: GrowthReport, titles: list[str]) -> pd.DataFrame:
    table = growth_table(report)
    return table[table["Stored"].isin(titles)]
