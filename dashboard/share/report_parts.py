"""The parts of the Report page: heading, entries in order with notes, conditions, files."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from dashboard import cached, state
from dashboard.services import report_export, report_templates
from dashboard.services.report_basket import (
    Basket,
    Item,
    StoredBasket,
    change,
    moved,
    started,
    with_heading,
    with_note,
    without_item,
)
from dashboard.share import report_preview
from dashboard.widgets import notices
from pipeline.datasets.dataset import DatasetError
from pipeline.runs.results import RunError
from pipeline.wording import escape_markdown, plural

_MOST_CHECKED = 4  # runs whose conditions are listed
_PLACES = {"fail": 0, "warn": 1, "pass": 2}


def unreadable(stored: StoredBasket) -> None:
    """Say what could not be read of the report, and where it is kept; nothing where all could."""
    if stored.problem:
        notices.problem(
            "The report of this data set cannot be read in full.",
            reason=stored.problem,
            todo="Its file will be set aside before anything else is written.",
            key="report_problem",
        )
    for path in stored.kept:
        kept = escape_markdown(str(path))
        st.warning(
            f"An earlier report could not be read in full. It is kept as {kept}",
            icon=":material/inventory_2:",
        )


def empty(name: str) -> None:
    """Templates to begin with, and where else entries come from."""
    st.subheader("Nothing is in the report yet", anchor=False)
    with st.grid(3, min_column_width=220):
        for kind, about in report_templates.SUMMARIES.items():
            with st.container(border=True, height="stretch"):
                st.markdown(f"**{kind}**")
                st.caption(about)
                key = f"begin_{kind.split()[0].lower()}"
                st.button("Start with this", on_click=_begin, args=(name, kind), key=key)
    st.markdown(
        "Or press *Add to report* below a chart or table on these pages; it is stored as "
        "you see it."
    )
    with st.container(horizontal=True, key="report_sources"):
        for page in ("Leaderboard", "Curves", "Failures", "Advisor"):
            st.page_link(f"evaluate/{page.lower()}_page.py", label=page)
        st.page_link("explore/codes_page.py", label="Codes")


def _begin(name: str, kind: str) -> None:
    """Put the entries of a template into the report."""
    try:
        items = cached.report.template(kind, name, state.run())
    except (RunError, DatasetError) as error:
        st.toast(escape_markdown(f"{kind} cannot be created: {error}."), icon=":material/error:")
        return
    _change(name, started(kind, items))


def heading(name: str, basket: Basket) -> None:
    """Title, author and summary."""

    def store() -> None:
        values = (str(st.session_state[f"report_{key}"]) for key in ("title", "author", "summary"))
        _change(name, with_heading(*values))

    left, right = st.columns([2, 1])
    left.text_input("Title", basket.title, key="report_title", on_change=store, max_chars=200)
    right.text_input("Author", basket.author, key="report_author", on_change=store, max_chars=200)
    st.text_area("Summary", basket.summary, key="report_summary", on_change=store, max_chars=5000)


def preview(name: str, basket: Basket, runs: tuple[str, ...]) -> None:
    """The page as it would be written now; drawn again with every change while it is open."""
    if not st.toggle("Preview", key="preview", bind="query-params"):
        return
    with st.spinner("Drawing the charts"):
        page = cached.report.report_preview(name, basket, runs)
    report_preview.show_preview(page, "The report as it is now")


def entries(name: str, basket: Basket) -> None:
    """The entries, each with its note and place."""
    st.subheader(plural(len(basket.items), "entry"), anchor=False)
    for number, item in enumerate(basket.items, 1):
        _entry(name, item, number, len(basket.items))


def conditions(runs: tuple[str, ...]) -> None:
    """What the runs of the report must meet, failed ones first."""
    checked = cached.report.conditions(runs)
    if not checked:
        return
    st.subheader("Conditions", anchor=False)
    rows = [
        (check.outcome, run, check.name, check.found)
        for run, checks in checked.items()
        for check in checks
    ]
    table = pd.DataFrame(rows, columns=["Outcome", "Run", "Condition", "Found"])
    st.dataframe(
        table.sort_values("Outcome", key=lambda words: words.map(_PLACES), kind="stable"),
        hide_index=True,
        key="conditions",
        alt="Conditions of the runs in the report.",
    )


def files(name: str, basket: Basket, runs: tuple[str, ...]) -> None:
    """The three files, each made when its button is pressed."""
    with st.container(horizontal=True, key="report_files"):
        for label, suffix, mime, make in (
            ("HTML", "html", "text/html", lambda: cached.report.report_html(name, basket, runs)),
            (
                "CSV bundle",
                "zip",
                "application/zip",
                lambda: report_export.to_bundle(basket, cached.report.conditions(runs)),
            ),
            (
                "Manifest",
                "json",
                "application/json",
                lambda: cached.report.report_manifest(name, basket, runs),
            ),
        ):
            st.download_button(
                label,
                data=make,
                file_name=f"report-{name}.{suffix}",
                mime=mime,
                on_click="ignore",
                icon=":material/download:",
                type="primary" if suffix == "html" else "secondary",
                key=f"report_{suffix}",
            )
    st.caption("The HTML page is self-contained and loads nothing; print it to make a PDF.")


def runs_of(basket: Basket) -> tuple[str, ...]:
    """The runs whose conditions are listed: those that most entries show."""
    count: dict[str, int] = {}
    for item in basket.items:
        for run in item.runs:
            count[run] = count.get(run, 0) + 1
    return tuple(sorted(count, key=lambda run: -count[run])[:_MOST_CHECKED])


def _entry(name: str, item: Item, number: int, total: int) -> None:
    with st.container(border=True, key=f"entry_{item.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{number}. {escape_markdown(item.title)}**", width="stretch")
            for label, icon, how, is_off in (
                ("Up", ":material/arrow_upward:", moved(item.id, -1), number == 1),
                ("Down", ":material/arrow_downward:", moved(item.id, 1), number == total),
                ("Remove", ":material/delete:", without_item(item.id), False),
            ):
                st.button(
                    "",
                    icon=icon,
                    help=label,
                    disabled=is_off,
                    on_click=_change,
                    args=(name, how),
                    key=f"{label.lower()}_{item.id}",
                )
        if item.finding:
            st.caption(escape_markdown(item.finding))
        kinds = ["chart"] * bool(item.chart) + ["table"] * bool(item.columns)
        kinds += [plural(len(item.pictures), "picture")] * bool(item.pictures)
        st.caption(" · ".join([*kinds, f"added {item.added[:16].replace('T', ' ')}"]))
        key = f"note_{item.id}"
        st.text_input(
            "Note",
            item.note,
            key=key,
            max_chars=2000,
            on_change=lambda: _change(name, with_note(item.id, str(st.session_state[key]))),
        )


def _change(name: str, how: Callable[[Basket], Basket]) -> None:
    try:
        change(cached.library.settings(), name, how)
    except OSError as error:
        st.toast(f"The report cannot be written: {error.strerror}", icon=":material/error:")
