"""How steady the codes of a run are when images are edited, beside another run."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import cached
from dashboard.charts.robustness import robustness as chart
from dashboard.evaluate import copies_offer
from dashboard.widgets import chart_panel, linked_select, notices, report_button
from dashboard.widgets.report_button import Entry
from pipeline.analysis import robustness
from pipeline.analysis.opened_run import OpenRun, short_labels
from pipeline.analysis.robustness import FLIPPED, KEPT, NEAREST, Robustness
from pipeline.evaluation.metric_table import METRICS
from pipeline.runs.copy_baselines import VALUES
from pipeline.runs.results import RunError
from pipeline.wording import escape_markdown, listed, plural

_ALONE = "none"
_TITLES = {FLIPPED: "Bits flipped (%)", KEPT: f"Overlap@{NEAREST} (%)"}


def show_robustness(run: OpenRun) -> None:
    """What was measured of the chosen runs, and a button for what was not."""
    choices = cached.library.runs(run.dataset.info.name)
    others = {one.slug: one for one in choices if one.id != run.id}
    names = {_ALONE: "no other run", **{slug: one.label for slug, one in others.items()}}
    other = others.get(linked_select.show_select("Beside", names, key="beside", default=_ALONE))
    linked_select.say_gone("run", names, "beside")
    runs = [run, *([notices.opened(other.id)] if other else [])]
    labels = short_labels([one.run for one in runs])
    measured = [_measured(one, label) for one, label in zip(runs, labels, strict=True)]
    known_of = zip(runs, labels, measured, strict=True)
    copies_offer.show_offer({one.id: label for one, label, known in known_of if known is None})
    if known := [one for one in measured if one is not None]:
        _results(known, cached.analysis.copy_baselines(run), [one.id for one in runs])


def _measured(run: OpenRun, label: str) -> Robustness | None:
    """What a run was measured on; None where it was not, or where a warning says it is damaged."""
    try:
        return cached.analysis.robustness(run, label)
    except RunError as error:
        st.warning(escape_markdown(str(error)), title="Damaged: measure it again")
        return None


def _results(
    measured: list[Robustness], baselines: Sequence[Robustness], ids: Sequence[str]
) -> None:
    sentences = [run.finding for run in measured]
    if len(measured) > 1:
        sentences.append(robustness.difference(*measured))
    for sentence in sentences:
        st.markdown(escape_markdown(sentence))
    _found([*measured, *baselines], " ".join(sentences), ids)
    for (measure, title), column in zip(_TITLES.items(), st.columns(2, gap="large"), strict=True):
        rows = robustness.table(measured, measure)
        with column:
            chart_panel.show_chart(
                chart(rows, title),
                rows.rename(columns=str.capitalize),
                alt=f"{title} by edit of the image. {sentences[0]}",
                key=f"robustness_{measure}",
                entry=Entry(f"Robustness: {title}", finding=" ".join(sentences), runs=tuple(ids)),
            )
    sizes = listed(list(dict.fromkeys(plural(len(run.copies), "copy") for run in measured)))
    st.caption(
        f"Means over {sizes} of database images, drawn with a fixed seed, each edited in one way, "
        f"and 95 % intervals over them. Overlap: how many of the {NEAREST} nearest are still "
        "found. Original: ties in expectation. A random code would flip half of the bits."
    )


def _found(results: Sequence[Robustness], finding: str, ids: Sequence[str]) -> None:
    """Whether the original is found, by edit and ranking, as a table."""
    table = robustness.found_table(results)
    one = st.column_config.NumberColumn
    name = st.segmented_control(
        "Original found",
        VALUES,
        default=VALUES[0],
        format_func=lambda name: METRICS[name].heading,
        required=True,
        key="copies_metric",
    )
    metric = METRICS[name or VALUES[0]]
    of_rankings = {f"{result.label}: {metric.heading}": result.label for result in results}
    st.dataframe(
        table[["Edit", "Copies", *of_rankings]].rename(columns=of_rankings),
        hide_index=True,
        key="copies_found",
        alt=f"Whether edited images find their originals, by edit. {finding}",
        column_config={
            "Edit": st.column_config.TextColumn(pinned=True, width=130),
            "Copies": one(width=60, help="Edited images behind the row."),
        }
        | {label: one(format="%.1f", help=metric.help) for label in of_rankings.values()},
    )
    entry = Entry("Whether copies are found", finding=finding, runs=tuple(ids))
    report_button.show_report_button(entry, table, key="copies_found")
