"""What near-duplicates are told by, and how near they have to be."""

from __future__ import annotations

import streamlit as st

from dashboard import cached, state
from dashboard.cached.duplicates import CODES
from dashboard.charts.counts import group_bars
from models.codes import HashCodes
from pipeline.analysis.duplicates import MOST_COMPARED, Pairs, compute_hashes
from pipeline.datasets.dataset import DatasetError, RetrievalDataset
from pipeline.images import ImageError
from pipeline.runs.results import RunError
from pipeline.wording import duration, escape_markdown, plural

_MEASURE, _COMPUTE = "by", "compute_hashes"
_USUAL = {CODES: 0, "pHash": 4, "dHash": 4}  # bits that differ
_ABOUT = {
    "pHash": "Perceptual hash: low frequencies of the grey picture. It survives resizing and JPEG, "
    "not crops, turns or mirrors.",
    "dHash": "Difference hash: where the grey picture gets darker. Faster and stricter than pHash.",
}
_SECONDS_PER_IMAGE = 0.006


def choose(dataset: RetrievalDataset) -> tuple[str, str | None]:
    """The measure, and the run whose codes it is about."""
    labels = {run.id: run.label for run in cached.library.runs(dataset.info.name)}
    run_id = state.run() if state.run() in labels else None
    measures = [CODES] * bool(run_id) + ["pHash", "dHash"] * dataset.has_pictures
    measure = st.segmented_control(
        "Compared by",
        measures,
        default=measures[-2] if len(measures) > 1 else measures[0],
        required=True,
        key=_MEASURE,
        bind="query-params",
    )
    if measure == CODES:
        st.caption(
            f"{escape_markdown(labels[str(run_id)])}: codes join what the run takes for alike, "
            "which may be different images of one kind."
        )
    else:
        st.caption(_ABOUT[str(measure)])
    return str(measure), run_id


def found(
    dataset: RetrievalDataset, measure: str, run_id: str | None
) -> tuple[Pairs, HashCodes] | None:
    """Pairs with their codes; None, with a button or a word, where there are none yet."""
    try:
        with st.spinner("Comparing images"):
            pairs = cached.duplicates.found(dataset.info.name, measure, run_id)
    except (RunError, DatasetError) as error:
        st.error(escape_markdown(f"The run cannot be read: {error}."), icon=":material/error:")
        return None
    if pairs is None:
        _offer_hashes(dataset)
    return pairs


def distance(measure: str, pairs: Pairs) -> int:
    """How many bits may differ."""
    if pairs.n > MOST_COMPARED:
        st.caption(
            f"Only images with equal codes are grouped: all pairs are compared for up to "
            f"{MOST_COMPARED:,} images, and there are {pairs.n:,}."
        )
        return 0
    counts = pairs.counts()
    chosen = 0
    if pairs.widest:
        chosen = st.slider(
            "Bits that may differ",
            0,
            pairs.widest,
            min(_USUAL[measure], pairs.widest),
            key=f"within_{measure}",
        )
        shown = ", ".join(f"{bits}: {count:,}" for bits, count in enumerate(counts))
        st.markdown("**Groups** :gray[· by bits that may differ]")
        st.altair_chart(
            group_bars(counts, chosen),
            alt=f"Groups by bits that may differ: {shown}",
            key="duplicate_groups",
        )
    return int(chosen)


def _offer_hashes(dataset: RetrievalDataset) -> None:
    n = len(dataset)
    about = duration(_SECONDS_PER_IMAGE * n)
    st.info(
        f"Hashes of {plural(n, 'image')} are computed once, in about {about}, and kept.",
        icon=":material/fingerprint:",
    )
    if not st.button("Compute hashes", type="primary", key=_COMPUTE):
        return
    bar = st.progress(0.0, "Reading images")

    def show(done: int, total: int) -> None:
        bar.progress(done / total, f"{done:,} of {total:,} images")

    try:
        compute_hashes(dataset, cached.library.settings(), show)
    except (ImageError, OSError) as error:
        st.error(escape_markdown(f"Hashes cannot be computed: {error}."), icon=":material/error:")
        return
    st.rerun()
