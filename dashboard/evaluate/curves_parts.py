"""The parts of the Curves page: what to draw, the small multiples, the queries behind a point."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dashboard import cached, state
from dashboard.charts.curves import PICK, Axes, curves, small_multiples
from dashboard.services.queries import dataset_ref
from dashboard.services.thumbs import thumb_url
from dashboard.widgets import chart_panel, gallery
from dashboard.widgets.report_button import Entry
from pipeline.analysis.comparisons import Comparison
from pipeline.analysis.curves import (
    KINDS,
    OVER_QUERIES,
    OVER_SEEDS,
    Kind,
    RunCurves,
    curve_table,
    finding,
    queries_at,
)
from pipeline.evaluation.rankings import HAMMING, ranking_in_words
from pipeline.evaluation.relevance import COPIES
from pipeline.wording import escape_markdown

TRAINING = "Training"
_DRAWN = 6  # models that a chart can tell apart
_LENGTHS = 4  # facets that fit a screen
_SHOWN = 12  # queries behind a point


def kind() -> str:
    """Which curve."""
    titles = [*KINDS, TRAINING]
    return st.segmented_control(
        "Curve", titles, default=titles[0], required=True, key="curve", bind="query-params"
    )


def has_curve(shown: Kind, comparison: Comparison) -> bool:
    """Whether the ranking has this curve; else says which has."""
    if comparison.ranking == HAMMING:
        return True
    if comparison.relevance == COPIES:
        st.info("Curves of copies are drawn by Hamming distance alone; choose that ranking above.")
        return False
    if shown.by == "radius":
        st.info(
            f"A ranking by {ranking_in_words(comparison.ranking)} has no radius. Choose a curve by "
            "rank, or the ranking by Hamming distance."
        )
        return False
    return True


def chosen(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the chosen models and code lengths; the best six models at first."""
    models = list(dict.fromkeys(rows["model"]))
    lengths = sorted({int(bits) for bits in rows["bits"]})
    left, right = st.columns([3, 1])
    wanted = left.multiselect(
        "Models", models, default=models[:_DRAWN], max_selections=_DRAWN, key="models"
    )
    if len(lengths) > 1:
        lengths = right.pills(
            "Code length (bits)",
            lengths,
            selection_mode="multi",
            default=lengths[:_LENGTHS],
            key="curve_bits",
        )
    return rows[rows["model"].isin(wanted) & rows["bits"].isin(lengths)]


def bands(rows: pd.DataFrame) -> str:
    """What the bands say; a choice only where there are several seeds."""
    if rows["seeds"].max() < 2:
        return OVER_QUERIES
    return st.segmented_control(
        "Bands over",
        (OVER_QUERIES, OVER_SEEDS),
        default=OVER_QUERIES,
        required=True,
        key="bands",
        bind="query-params",
        help="Queries: 95 % bootstrap over the queries of the first seed. Seeds: least and most "
        "of the seeds, the line is their mean.",
    )


def draw(
    found: list[RunCurves],
    shown: Kind,
    over: str,
    methods: list[str],
    comparison: Comparison,
    runs: tuple[str, ...],
) -> list[dict[str, Any]]:
    """The chart with its finding; returns the point that was clicked, if any."""
    table = curve_table(found, shown, over)
    sentence = finding(found, shown)
    if sentence:
        st.markdown(escape_markdown(sentence))
    axes = Axes(shown.x_title, shown.y_title, is_share=shown.x == "recall", is_log=shown.is_log)
    key = f"curves_{shown.title.lower().replace(' ', '_')}"
    picked = multiples(table, methods, axes, key, f"{shown.title}. {sentence}")
    chart_panel.files(
        small_multiples(table, methods, axes),
        _readable(table, shown),
        alt=f"{shown.title} of {', '.join(dict.fromkeys(table['model']))}. {sentence}",
        key=key,
        entry=Entry(shown.title, sentence, comparison.sentence, runs),
    )
    meaning = {
        OVER_QUERIES: "95 % bootstrap over the queries, first seed",
        OVER_SEEDS: "from the least to the most of the seeds",
    }[over]
    st.caption(
        f"Bands: {meaning}. Ties inside a distance are averaged. Click a model in the legend to "
        "see it alone in that chart, a point to see the queries behind it. *Models* above chooses "
        "for all charts."
    )
    return picked


