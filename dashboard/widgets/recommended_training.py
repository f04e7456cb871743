"""Train three recommended: why these, how far they are, the best published, and ways on."""

from __future__ import annotations

import streamlit as st

from dashboard import access, cached, state
from dashboard.services import recommended_training as service
from dashboard.services import training_plan
from dashboard.services.run_rows import RunRow
from dashboard.widgets import index_panel
from dashboard.widgets.fragments import isolated_fragment
from pipeline.datasets.dataset import DatasetInfo
from pipeline.index.publish_best import best_run, is_requested, request_best
from pipeline.runs.run import Run
from pipeline.wording import duration, escape_markdown, percent, plural
from pipeline.worker import is_alive


def show_recommended(info: DatasetInfo) -> None:
    """Offer the training of three methods, or show how far it is and what came of it."""
    settings = cached.library.settings()
    found = service.recommended_plan(settings, info)
    with st.container(border=True, key="recommended"):
        best = best_run(settings, found.tried)
        if _is_at_work(found.tried, best):
            _watch(found.tried)
            return
        if found.tried:
            _result(info, found.tried, best)
        if found.plan.n_new or found.plan.problem:
            _offer(info, found)


def _is_at_work(runs: tuple[str, ...], best: Run | None) -> bool:
    """Whether one of them trains or waits, or the best is being published."""
    if best is None:
        return any(row.is_live for row in _rows(runs))
    return service.is_publishing(best) or is_requested(runs, cached.library.settings())


def _offer(info: DatasetInfo, found: service.RecommendedPlan) -> None:
    """Say which are recommended and why, with the button that trains what is missing."""
    n_new = found.plan.n_new
    is_first = n_new in (0, len(found.methods))
    st.subheader("Train three recommended" if is_first else "Also recommended", anchor=False)
    missing = {one.spec.method for one in found.plan.planned if one.state == "new"}
    for one in found.methods:
        if one.method in missing or not missing:
            title = f"**{escape_markdown(one.title)}** · {one.bits} bits"
            st.markdown(f"{title}  \n{escape_markdown(one.reason)}")
    if found.plan.problem or found.plan.sweep is None:
        st.warning(escape_markdown(found.plan.problem), icon=":material/block:")
        _train_link()
        return
    cost = training_plan.cost_in_words(found.plan.price)
    basis = " ".join(map(escape_markdown, found.plan.price.basis))
    st.caption(f"{cost[0].upper()}{cost[1:]}. {basis}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Train three recommended" if is_first else f"Train {plural(n_new, 'more method')}",
            type="primary",
            icon=":material/model_training:",
            key="train_recommended",
            on_click=_start,
            args=(info, found),
            help="The best of the three is published when all are done.",
        )
        _train_link()
    with st.expander("As a command", icon=":material/terminal:"):
        st.code(found.plan.sweep.command(), language="bash", wrap_lines=True)


def _train_link() -> None:
    st.page_link("build/train_page.py", label="Choose others", icon=":material/tune:")


def _start(info: DatasetInfo, found: service.RecommendedPlan) -> None:
    """Queue them; for callbacks."""
    access.require("operator")
    if found.plan.sweep is None:
        return
    settings = cached.library.settings()
    training_plan.start(settings, found.plan.sweep)
    request_best(service.recommended_plan(settings, info).tried, settings)
    cached.runs.jobs.clear()


def _rows(runs: tuple[str, ...]) -> list[RunRow]:
    by_id = {row.id: row for row in cached.runs.jobs()}
    return [by_id[run] for run in runs if run in by_id]


@isolated_fragment(run_every=1.0)
def _watch(runs: tuple[str, ...]) -> None:
    """Progress of the runs, then of the publishing; draws the page again when all is over."""
    settings, rows = cached.library.settings(), _rows(runs)
    best = best_run(settings, runs)
    if not _is_at_work(runs, best):
        cached.library.runs.clear()
        cached.library.datasets.clear()
        cached.search.retry()
        st.rerun()
    n_done = sum(row.state == "done" for row in rows)
    st.subheader(f"Training, {n_done} of {len(rows)} done", anchor=False)
    for row in rows:
        st.progress(row.share or 0.0, text=escape_markdown(_progress(row)))
    if best is not None:
        st.caption(escape_markdown(f"Publishing {best.spec.label}, the best of them."))
    elif not is_alive(settings):
        st.caption("Waiting for a worker, which the host of this server has to start.")
    st.page_link("build/runs_page.py", label="Follow on Runs", icon=":material/list_alt:")


def _progress(row: RunRow) -> str:
    if row.state == "done":
        on = f" on {row.labels}" if row.labels else ""
        return row.label if row.map is None else f"{row.label}: mAP {percent(row.map)} %{on}"
    left = f", about {duration(row.left_s)} left" if row.left_s is not None else ""
    return f"{row.label}: {row.stage or row.state}{left}"


def _result(info: DatasetInfo, runs: tuple[str, ...], best: Run | None) -> None:
    """What came of the runs, and where to go with the best one."""
    rows = _rows(runs)
    n_done = sum(row.state == "done" for row in rows)
    st.subheader(f"{plural(n_done, 'run')} trained", anchor=False)
    for row in rows:
        mark = ":material/check_circle:" if row.state == "done" else ":material/error:"
        words = _progress(row)
        words += " · the best" if best is not None and row.id == best.id and n_done > 1 else ""
        st.markdown(f"{mark} {escape_markdown(words)}")
    slugs = {run.id: run.slug for run in cached.library.runs(info.name)}
    with st.container(horizontal=True, vertical_alignment="center", key="recommended_ways"):
        if best is not None and best.id in slugs:
            target = {state.DATASET: info.name, state.RUN: slugs[best.id]}
            if st.button("Search with the best", icon=":material/image_search:", type="primary"):
                state.switch_page("explore/search_page.py", **target)
            if st.button("Leaderboard", icon=":material/leaderboard:"):
                state.switch_page("evaluate/leaderboard_page.py", **target)
            if service.needs_publishing(best):
                st.button(
                    "Publish the best",
                    icon=":material/publish:",
                    on_click=index_panel.ask,
                    args=(best.id, "publish"),
                )
        st.page_link("build/runs_page.py", label="Runs", icon=":material/list_alt:")
