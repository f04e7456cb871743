"""Runs: what is queued, running and done; watch, stop, resume, publish, delete."""

import streamlit as st

from dashboard import cached
from dashboard.build import runs_detail, runs_table
from dashboard.services import run_rows
from dashboard.services.run_rows import RunRow
from dashboard.widgets import linked_select, notices, recommended_training
from dashboard.widgets.fragments import isolated_fragment
from pipeline.runs.results import RunError
from pipeline.worker import is_alive

st.title("Runs", anchor=False)
gone = st.empty()  # always there: else all below would be drawn again
runs_table.unreadable(cached.runs.unreadable_runs())
jobs = cached.runs.jobs()
if not jobs:
    st.subheader("No runs yet", anchor=False)
    recommended_training.show_recommended(notices.chosen_dataset())
    st.stop()
names = run_rows.sweeps(jobs)
choices, sweep = {"": "All runs"} | {name: name for name in names}, ""
if names:
    sweep = linked_select.show_select("Show", choices, key="sweep")

shown = [job for job in jobs if sweep in ("", job.sweep)]
settings = cached.library.settings()
is_live = runs_table.is_busy(shown, settings)
every = 1.0 if is_live else None


def now() -> list[RunRow]:
    """The runs as they are; draws the whole page again where another choice or pace is due."""
    latest = [job for job in cached.runs.jobs() if sweep in ("", job.sweep)]
    if {job.id for job in latest} != {job.id for job in shown}:
        st.rerun()  # a run came or went
    if runs_table.is_busy(latest, settings) != is_live:
        cached.search.retry()  # an index may be another
        st.rerun()  # polling begins, or ends
    return latest


@isolated_fragment(run_every=every)
def table() -> None:
    """All runs, which change by themselves."""
    latest = now()
    with st.container(key="runs_now"):
        runs_table.summary(latest, has_worker=is_alive(settings))
    if runs_table.show_table(latest, key="job"):
        st.rerun()  # the other parts show the chosen run


@isolated_fragment(run_every=every)
def detail(run_id: str) -> None:
    """The chosen run, which changes by itself."""
    now()
    try:
        runs_detail.show_run(run_rows.open_job(settings, run_id))
    except RunError as error:
        notices.problem("This run cannot be shown.", reason=str(error), key="job_problem")


table()
# Between the parts that refresh themselves, and in an order that no progress changes: else an open
# list of options would close, or move under the pointer.
by_age = sorted(shown, key=lambda job: (job.created, job.id), reverse=True)
labels = {job.id: f"{job.label}{job.apart} · seed {job.seed} · {job.id[:19]}" for job in by_age}
first = shown[0].id  # what runs now, if anything does
every_id = [job.id for job in jobs]
detail(linked_select.show_select("Run", labels, key="job", default=first, hidden=every_id))
with gone.container():
    linked_select.say_gone("sweep", choices, "sweep")
    linked_select.say_gone("run", labels, "job")