def multiples(
    table: pd.DataFrame, methods: list[str], axes: Axes, key: str, said: str
) -> list[dict[str, Any]]:
    """A chart a code length, two beside each other where there is room; what was clicked last."""
    picked: list[dict[str, Any]] = []
    lengths = sorted({int(bits) for bits in table["bits"]})
    for first in range(0, len(lengths), 2):
        pair = lengths[first : first + 2]
        for bits, place in zip(pair, st.columns(min(2, len(lengths)), gap="large"), strict=False):
            with place:
                st.markdown(f"**{bits} bits**")
                picked += chart_panel.draw(
                    curves(table[table["bits"] == bits], methods, axes),
                    alt=f"{bits} bits. {said}",
                    key=f"{key}_{bits}",
                    pick=PICK if table["is_point"].any() else "",
                )
    return picked


def behind(point: dict[str, Any], rows: pd.DataFrame, shown: Kind) -> None:
    """The worst queries at a point, each a way into Search with the run of the point."""
    match = rows[(rows["model"] == point.get("model")) & (rows["bits"] == point.get("bits"))]
    if match.empty:
        return
    row, at = match.iloc[0], int(point["at"])
    run = cached.analysis.measured(row["run"])
    table = queries_at(cached.analysis.query_curves(row["run"], row["ranking"]), shown, at)
    where = f"first {at:,}" if shown.by == "rank" else f"within {at} bits"
    st.subheader(f"Queries behind the point: {shown.y}, {where}", anchor=False)
    n_zero = int((table["value"] == 0).sum())
    st.caption(
        escape_markdown(f"{row['model']}, {row['bits']} bits: {n_zero} of {len(table)} queries")
        + f" have {shown.y} 0 here. The worst {min(_SHOWN, len(table))}; click one to search."
    )
    tiles = []
    for entry in table.head(_SHOWN).to_dict("records"):
        image = int(run.query_rows[int(entry["place"])])
        caption = run.described(image)
        tiles.append(
            gallery.Tile(
                id=str(image),
                src=thumb_url(run.dataset.info.name, run.sha256(image)),
                name=f"query, {caption}, {shown.y} {100 * entry['value']:.0f} percent",
                caption=caption,
                fact=f"{100 * entry['value']:.0f} %",
            )
        )
    clicked = gallery.show_gallery(
        [gallery.TileGroup(tuple(tiles))], key="behind", label="Queries behind", tile_px=104
    )
    if clicked:
        search(int(clicked), str(row["run"]))


def search(row: int, run_id: str) -> None:
    """Go to Search with an image of the data set and a run."""
    name = str(st.session_state["ds"])
    slug = next((one.slug for one in cached.library.runs(name) if one.id == run_id), None)
    target = {"q": dataset_ref(row)} | ({"run": slug} if slug else {})
    state.switch_page("explore/search_page.py", **target)


def _readable(table: pd.DataFrame, shown: Kind) -> pd.DataFrame:
    at = "First N" if shown.by == "rank" else "Radius"
    readable = pd.DataFrame(
        {"Model": table["model"], "Bits": table["bits"], at: table["at"].astype(int)}
    )
    if shown.x == "recall":
        readable["Recall %"] = (100 * table["x"]).round(1)
    readable[f"{shown.y_title} %"] = (100 * table["y"]).round(1)
    readable["From"] = (100 * table["low"]).round(1)
    readable["To"] = (100 * table["high"]).round(1)
    return readable
