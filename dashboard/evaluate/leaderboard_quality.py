"""Quality per byte on the leaderboard: the lead chart, and measuring alternatives."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import cached
from dashboard.charts.quality_per_byte import PICK, quality_per_byte
from dashboard.evaluate import leaderboard_compare
from dashboard.services.queries import EncodingError
from dashboard.widgets import chart_panel
from dashboard.widgets.report_button import Entry
from pipeline.analysis.comparisons import Comparison
from pipeline.analysis.leaderboard import Leaderboard
from pipeline.analysis.quality_per_byte import KINDS, QUALITIES, quality_finding, quality_points
from pipeline.evaluation.metric_table import Metric
from pipeline.runs.alternatives import ALTERNATIVES
from pipeline.wording import COMMAND, escape_markdown


def show(rows: pd.DataFrame, found: Leaderboard, comparison: Comparison) -> None:
    """Every method and alternative by its bytes per image.

    Args:
        rows: of the leaderboard that are shown.
        found: all of it.
        comparison: that it belongs to.
    """
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.subheader("Quality per byte", anchor=False, width="content")
        title = st.segmented_control(
            "Quality",
            list(QUALITIES),
            default=next(iter(QUALITIES)),
            required=True,
            key="quality",
            bind="query-params",
            label_visibility="collapsed",
        )
    metric = QUALITIES.get(title, next(iter(QUALITIES.values())))
    points = quality_points(rows, found.alternatives, found.cosine, metric)
    if points.empty:
        st.info("These runs have not measured this quality; evaluate them again.")
        return
    sentence = " ".join(filter(None, (quality_finding(points, metric), _on_disk(rows))))
    if sentence:
        st.markdown(escape_markdown(sentence))
    picked = chart_panel.show_chart(
        quality_per_byte(points, KINDS, title=metric.title),
        _readable(points, metric),
        alt=f"{metric.title} by bytes per image of {', '.join(points['title'])}. {sentence}",
        key=f"quality_{metric.name}",
        pick=PICK,
        entry=Entry(
            f"{metric.title} by bytes per image",
            finding=sentence,
            protocol=comparison.sentence,
            runs=tuple(map(str, rows["run"])),
        ),
    )
    _explain(found, comparison, points)
    chosen = {str(one.get("run")) for one in picked} - {""}
    if chosen:
        beside = rows[~rows["run"].isin(chosen)]["run"].head(1)  # the best of the others
        leaderboard_compare.show(rows[rows["run"].isin(chosen | set(beside))], comparison)


def _on_disk(rows: pd.DataFrame) -> str:
    """What the methods read from the disk, which their bytes do not count; empty for nothing."""
    most = int(rows["cold_bytes"].max())
    if not most:
        return ""
    return (
        f"Methods are rescored here with features from the disk, {most:,} bytes per image, which "
        "are not counted."
    )


def _explain(found: Leaderboard, comparison: Comparison, points: pd.DataFrame) -> None:
    """What the marks mean, and the command that measures what is missing."""
    bars = "Bars: 95 % interval over queries, or the standard deviation over several seeds. "
    if points["half"].isna().any():
        bars += (
            "Without a bar: measured before intervals of this quality were kept; "
            f"`{COMMAND} evaluate RUN` and `alternatives` measure again. "
        )
    st.caption(
        f"{bars}Broad line: the front, which nothing of as few bytes exceeds, with and without "
        "labels. Dotted: the features as float32. Alternatives store the same features, centred "
        "unless they say otherwise and of unit length, and are searched with a query of real "
        "values. Click a method to compare it."
    )
    n_missing = len(ALTERNATIVES) - found.alternatives["name"].nunique()
    if n_missing and not found.alternatives.empty:
        st.caption(
            f"Not measured: {n_missing} of {len(ALTERNATIVES)} alternatives. `{COMMAND} "
            "alternatives` measures them, or says what there are too few images for."
        )
    if found.alternatives.empty:
        st.markdown(
            "What a database stores instead of hash codes (int8, PCA, product quantization, signs) "
            "is not measured under these conditions yet."
        )
        if st.button("Measure", icon=":material/speed:", key="measure_alternatives"):
            _measure(str(found.rows["run"].iloc[0]), comparison)
        st.caption(
            f"Half a minute for 2,000 images, a minute for 5,000; `{COMMAND} alternatives` "
            "does the same, and says what there are too few images for."
        )


def _measure(run: str, comparison: Comparison) -> None:
    place = st.empty()
    names: dict[str, None] = {}

    def show_progress(name: str, done: int, total: int) -> None:
        names[name] = None
        place.progress(len(names) / len(ALTERNATIVES), f"{name}: {done:,} of {total:,} queries")

    try:
        cached.networks.measure_alternatives(run, comparison.relevance, show_progress)
    except EncodingError as error:
        place.error(escape_markdown(str(error)), title="The alternatives cannot be measured")
        return
    cached.runs.board.clear()
    st.rerun()


def _readable(points: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Stored": points["title"],
            "Kind": points["kind"],
            "Bytes per image": points["bytes"],
            metric.heading: (100 * points["value"]).round(1),
            "±": (100 * points["half"]).round(1),
            "On the front": points["is_front"],
        }
    ).sort_values(metric.heading, ascending=False)
