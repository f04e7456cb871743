"""All codes on the Codes page: charts and the code map, each with its sentence."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from altair.typing import ChartType

from dashboard import cached, state
from dashboard.charts import codes as charts
from dashboard.explore import codes_map, codes_query, codes_views
from dashboard.widgets import chart_panel, comparison_switch, notices, ranking_offer
from dashboard.widgets.report_button import Entry
from pipeline.analysis.code_view import CodeView, quantisation
from pipeline.analysis.opened_run import OpenRun
from pipeline.evaluation.rankings import HAMMING, ranking_in_words
from pipeline.wording import escape_markdown, percent, plural

BALANCE, DISTANCES, LOOKUP = "Balance", "Distances", "Hash lookup"
MAP, DRIFT, KEPT = "Code map", "Drift", "Bits kept"
_OLD = {"Bits": BALANCE, "Buckets": MAP, "Ablation of bits": KEPT}  # in links of earlier versions
_KEY = "codes_view"
_LOSS = 0.003  # of mAP that is as good as nothing


def show_statistics(opened: OpenRun) -> None:
    """One view of all codes of a run, under the protocol that its numbers belong to."""
    state.understand_old(_KEY, _OLD)
    view = st.segmented_control(
        "View of all codes",
        (BALANCE, DISTANCES, LOOKUP, MAP, DRIFT, KEPT),
        default=BALANCE,
        required=True,
        key=_KEY,
        bind="query-params",
        label_visibility="collapsed",
    )
    if view == MAP:
        codes_map.show_map(opened)
        return
    run = notices.measured(opened.id)
    comparison_switch.show_switch(run.dataset.info.name)
    ranking_offer.show_offer(run.id, cached.analysis.relevance_of(run.id))
    _about_ranking(run)
    facts = f"{run.label}: {plural(len(run.database_codes), 'code')} of the database."
    st.caption(escape_markdown(f"{facts} {comparison_switch.conditions(run)}"))
    if view == DRIFT:
        drift(run)
    elif view == KEPT:
        bits_kept(run)
    else:
        of_codes = {BALANCE: bits, DISTANCES: distances, LOOKUP: lookup}[view]
        of_codes(run, cached.analysis.code_view(run.id))


def _about_ranking(run: OpenRun) -> None:
    """What another ranking reaches with the same codes, which the views describe by their bits."""
    ranking = cached.analysis.ranking_of(run.id)
    if ranking == HAMMING:
        return
    relevance = cached.analysis.relevance_of(run.id)
    own, plain = (run.run.report(relevance, one).map for one in (ranking, HAMMING))
    st.markdown(
        escape_markdown(
            f"Ranked by {ranking_in_words(ranking)}, these codes reach {percent(own)} % mAP, by "
            f"Hamming distance {percent(plain)} %. The views describe the bits and the distances "
            "between codes, which are the same in every ranking."
        )
    )


def bits(run: OpenRun, view: CodeView) -> None:
    """Balance and correlation, dead and duplicate bits, and the quantisation gap."""
    st.markdown(escape_markdown(view.finding))
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Balance", anchor=False)
        _panel(run, charts.balance(view.bits), view.bits, "Balance of bits", "balance")
        st.caption("Dashed: half of the codes are 1, the most informative share.")
    with right:
        st.subheader("Correlation", anchor=False)
        _panel(
            run,
            charts.correlation(view.correlation),
            view.bits[["bit", "most_similar", "correlation"]],
            "Correlation of bits",
            "correlation",
        )
    _quantisation(run)


def distances(run: OpenRun, view: CodeView) -> None:
    """How far apart pairs of the same and of different classes are."""
    sentence = (
        f"The two distributions share {100 * view.overlap:.0f} % of their area; the less, the "
        "better a radius separates the classes."
    )
    st.markdown(escape_markdown(sentence))
    chart = charts.distances(view.distances, view.radius_90)
    _panel(run, chart, view.distances, "Distances by class", "distances", sentence)
    st.caption(
        f"Pairs of a query and a database image. Dashed: radius {view.radius_90}, which finds 90 % "
        "of the relevant images on average."
    )


def lookup(run: OpenRun, view: CodeView) -> None:
    """What a lookup within a radius finds, and what it has to look at."""
    radius = st.slider("Radius (bits)", 0, run.bits, min(2, run.bits), key="lookup_radius")
    row = view.lookup.iloc[radius]
    shown = (
        ("Candidates", f"{row['candidates']:,.1f}", "Images within the radius, mean over queries."),
        ("No result", f"{100 * row['empty']:.1f} %", "Queries with nothing within the radius."),
        ("Precision", f"{100 * row['precision']:.1f} %", "An empty lookup counts 0."),
        ("Recall", f"{100 * row['recall']:.1f} %", "Of the relevant images."),
        ("90 % recall", f"{view.radius_90} bits", "The least radius that reaches it on average."),
    )
    with st.grid(5, min_column_width=120, gap="small"):
        for name, value, explained in shown:
            st.metric(name, value, help=explained)
    _panel(run, charts.lookup(view.lookup, radius), view.lookup, "Hash lookup by radius", "lookup")


def drift(run: OpenRun) -> None:
    """Whether bits behave alike in queries, training images and the rest of the database."""
    found = cached.analysis.drift(run.id)
    st.markdown(escape_markdown(found.finding))
    _panel(run, charts.drift(found.table), found.table, "Balance by split", "drift", found.finding)
    sizes = ", ".join(f"{name} {n:,}" for name, n in found.sizes.items())
    st.caption(f"Images: {sizes}. {found.trained} Dashed: half of the codes are 1.")


def bits_kept(run: OpenRun) -> None:
    """What the mAP loses when bits go, with a button that tries it on one query."""
    with st.spinner("Dropping bits one by one"):
        found = cached.analysis.bit_ablation(run.id)
    spare = sorted(bit + 1 for bit in found.spare(_LOSS))
    sentence = (
        f"{plural(len(spare), 'bit')} of {run.bits} can be dropped for at most "
        f"{100 * _LOSS:.1f} points of mAP; the most needed is bit {found.order[-1] + 1}, the "
        f"least bit {found.order[0] + 1}."
    )
    st.markdown(escape_markdown(sentence))
    if spare:
        st.button(
            f"Search without these {len(spare)}",
            icon=":material/volume_off:",
            on_click=_try_without,
            args=(spare,),
        )
    course = pd.DataFrame(
        {
            "left": range(run.bits, 0, -1),
            "map": found.course,
            "dropped": ["none", *(str(bit + 1) for bit in found.order[: run.bits - 1])],
        }
    )
    _panel(run, charts.dropped(course), course, "mAP by bits kept", "dropped", sentence)
    st.caption(
        f"On a sample of {found.n_queries} queries and {found.n_items:,} images. At each step the "
        "bit is dropped without which the mAP of half of the queries is highest; the line is the "
        f"mAP of the other half, {100 * found.full:.1f} % with all bits."
    )


def _try_without(bits: list[int]) -> None:
    codes_query.mute(bits)
    st.session_state["view"] = codes_views.QUERY


def _quantisation(run: OpenRun) -> None:
    st.subheader("Quantisation gap", anchor=False)
    outputs = cached.analysis.outputs(run.id)
    if isinstance(outputs, str):
        st.info(escape_markdown(f"The outputs before the sign are unavailable: {outputs}."))
        return
    table, gap = quantisation(outputs)
    sentence = (
        f"An output lies {gap:.2f} from its sign (mean square, in units of the mean size): 0 would "
        "lose nothing by the sign."
    )
    n_images = len(run.query_rows) + len(run.database_rows)
    if len(outputs) < n_images:
        sentence += f" Of {len(outputs):,} of {n_images:,} images."
    st.markdown(escape_markdown(sentence))
    _panel(run, charts.outputs(table), table, "Outputs before the sign", "outputs", sentence)


def _panel(
    run: OpenRun, chart: ChartType, table: pd.DataFrame, title: str, key: str, said: str = ""
) -> None:
    chart_panel.show_chart(
        chart,
        table,
        alt=f"{title} of {run.label}. {said}",
        key=f"codes_{key}",
        entry=Entry(f"{title}, {run.label}", finding=said, runs=(run.id,)),
    )
