"""How steady the codes of a run are when its query images change a little, beside another run."""

from __future__ import annotations

import time

import streamlit as st

from dashboard import cached
from dashboard.charts.robustness import robustness as chart
from dashboard.services.queries import EncodingError
from dashboard.widgets import chart_panel, linked_select, notices
from dashboard.widgets.report_button import Entry
from pipeline.analysis import robustness
from pipeline.analysis.opened_run import OpenRun, short_labels
from pipeline.analysis.robustness import N_IMAGES, NEAREST, Robustness
from pipeline.wording import escape_markdown, plural

_ALONE = "none"
_ASKED = "robustness_asked"  # runs for which the button was pressed in this tab
_PATIENCE_S = 0.3  # before progress is shown: what is kept comes at once
_TITLES = {
    "flipped": "Bits flipped (%)",
    "kept": f"Overlap@{NEAREST} (%)",
    "first": "Original found first (%)",
    "ten": "Original among the first ten (%)",
}


def show_robustness(run: OpenRun) -> None:
    """The table and charts of the runs that were asked for, and a button for the others."""
    choices = cached.library.runs(run.dataset.info.name)
    others = {one.slug: one for one in choices if one.id != run.id}
    names = {_ALONE: "no other run", **{slug: one.label for slug, one in others.items()}}
    other = others.get(linked_select.show_select("Beside", names, key="beside", default=_ALONE))
    linked_select.say_gone("run", names, "beside")
    ids = [run.id, *([other.id] if other else [])]
    requested = st.session_state.setdefault(_ASKED, set())
    if not requested.issuperset(ids):
        st.markdown(
            f"{N_IMAGES} random query images are rotated, cropped, blurred, compressed, "
            "brightened, resized, written over and mirrored at three strengths and encoded again. "
            "This usually takes about a minute."
        )
        st.button(
            "Measure",
            type="primary",
            icon=":material/speed:",
            on_click=requested.update,
            args=(ids,),
        )
    opened = [notices.opened(one) for one in ids]
    measured = [
        _measured(one, label)
        for one, label in zip(opened, short_labels([one.run for one in opened]), strict=True)
        if one.id in requested
    ]
    if measured := [one for one in measured if one is not None]:
        _results(measured, ids)


def _measured(opened: OpenRun, label: str) -> Robustness | None:
    """What is known of a run, image by image; None, with the reason on screen, if nothing."""
    place, began = st.empty(), time.monotonic()

    def progress(done: int, of: int) -> None:
        if time.monotonic() > began + _PATIENCE_S:
            place.progress(done / of, escape_markdown(f"{label}: {done} of {of} images"))

    try:
        with st.spinner("Encoding changed images"):
            measured = robustness.measure(
                opened, label, lambda row: cached.networks.steadiness(opened, row), progress
            )
    except EncodingError as error:
        place.empty()
        notices.cannot_encode(str(error), key=f"cannot_encode_{opened.id}", run=label)
        return None
    place.empty()
    if not measured.rows:
        st.info(escape_markdown(f"{measured.label}: none of the query images can be read."))
        return None
    return measured


def _results(measured: list[Robustness], ids: list[str]) -> None:
    sentences = [run.finding for run in measured]
    if len(measured) > 1:
        sentences.append(robustness.difference(*measured))
    for sentence in sentences:
        st.markdown(escape_markdown(sentence))
    table = robustness.table(measured)
    columns = st.columns(2, gap="large") + st.columns(2, gap="large")
    for (measure, title), column in zip(_TITLES.items(), columns, strict=True):
        rows = table[table["measure"] == measure].drop(columns="measure")
        with column:
            chart_panel.show_chart(
                chart(rows, title),
                rows.rename(columns=str.capitalize),
                alt=f"{title} by change of the image. {sentences[0]}",
                key=f"robustness_{measure}",
                entry=Entry(f"Robustness: {title}", finding=" ".join(sentences), runs=tuple(ids)),
            )
    n_missing = len({row for run in measured for row in run.missing})
    missing = f" {plural(n_missing, 'image')} could not be read." * (n_missing > 0)
    sizes = " and ".join(dict.fromkeys(f"{len(run.rows)}" for run in measured))
    st.caption(
        f"Means over {sizes} query images, drawn with a fixed seed, and 95 % intervals over them. "
        f"Overlap: how many of the {NEAREST} nearest are still found. Original: whether the "
        "changed image finds the one that it was made of, put among the images of the database; "
        f"ties in expectation. A random code would flip half of the bits.{missing}"
    )
