"""A button that measures runs on copies, where they were not."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dashboard import cached
from dashboard.services.queries import EncodingError
from dashboard.widgets import notices
from pipeline.runs.copies import N_COPIES
from pipeline.wording import escape_markdown, listed, plural

_FEW = 3  # runs that are named


def show_offer(unmeasured: Mapping[str, str]) -> None:
    """The button; while runs are measured it draws progress, and says why one cannot be.

    Args:
        unmeasured: labels of the runs, by their ids; without any nothing is drawn.
    """
    if not unmeasured:
        return
    labels = [*unmeasured.values()]
    names = listed(labels) if len(labels) <= _FEW else plural(len(labels), "run")
    st.markdown(
        escape_markdown(
            f"{names}: not measured on copies yet. Up to {N_COPIES} images of the database are "
            "rotated, cropped, blurred, compressed, brightened, resized, written over or "
            "mirrored, and searched with. The first run of a data set usually takes less than a "
            "minute, each further one seconds."
        )
    )
    if st.button("Measure", type="primary", icon=":material/speed:", key="measure_copies"):
        _measure(unmeasured)


def _measure(unmeasured: Mapping[str, str]) -> None:
    place, has_failed = st.empty(), False
    for run_id, label in unmeasured.items():

        def show(stage: str, done: int, total: int, name: str = label) -> None:
            place.progress(done / max(total, 1), escape_markdown(f"{name}: {stage}"))

        try:
            cached.networks.measure_copies(run_id, show)
        except EncodingError as error:
            has_failed = True
            notices.cannot_encode(str(error), key=f"cannot_encode_{run_id}", run=label)
    place.empty()
    if not has_failed:
        st.rerun()
