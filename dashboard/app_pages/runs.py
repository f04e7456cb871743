"""Runs: what is queued, running and done; watch, stop, resume, publish, delete."""

import streamlit as st

from dashboard.components import job_detail, job_table, linked_select, notices
from dashboard.services import jobs, resources
from pipeline.runs import RunError

st.title("Runs", anchor=False)
found = resources.jobs()
if not found:
    notices.first_run(
        "No runs yet",
        "Choose a method on the Train page, or train one from the command line:",
        "python -m pipeline run --dataset openmoji --method itq --bits 32",
    )
    st.page_link("app_pages/train.py", label="Train", icon=":material/model_training:")
    st.stop()
sweep = ""
if names := jobs.sweeps(found):
    choices = {"": "All runs"} | {name: name for name in names}
    sweep = linked_select.show("Show", choices, key="sweep")


def live() -> None:
    """Everything that changes by itself."""
    shown = [job for job in resources.jobs() if sweep in ("", job.sweep)]
    if not shown:
        st.rerun()
    with st.container(key="runs_now"):
        job_table.summary(shown, has_worker=resources.has_worker())
    job_table.show(shown, key="job")
    labels = {job.id: f"{job.label} · seed {job.seed} · {job.id[:19]}" for job in shown}
    chosen = linked_select.show("Run", labels, key="job")
    try:
        job_detail.show(resources.job(chosen))
    except RunError as error:
        notices.problem("This run cannot be shown.", reason=str(error), key="job_problem")
    if any(job.is_live for job in shown) != is_live:
        st.rerun()  # polling begins, or ends


is_live = any(job.is_live for job in found if sweep in ("", job.sweep))
st.fragment(live, run_every=1.0 if is_live else None)()
