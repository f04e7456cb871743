"""Which import a tab is looking at: its id is in the address bar, for reloads and other tabs."""

from __future__ import annotations

import time

import streamlit as st

from dashboard import access, cached, state
from dashboard.services import imports
from dashboard.widgets import notices
from dashboard.widgets.fragments import isolated_fragment
from pipeline.ingest.dry_run import Plan
from pipeline.ingest.import_jobs import LIVE, ImportJob, JobStatus, Kind
from pipeline.ingest.request import ImportRequest
from pipeline.jobs import JobError
from pipeline.wording import duration, plural

_JOB = "job"  # in the address bar; there Runs has the run on screen
_CHOSEN = "import_job"  # in this tab, which keeps it while it shows other pages
_FOLLOWED = "import_followed"  # the import of this tab whose data set is to be chosen
_POLL_S = 0.3  # a small check takes about as long
_WORDS = {"check": "Checking", "import": "Importing"}


def current() -> ImportJob | None:
    """The job of this tab; None when there is none, or it is gone."""
    requested = state.from_address(_JOB, st.session_state.get(_CHOSEN))
    if requested is not None:
        st.session_state[_CHOSEN] = requested
    job_id = st.session_state.get(_CHOSEN)
    if not job_id:
        return None
    state.write_address(_JOB, job_id)
    return imports.find_job(job_id, cached.library.settings())


def plan_of(job: ImportJob) -> Plan:
    """What a check has found; where another version wrote it say so and stop the page."""
    try:
        return job.plan()
    except JobError as error:
        notices.problem(
            "The result of this check cannot be read.",
            reason=str(error),
            works="The library is unchanged.",
            todo="Check the images once more.",
            key="import_unreadable",
        )
        st.stop()


def say_gone() -> None:
    """One sentence where a link, or this tab, refers to a job that is no longer there."""
    if st.session_state.get(_CHOSEN):
        st.info(
            "This check or import is no longer on the server, which keeps them for a week. "
            "Choose the images and check them again.",
            icon=":material/history:",
        )


def is_imported(job: ImportJob | None) -> bool:
    """Whether a job has stored a data set."""
    if job is None:
        return False
    status = job.status()
    return (status.kind, status.state) == ("import", "done")


def start(request: ImportRequest, kind: Kind) -> None:
    """Start a job and look at it; for callbacks."""
    access.require("operator")
    job_id = imports.begin(request, kind, cached.library.settings()).id
    st.session_state[_CHOSEN] = job_id
    if kind == "import":
        st.session_state[_FOLLOWED] = job_id
    state.write_address(_JOB, job_id)


def follow(dataset: str) -> None:
    """Choose the data set that this tab has just imported, once."""
    job_id = st.session_state.pop(_FOLLOWED, "")
    if job_id and job_id == st.session_state.get(_CHOSEN) and dataset != state.dataset():
        state.switch_page("build/import_page.py", **{state.DATASET: dataset, _JOB: job_id})


def leave() -> None:
    """Look at no job; for callbacks."""
    st.session_state[_CHOSEN] = ""
    st.query_params.pop(_JOB, None)


def watch(job: ImportJob) -> JobStatus:
    """Show progress while the job runs and what went wrong, and say how it is."""
    status = job.status()
    if status.state in LIVE:
        _live(job)
    elif status.state == "failed":
        notices.problem(
            "The check failed." if status.kind == "check" else "The import failed.",
            reason=status.error,
            works="The library is unchanged.",
            todo="Change the source or how it is read, and check again.",
            key="import_problem",
        )
    elif status.state == "lost":
        notices.problem(
            "The process doing this has disappeared.",
            reason="It was killed, or the server was restarted.",
            works="The library is unchanged; an import resumes where it stopped.",
            todo="Start it again.",
            key="import_lost",
        )
        st.button("Start again", icon=":material/refresh:", on_click=start, args=_again(job))
    elif status.state == "stopped":
        st.info("Stopped. Nothing was stored.", icon=":material/stop_circle:")
    return status


def _again(job: ImportJob) -> tuple[ImportRequest, Kind]:
    return job.request(), job.status().kind


@isolated_fragment(run_every=_POLL_S)
def _live(job: ImportJob) -> None:
    status = job.status()
    if status.state not in LIVE:
        st.rerun()
    share = status.done / status.total if status.total else 0.0
    word = _WORDS[status.kind]
    text = f"{word} {status.done:,} of {plural(status.total, 'image')}" if status.total else word
    if status.state == "queued":
        text = "Starting"
    with st.container(border=True, key="import_progress"):
        st.progress(share, text=text)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Stop", icon=":material/stop:", on_click=job.request_stop)
            st.caption(
                "Closing this page does not stop it. " + (_rest(status) if share > 0.05 else "")
            )


def _rest(status: JobStatus) -> str:
    """How long the rest will take at the rate so far."""
    passed = time.time() - status.started
    left = passed * (status.total - status.done) / max(status.done, 1)
    return f"About {duration(left)} left."
