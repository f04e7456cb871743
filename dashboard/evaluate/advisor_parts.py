"""The parts of the Advisor page: the scenario, the recommendation, the ranking, the next step."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import cached, state
from dashboard.charts.tradeoff import tradeoff
from dashboard.evaluate import copies_offer
from dashboard.widgets import chart_panel, kind_examples
from dashboard.widgets.report_button import Entry
from pipeline.analysis.advice import advice_table, command, readable, untried
from pipeline.analysis.advisor import Advice, Scenario
from pipeline.analysis.comparisons import Comparison
from pipeline.analysis.leaderboard import Leaderboard
from pipeline.evaluation.rankings import HAMMING
from pipeline.evaluation.relevance import COPIES
from pipeline.wording import escape_markdown, plural

_LABELS = ("None", "One per image", "Several per image")
_OLD_LABELS = {"One an image": _LABELS[1], "Several an image": _LABELS[2]}
_KIND, _THING = "More of the same kind", "The same image, edited"
_MOST_UNTRIED = 4  # methods to train next; a long list is not run


def purpose(by_kind: Comparison) -> Comparison:
    """Ask what a search should find, which decides the measure; returns its comparison.

    Args:
        by_kind: the comparison of runs by labels or neighbours.
    """
    wanted = st.segmented_control(
        "What should a search find?",
        (_KIND, _THING),
        default=_KIND,
        required=True,
        key="a_find",
        bind="query-params",
        help="Methods that are good at one are often poor at the other: the Leaderboard shows both "
        "in one chart.",
    )
    backbones = cached.runs.board(by_kind).rows["backbone"]
    if len(backbones):
        kind_examples.show_examples(by_kind.dataset, str(backbones.mode().iloc[0]))
    return replace(by_kind, relevance=COPIES, ranking=HAMMING) if wanted == _THING else by_kind


def unmeasured(by_kind: Leaderboard, comparison: Comparison) -> None:
    """Offer to measure the runs that the purpose needs measured; ends the page without any."""
    if comparison.relevance != COPIES:
        return
    known = cached.analysis.kind_and_thing(by_kind.rows)
    labels = dict(zip(by_kind.rows["run"], by_kind.rows["model"], strict=True))
    copies_offer.show_offer({run: labels.get(run, run) for run in known.unmeasured})
    if known.rows.empty:
        st.stop()


def scenario(found: Leaderboard, kind: str | None) -> Scenario:
    """Ask for the scenario; every answer is in the address bar.

    Args:
        found: what was measured.
        kind: of the labels that decided: `single`, `multi`; None where none did.
    """
    n = found.n_database
    state.understand_old("a_labels", _OLD_LABELS)
    with st.container(border=True, key="scenario"):
        first, second, third, fourth = st.columns(4)
        labels = first.selectbox(
            "Labels to learn from",
            _LABELS,
            index=0 if kind is None else 2 if kind == "multi" else 1,
            key="a_labels",
            bind="query-params",
        )
        now = second.number_input(
            "Training images", 1, 10**9, max(n, 1), step=100, key="a_now", bind="query-params"
        )
        production = max(1_000_000, n)
        later = third.number_input(
            "Images in production",
            1,
            10**10,
            production,
            100_000,
            key="a_later",
            bind="query-params",
        )
        speed = _limit(
            fourth,
            ("Training speed (1: this machine)", 0.01, 1.0, 0.5, "a_speed"),
            most=1000.0,
            help="How many times faster the machine that will train is. All runs here were "
            "measured on this machine's processor, none on a GPU. To measure the other machine, "
            "train one run on both and divide the times.",
        )
        first, second, third, _ = st.columns(4)
        latency = _limit(first, ("Search, at most (ms)", 0.01, 50.0, 5.0, "a_ms"))
        memory = _limit(second, ("Memory, at most (MB)", 0.1, 100.0, 10.0, "a_mb"))
        training = _limit(third, ("Training, at most (s)", 0.1, 600.0, 60.0, "a_s"))
    return Scenario(
        has_labels=labels != _LABELS[0],
        is_multi_label=labels == _LABELS[2],
        n_now=int(now),
        n_later=int(later),
        latency_ms=latency,
        memory_mb=memory,
        training_s=training,
        speed=speed,
    )


def _limit(
    place: DeltaGenerator,
    field: tuple[str, float, float, float, str],
    *,
    most: float | None = None,
    help: str | None = None,
) -> float:
    """A number without trailing zeros, of a field: label, least, usual, step, key."""
    label, least, usual, step, key = field
    return place.number_input(
        label, least, most, usual, step, format="%g", key=key, help=help, bind="query-params"
    )


def recommendation(found: list[Advice], comparison: Comparison) -> str:
    """The best that fits with its reasons and a way to search with it; returns the sentence."""
    if not found or not found[0].fits:
        st.warning(
            "Nothing that was measured meets all limits. Loosen one of them, or measure more."
            + _nearest_miss(found),
            title="No candidate",
        )
        return ""
    best = found[0]
    sentence = (
        f"{_named(best)}: mAP {100 * best.measured.map:.1f} % "
        f"on {comparison.dataset}, {best.memory_mb:,.1f} MB and {best.search_ms:.2f} ms per search "
        f"in production, about {best.training_s:,.1f} s of training."
    )
    with st.container(border=True, key="recommendation"):
        st.subheader(escape_markdown(_named(best)), anchor=False)
        st.markdown(escape_markdown(sentence))
        st.caption(escape_markdown("; ".join([*best.reasons, *_why_not_the_best(found)])) + ".")
        if not best.measured.run:
            st.markdown(
                "This is no hash method: the features themselves, compressed. The database's own "
                "quantizers are on the Leaderboard, Trade-offs."
            )
        elif st.button("Search with it", type="primary", icon=":material/image_search:"):
            runs = cached.library.runs(comparison.dataset)
            slug = next((one.slug for one in runs if one.id == best.measured.run), None)
            state.switch_page("explore/search_page.py", **({"run": slug} if slug else {}))
    return sentence


def _named(advice: Advice) -> str:
    return f"{advice.measured.title}, {advice.measured.size}"


def _nearest_miss(found: list[Advice]) -> str:
    """Which candidate is nearest to the limits, and what it breaks, as Markdown."""
    if not found or math.isinf(found[0].excess):
        return ""
    miss = f"{_named(found[0])} comes nearest: {', '.join(found[0].obstacles)}."
    return f" {escape_markdown(miss)}"


def _why_not_the_best(found: list[Advice]) -> list[str]:
    """Why the recommendation is not the one with the highest mAP, if it is not."""
    best = max((one for one in found if one.fits), key=lambda one: one.measured.map)
    if best is found[0]:
        return []
    return [
        f"the fewest bytes whose interval reaches the best mAP that fits, "
        f"{100 * best.measured.map:.1f} % of {_named(best)}"
    ]


def ranking(
    found: list[Advice], board: Leaderboard, asked: Scenario, comparison: Comparison, said: str
) -> None:
    """All candidates, and mAP against memory with what can be afforded as a box."""
    table = readable(found)
    st.dataframe(
        table,
        hide_index=True,
        placeholder="–",
        key="advice",
        alt="Candidates under the scenario.",
        column_config={
            name: st.column_config.NumberColumn(format="%.1f") for name in ("mAP", "Training (s)")
        }
        | {"Model": st.column_config.TextColumn(width=168)}
        | {"Memory (MB)": st.column_config.NumberColumn(format="%.1f")}
        | {"Search (ms)": st.column_config.NumberColumn(format="%.2f")},
    )
    title = "Memory in production (MB)"
    chart_panel.show_chart(
        tradeoff(
            advice_table(found),
            list(board.rows["method"]),
            board.baselines,
            title=title,
            is_log=False,
            budget=asked.memory_mb,
        ),
        table,
        alt=f"mAP against memory with the budget. {said}",
        key="advice_chart",
        entry=Entry(
            "Advice",
            said,
            comparison.sentence,
            runs=tuple(one.measured.run for one in found if one.measured.run),
        ),
    )
    st.caption(
        "Green: within the memory budget. Memory is codes and 16-byte ids; search is an exact scan "
        "on one core of this machine. mAP is that of the data set in the sidebar: on your images "
        "it will differ, the order less so."
    )


def missing(rows: pd.DataFrame, asked: Scenario, comparison: Comparison) -> None:
    """What was never measured and could serve, with ways to train it."""
    names = untried(rows, asked)
    if not names:
        return
    with st.expander(
        f"Not measured here: {plural(len(names), 'method')} that could serve",
        icon=":material/science:",
    ):
        few, lengths = names[:_MOST_UNTRIED], sorted({int(bits) for bits in rows["bits"]})
        st.markdown("They have no figures until they are trained: " + ", ".join(few) + ".")
        with st.container(horizontal=True):
            if st.button("Set up training", icon=":material/model_training:", key="train_untried"):
                st.session_state.update({state.TO_TRAIN: few, "bits": lengths})
                state.switch_page("build/train_page.py")
            with st.popover("As a command", icon=":material/terminal:"):
                st.code(command(comparison, few, lengths), language="bash", wrap_lines=True)
