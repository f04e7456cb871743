"""Two runs on one query: who is compared, figures, lists, rank changes, where they differ most."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import cached, state
from dashboard.charts.rank_changes import rank_changes
from dashboard.explore import search_results
from dashboard.explore.compare_query import query_html
from dashboard.services.comparing import Compared, next_row
from dashboard.services.queries import EncodingError, Words, dataset_ref, row_of_ref
from dashboard.services.run_choices import RunChoice
from dashboard.services.run_verdict import RunVerdict
from dashboard.services.search import Answer, Request, Result
from dashboard.widgets import (
    chart_panel,
    comparison_switch,
    gallery,
    linked_select,
    notices,
    query_panel,
    result_order,
)
from dashboard.widgets import report_button as add_to_report
from pipeline.analysis.opened_run import OpenRun
from pipeline.wording import escape_markdown, percent, plural

(A, B), TABLE = state.COMPARED, "differ_most"
SHOWN = 24
_REPLACED = "b_replaced"  # run A, the B that was asked for, and the B shown instead
_TILE_PX = 96


def choose(runs: list[RunChoice]) -> tuple[str, str]:
    """The two runs; B starts as the best that can be compared with A.

    Runs that cannot be compared with A are listed apart with the reason. Where none can, the page
    stops.
    """
    labels = {run.slug: run.label for run in runs}
    ids = {run.slug: run.id for run in runs}
    place = st.empty()
    wanted = state.from_address(B, st.session_state.get(B))
    if wanted in labels:
        st.session_state[B] = wanted  # before A: where A is gone it must not become the same
    left, right, swap = st.columns([5, 5, 1], vertical_alignment="bottom")
    with left:
        default = _partner(st.session_state.get(B), ids)
        a = linked_select.show_select("Run A", labels, key=A, default=default)
    notices.opened(ids[a])
    reasons = _reasons(a, ids)
    others = {slug: label for slug, label in labels.items() if slug not in {a, *reasons}}
    if not others:
        _say_incomparable(labels, reasons, is_all=True)
        st.stop()
    wanted = st.session_state.get(B)
    with right:
        b = linked_select.show_select("Run B", others, key=B, hidden=labels)
    with place:
        if not linked_select.is_any_gone(state.DATASET):
            linked_select.say_gone("run", labels, A, B)
        if wanted in labels:
            _say_replaced(labels, reasons, a, str(wanted), b)
    swap.button("Swap", on_click=_swap, args=(a, b), help="Swap A and B.", width="stretch")
    _say_incomparable(labels, reasons)
    return ids[a], ids[b]


def _reasons(slug: str, ids: dict[str, str]) -> dict[str, str]:
    """Why other runs cannot be compared with a run, by slug."""
    others = {other: run for other, run in ids.items() if other != slug}
    found = cached.runs.incomparable(ids[slug], tuple(others.values()))
    return {other: found[run] for other, run in others.items() if run in found}


def _partner(slug: str | None, ids: dict[str, str]) -> str:
    """The best run that a run can be compared with; else the best other one."""
    others = [other for other in ids if other != slug]
    reasons = _reasons(slug, ids) if slug in ids else {}
    return next((other for other in others if other not in reasons), others[0])


def _say_replaced(
    labels: dict[str, str], reasons: dict[str, str], a: str, wanted: str, b: str
) -> None:
    """Say why another B is shown than a link or the choice before, until a run is chosen again."""
    if wanted != b:
        st.session_state[_REPLACED] = a, wanted, b
    first, wanted, second = st.session_state.get(_REPLACED, ("", "", ""))
    if (first, second) != (a, b) or wanted not in labels:
        return
    names = {slug: escape_markdown(labels[slug]) for slug in (a, wanted, b)}
    if wanted == a:
        st.info(f"A run is not compared with itself; {names[b]} is shown as run B.")
        return
    why = escape_markdown(reasons.get(wanted, "they do not belong together"))
    st.info(
        f"{names[wanted]} cannot be compared with {names[a]}: {why}. {names[b]} is shown as run B "
        "instead; choose the other one as run A to see which runs it can be compared with."
    )


def _say_incomparable(
    labels: dict[str, str], reasons: dict[str, str], *, is_all: bool = False
) -> None:
    """The runs that cannot be chosen as B, each with the reason; nothing where there are none."""
    if not reasons:
        return
    title = f"{plural(len(reasons), 'run')} cannot be compared with run A"
    if is_all:
        st.warning("Choose another run A, or train one under the same conditions.", title=title)
    with st.expander(title, icon=":material/block:", expanded=is_all):
        st.markdown(
            "\n".join(
                f"- {escape_markdown(labels[slug])}: {escape_markdown(reason)}"
                for slug, reason in reasons.items()
            )
        )


def verdict(found: RunVerdict | None, opened: OpenRun) -> None:
    """Which run is better over all queries, under which protocol, and three queries to look at.

    Args:
        found: None where no query was measured under both.
        opened: one of the runs.
    """
    if found is None:
        st.caption("No query was measured under both runs, so nothing says which is better.")
        return
    st.markdown(f"**{found.title}.** {found.sentence}")
    st.caption(escape_markdown(comparison_switch.conditions(opened)))
    with st.container(horizontal=True, gap="small"):
        for name, row in found.looks.items():
            st.button(name, on_click=_choose, args=(row,), icon=":material/image_search:")


def stepper(table: pd.DataFrame, ref: str, opened: OpenRun) -> None:
    """The query's picture, and buttons to the one before and after in the table.

    Args:
        table: queries that differ most.
        ref: link name of the query.
        opened: a run of the data set.
    """
    row, image = row_of_ref(ref, opened), state.upload(ref) or Words.of_ref(ref)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.html(query_html(row, image, opened), width="content")
        with st.container(horizontal=True, width="content", gap="small"):
            _step_buttons(table, row)
            if st.button("Search with this", icon=":material/image_search:"):
                state.choose_query(ref)
                state.switch_page("explore/search_page.py", q=ref)


def _step_buttons(table: pd.DataFrame, row: int | None) -> None:
    for label, step, key in (("Previous", -1, "P"), ("Next", 1, "N")):
        st.button(
            label,
            on_click=_step,
            args=(table, row, step),
            shortcut=key,
            disabled=table.empty,
            key=f"compare_{label}",
            help="Step through the queries that differ most.",
        )


def ask(ref: str, *runs: OpenRun) -> tuple[Answer, Answer] | None:
    """The answers of both runs; when one has no code of the query say why, and None."""
    answers, reasons = [], set()
    for side, opened in zip("AB", runs, strict=True):
        try:
            query = query_panel.of_ref(ref, opened)
        except EncodingError as error:
            works = "You can still compare on images of the query set."
            notices.cannot_encode(
                str(error), works=works, key="encoding_problem", run=f"Run {side}"
            )
            return None
        if query is None:
            st.info("One of the runs has no stored code for this image; choose one of the queries.")
            return None
        ordering, reason = result_order.by_features(opened, query)
        answers.append(cached.search.answer(opened, query, Request(limit=SHOWN), ordering))
        reasons.add(reason or answers[-1].order.problem)
    for reason in sorted(reasons - {""}):
        st.caption(f"Equally near images are sorted by id: {escape_markdown(reason)}.")
    first, second = answers
    return first, second


def report_button(runs: tuple[OpenRun, OpenRun], answers: tuple[Answer, Answer]) -> None:
    """A button that adds the query with the first results of both runs to the report."""
    is_by_features = all(
        result_order.by_features(opened, answer.query)[0] is not None and not answer.order.problem
        for opened, answer in zip(runs, answers, strict=True)
    )
    add_to_report.show_strip_button(
        list(zip(runs, answers, strict=True)),
        Request(limit=SHOWN),
        order="distance, then similarity" if is_by_features else "codes only",
        key="compare",
    )


def figures(compared: Compared) -> None:
    """AP of both, the difference, overlap."""
    first, second = compared.ap
    gain = None if first is None or second is None else 100 * (second - first)
    with st.grid(5, min_column_width=130, gap="small"):
        st.metric("AP of A", _percent(first))
        st.metric("AP of B", _percent(second))
        st.metric("B − A", "–" if gain is None else f"{gain:+.1f}")
        st.metric(f"Overlap@{SHOWN}", f"{compared.overlap} of {SHOWN}")
        st.metric(
            "Rank-biased overlap",
            f"{compared.rbo:.2f}",
            help="1 means the same order; early ranks weigh more.",
        )
    if first is None or second is None:
        st.caption("AP is unknown: it is measured only for labelled images of the query set.")


def lists(
    compared: Compared, opened: tuple[OpenRun, OpenRun], answers: tuple[Answer, Answer]
) -> tuple[Result, int, str] | None:
    """Both lists, then what only one has; what was clicked, in which run (0, 1) and gallery."""
    clicked = None
    for side, column in enumerate(st.columns(2, gap="large")):
        with column:
            st.markdown(f"**{'AB'[side]}** · {opened[side].label}")
            key = f"list_{'ab'[side]}"
            name = f"Results of {'AB'[side]}"
            picked = _gallery(answers[side].results, opened[side], key, name)
            clicked = (picked, side, key) if picked else clicked
    only_a, both, only_b = compared.groups
    named = (
        (f"Only in A ({len(only_a)})", only_a, 0),
        (f"In both ({len(both)})", both, 0),
        (f"Only in B ({len(only_b)})", only_b, 1),
    )
    for number, (tab, (name, results, side)) in enumerate(
        zip(st.tabs([name for name, _, _ in named]), named, strict=True)
    ):
        with tab:
            if not results:
                st.caption("None.")
                continue
            key = f"part_{number}"
            picked = _gallery(results, opened[side], key, name)
            clicked = (picked, side, key) if picked else clicked
    return clicked


def changes(compared: Compared) -> None:
    """The rank-change chart."""
    st.subheader("Rank changes", anchor=False)
    if compared.changes.empty:
        st.caption("No image has a rank under both runs.")
        return
    n_up = (compared.changes["fate"] == "better in B").sum() // 2
    chart_panel.show_chart(
        rank_changes(compared.changes),
        compared.changes.drop(columns="row"),
        alt=f"Ranks under A and B of the first ten of both; {n_up} images rank better in B.",
        key="rank_changes",
    )


def differing(table: pd.DataFrame, opened: OpenRun) -> None:
    """The queries that differ most; a click on a row loads the query."""
    st.subheader("Queries that differ most", anchor=False)
    if table.empty:
        st.caption("No query was measured under both runs.")
        return
    shown = table.head(100)
    rows = [
        {
            "Query": opened.text("text", row) or opened.text("image_id", row),
            "Labels": ", ".join(opened.label_names(row)),
            "AP of A": a,
            "AP of B": b,
            "B − A": delta,
        }
        for row, a, b, delta in shown.itertuples(index=False)
    ]
    number = st.column_config.NumberColumn(format="%.1f")
    st.dataframe(
        rows,
        hide_index=True,
        key=TABLE,
        alt="Queries by difference of average precision, in percent.",
        on_select=lambda: _load(shown),
        selection_mode="single-row",
        column_config=dict.fromkeys(("AP of A", "AP of B", "B − A"), number),
    )


def _gallery(results: list[Result], opened: OpenRun, key: str, label: str) -> Result | None:
    tiles = tuple(search_results.tile(result, opened) for result in results)
    clicked = gallery.show_gallery(
        [gallery.TileGroup(tiles)],
        key=key,
        label=label,
        tile_px=_TILE_PX,
        on_search=lambda row: _choose(int(row)),
    )
    return next((result for result in results if str(result.row) == clicked), None)


def _percent(ap: float | None) -> str:
    return percent(ap) + (" %" if ap is not None else "")


def _swap(a: str, b: str) -> None:
    st.session_state[A], st.session_state[B] = b, a


def _step(table: pd.DataFrame, row: int | None, step: int) -> None:
    _choose(next_row(table, row, step))


def _load(shown: pd.DataFrame) -> None:
    chosen = st.session_state[TABLE].selection.rows
    if chosen:
        _choose(int(shown["row"].iloc[chosen[0]]))


def _choose(row: int) -> None:
    state.choose_query(dataset_ref(row), state.COMPARED_QUERY)
