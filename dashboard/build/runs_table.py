"""The table of runs: state, progress, time left, loss, mAP; a click chooses a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
import streamlit as st

from dashboard.services.run_rows import RunRow
from dashboard.widgets.no_worker import show_no_worker
from pipeline.index.index_jobs import waiting
from pipeline.settings import Settings
from pipeline.wording import duration, escape_markdown, plural

_KEY, _CLICKED = "job_table", "job_table_clicked"
_MARKS = {
    "queued": "○ queued",
    "running": "▶ running",
    "stopping": "◐ stopping",
    "done": "✓ done",
    "failed": "✗ failed",
    "stopped": "■ stopped",
    "lost": "? lost",
}


def summary(jobs: Sequence[RunRow], *, has_worker: bool) -> None:
    """How many runs there are in which state, and whether someone executes them."""
    count = {state: sum(job.state == state for job in jobs) for state in ("running", "queued")}
    words = [f"{n} {state}" for state, n in count.items() if n] or ["nothing is waiting"]
    st.caption(f"{plural(len(jobs), 'run')} · {' · '.join(words)}")
    if count["queued"] and not has_worker:
        show_no_worker("Runs are waiting for a worker")


def is_busy(jobs: Iterable[RunRow], settings: Settings) -> bool:
    """Whether any of these runs, or an index, may change by itself."""
    return any(job.is_live for job in jobs) or bool(waiting(settings))


def unreadable(reasons: Mapping[str, str]) -> None:
    """Name the runs that cannot be read, and say why; nothing where all can."""
    if not reasons:
        return
    title = f"{plural(len(reasons), 'run')} cannot be read in full"
    with st.expander(title, icon=":material/warning:", key="unreadable"):
        st.caption("They are left as they are. Runs that lack only a report are listed below too.")
        for run_id, reason in reasons.items():
            st.markdown(f"**{escape_markdown(run_id)}**: {escape_markdown(reason)}")


def show_table(jobs: Sequence[RunRow], *, key: str) -> bool:
    """Draw the table; a click puts the id of its run into the session state under `key`.

    Returns whether that has just happened, for parts of the page that show the chosen run.
    """
    table = readable(jobs)
    st.session_state["job_table_ids"] = [job.id for job in jobs]

    def choose() -> None:
        rows = st.session_state[_KEY]["selection"]["rows"]
        ids = st.session_state["job_table_ids"]
        if rows and rows[0] < len(ids):
            st.session_state[key] = ids[rows[0]]
            st.session_state[_CLICKED] = True

    st.dataframe(
        table,
        hide_index=True,
        key=_KEY,
        on_select=choose,
        selection_mode="single-row",
        placeholder="–",
        alt="Runs with state, progress, time left, loss and mAP.",
        column_order=_useful(table, is_live=any(job.is_live for job in jobs)),
        column_config={
            "State": st.column_config.TextColumn(width=96, pinned=True),
            "Run": st.column_config.TextColumn(width=190),
            "Seed": st.column_config.NumberColumn(width=48),
            "Progress": st.column_config.ProgressColumn(
                format="%.0f %%", min_value=0, max_value=100, color="primary", width=110
            ),
            "Loss": st.column_config.LineChartColumn(width=100, help="Sum of the loss terms."),
            "mAP": st.column_config.NumberColumn(format="%.1f", width=60, help="Percent."),
            "Measured": st.column_config.TextColumn(
                help="Labels, protocol, split and backbone, as far as runs differ in them."
            ),
        },
    )
    return bool(st.session_state.pop(_CLICKED, False))


def readable(jobs: Sequence[RunRow]) -> pd.DataFrame:
    """The table in the words and units of the page."""
    return pd.DataFrame(
        {
            "State": [_MARKS[job.state] for job in jobs],
            "Run": [job.label for job in jobs],
            "Seed": [job.seed for job in jobs],
            "Progress": [None if job.share is None else 100 * job.share for job in jobs],
            "Stage": [_stage(job) for job in jobs],
            "Took": ["" if job.elapsed_s is None else duration(job.elapsed_s) for job in jobs],
            "Left": ["" if job.left_s is None else duration(job.left_s) for job in jobs],
            "Loss": [list(job.losses[-60:]) for job in jobs],
            "mAP": [None if job.map is None else 100 * job.map for job in jobs],
            "Measured": [job.apart.strip(" ·") for job in jobs],
            "Data set": [job.dataset for job in jobs],
            "Queued (UTC)": [job.created[5:16].replace("T", " ") for job in jobs],
        }
    )


def _useful(table: pd.DataFrame, *, is_live: bool) -> list[str]:
    """The columns that tell runs apart, or say something now."""
    apart = ("Seed", "Measured", "Data set")
    dull = {name for name in apart if table[name].nunique() < 2}
    dull |= set() if is_live else {"Stage", "Left"}
    return [name for name in table.columns if name not in dull]


def _stage(job: RunRow) -> str:
    return f"number {job.place} in the queue" if job.place else job.stage
