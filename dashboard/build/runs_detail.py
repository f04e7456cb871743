"""One run in full: state, buttons, alerts, live curves, log, settings, environment."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import streamlit as st

from dashboard import access, cached
from dashboard.build import runs_next
from dashboard.charts.training_curve import loss_terms, validation_map
from dashboard.services import run_rows
from dashboard.services.run_rows import RunDetail, RunRow
from dashboard.widgets import chart_panel, fact_lines, index_panel
from pipeline.runs.results import RunError
from pipeline.settings import Settings
from pipeline.wording import duration, escape_markdown, percent

_ERROR = re.compile(r"[\w.]*(Error|Exception)\b")
_BADGES: dict[str, tuple[str, fact_lines.Colour]] = {
    "queued": (":material/schedule:", "gray"),
    "running": (":material/play_arrow:", "blue"),
    "stopping": (":material/hourglass_top:", "orange"),
    "done": (":material/check_circle:", "green"),
    "failed": (":material/error:", "red"),
    "stopped": (":material/stop_circle:", "orange"),
    "lost": (":material/help:", "red"),
}
_LOST = (
    "It is marked running, but nothing has been heard from it for half a minute: its process was "
    "killed, or its machine is gone. The next worker picks it up; Resume does so at once."
)


def show_run(detail: RunDetail) -> None:
    """State, buttons and tabs of one run."""
    with st.container(key="job_state"):  # what comes and goes must not move the tabs: they remount
        _headline(detail.job)
        if detail.job.state == "lost":
            st.warning(_LOST, title="Lost")
        if detail.error:
            st.error(escape_markdown(detail.error), title="Failed")
        for alert in detail.alerts:
            st.warning(escape_markdown(alert), icon=":material/warning:")
        _buttons(detail)
    names = ["Curves", "Log", "Settings", "Environment", "Index"]
    # Remembered by its key: the whole page is drawn again when an index or a run has changed.
    curves, log, settings, environment, index = st.tabs(names, key="job_tab", on_change="rerun")
    with curves:
        _curves(detail)
    with log:
        _log(detail.log)
    with settings:
        fact_lines.facts(detail.asked)
    with environment:
        fact_lines.facts(detail.environment)
    with index:
        if detail.job.state == "done":
            index_panel.show_index(detail.job.id)
        else:
            st.caption("A run can be published when it is done.")


def _headline(job: RunRow) -> None:
    icon, color = _BADGES[job.state]
    with st.container(horizontal=True, vertical_alignment="center", key="job_headline"):
        st.subheader(escape_markdown(job.label), anchor=False, width="content")
        st.badge(job.state, icon=icon, color=color)
        flag = cached.analysis.baseline_flag(job.id) if job.state == "done" else None
        if flag is not None and flag.reached:
            st.badge(flag.badge, icon=":material/warning:", color="orange", help=flag.sentence)
    facts = [f"seed {job.seed}", job.dataset]
    if job.elapsed_s is not None:
        is_over = job.state == "done" or not job.is_live
        facts.append(f"{'took' if is_over else 'running for'} {duration(job.elapsed_s)}")
    on = f" on {job.labels}" if job.labels else ""
    facts += [f"mAP {percent(job.map)}{on}, protocol {job.protocol}"] if job.map is not None else []
    st.caption(" · ".join(escape_markdown(fact) for fact in facts))
    if job.is_live and job.stage:
        left = f", about {duration(job.left_s)} left" if job.left_s is not None else ""
        share = job.share or 0.0
        st.progress(share, f"{job.stage.capitalize()} {share:.0%}{left}")


def _buttons(detail: RunDetail) -> None:
    """What can be done with the run as it is; what cannot be undone asks once."""
    job, why_disabled = detail.job, ""
    with st.container(horizontal=True, key="job_buttons"):
        if job.state == "done":
            why_disabled = runs_next.show_ways_on(detail)
        if access.may("operator"):
            _changes(detail)
    if why_disabled:
        st.caption(escape_markdown(why_disabled))


def _changes(detail: RunDetail) -> None:
    """Stop, resume and delete, as the run's state has it."""
    job = detail.job
    if job.state in ("queued", "running"):
        with st.popover("Stop", icon=":material/stop:"):
            st.markdown(detail.on_stop)
            _button("Stop it", run_rows.stop, job.id)
    if job.state == "done" and job.stage:
        with st.popover("Stop", icon=":material/stop:"):
            st.markdown("The run is done; this only stops the measuring of baselines.")
            _button("Stop it", run_rows.stop, job.id)
    if job.state in ("stopped", "failed", "lost"):
        label = "Retry" if job.state == "failed" else "Resume"
        _button(label, run_rows.resume, job.id, icon=":material/play_arrow:")
    if not job.is_live:
        with st.popover("Delete", icon=":material/delete:"):
            _delete(detail)


def _delete(detail: RunDetail) -> None:
    """At once, or by the worker where an index goes too: pages may not write into the store."""
    if not detail.is_published:
        st.markdown("Permanently removes the model, codes and report of this run.")
        _button("Delete it", run_rows.delete, detail.job.id)
        return
    st.markdown(
        "Permanently removes the model, codes, report and index of this run, as soon as the "
        "worker gets to it."
    )
    st.button("Delete it", on_click=index_panel.ask, args=(detail.job.id, "delete"))


def _button(
    label: str, how: Callable[[Settings, str], None], run_id: str, *, icon: str | None = None
) -> None:
    def act() -> None:
        try:
            cached.runs.change_run(run_id, how)
        except (RunError, OSError) as error:
            st.toast(escape_markdown(str(error)), icon=":material/error:")

    st.button(label, icon=icon, on_click=act, key=f"act_{label}")


def _curves(detail: RunDetail) -> None:
    if detail.history.empty:
        st.caption("No epoch has finished yet, or the method has none.")
        return
    epochs, last = detail.history["epoch"].max(), detail.history.iloc[-1]
    left, right = st.columns(2, gap="large")
    with left:
        chart_panel.show_chart(
            loss_terms(detail.history),
            detail.history,
            alt=f"Loss terms over {epochs} epochs; {last['term']} ends at {last['value']:.3g}.",
            key="loss_terms",
            in_fragment=True,
        )
    with right:
        if detail.validation.empty:
            st.caption("No validation images were set aside, so there is no mAP per epoch.")
            return
        best = detail.validation["map"].max()
        chart_panel.show_chart(
            validation_map(detail.validation),
            detail.validation,
            alt=f"Validation mAP by epoch; the best is {best:.1f} percent.",
            key="validation_map",
            in_fragment=True,
        )


def _log(lines: Sequence[str]) -> None:
    if not lines:
        st.caption("Nothing has been logged yet.")
        return
    if errors := [line for line in lines if " ERROR " in line or _ERROR.match(line)]:
        st.error(escape_markdown(errors[-1]), icon=":material/error:")
    st.code("\n".join(lines), language="log", height=320, wrap_lines=True)
