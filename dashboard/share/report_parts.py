"""The parts of the Report page: heading, entries in order with texts, conditions, files."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import pandas as pd
import streamlit as st

from dashboard import access, cached
from dashboard.services import report_export
from dashboard.services.report_basket import (
    Basket,
    Change,
    Item,
    edited,
    moved,
    with_heading,
    without_item,
)
from dashboard.services.report_store import StoredBasket, change
from dashboard.share import report_pictures, report_preview
from dashboard.widgets import notices
from pipeline.wording import escape_markdown, plural

_MOST_CHECKED = 4  # runs whose conditions are listed
_PLACES = {"fail": 0, "warn": 1, "pass": 2}


class Target(NamedTuple):
    """Where changes go: the data set and the id of its report."""

    dataset: str
    report: str


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


def heading(target: Target, basket: Basket) -> None:
    """Title, author and finding."""
    texts = {"title": basket.title, "author": basket.author, "finding": basket.finding}
    for key, text in texts.items():
        st.session_state[f"report_{key}"] = text  # as stored: an undo or another tab may change it

    def store_heading() -> None:
        values = (str(st.session_state[f"report_{key}"]) for key in texts)
        store(target, with_heading(*values))

    left, right = st.columns([2, 1])
    left.text_input("Title", key="report_title", on_change=store_heading, max_chars=200)
    right.text_input("Author", key="report_author", on_change=store_heading, max_chars=200)
    st.text_area(
        "Finding",
        key="report_finding",
        on_change=store_heading,
        max_chars=5000,
        height="content",
        placeholder="What should a reader remember? It stands first.",
    )


def preview(target: Target, basket: Basket, runs: tuple[str, ...]) -> None:
    """The page as it would be written now; drawn again with every change while it is open."""
    if not st.toggle("Preview", key="preview", bind="query-params"):
        return
    with st.spinner("Drawing the charts"):
        page = cached.report.report_preview(target.dataset, basket, runs)
    report_preview.show_preview(page, "The report as it is now")


def entries(target: Target, basket: Basket) -> None:
    """The entries, each with its pictures, finding, note and place."""
    st.subheader(plural(len(basket.items), "entry"), anchor=False)
    for number, item in enumerate(basket.items, 1):
        _entry(target, item, number, len(basket.items))


def conditions(target: Target, basket: Basket, runs: tuple[str, ...]) -> None:
    """Data, licence, protocol and versions; then what the runs must meet, failed checks first."""
    st.subheader("Conditions", anchor=False)
    facts = cached.report.facts(target.dataset, basket)
    lines = (f"**{fact}** {escape_markdown(facts[fact])}" for fact in facts if fact != "Generated")
    st.markdown("  \n".join(lines))
    settings = cached.report.run_settings(runs)
    if not settings.empty:
        with st.expander("Settings of the runs", icon=":material/tune:"):
            st.dataframe(settings, hide_index=True, alt="Settings of the runs in the report.")
    checked = cached.report.conditions(runs)
    if not checked:
        return
    rows = [
        (check.outcome, run, check.name, check.found)
        for run, checks in checked.items()
        for check in checks
    ]
    table = pd.DataFrame(rows, columns=["Outcome", "Run", "Check", "Found"])
    st.dataframe(
        table.sort_values("Outcome", key=lambda words: words.map(_PLACES), kind="stable"),
        hide_index=True,
        key="conditions",
        alt="Checks of the runs in the report.",
    )


def files(target: Target, basket: Basket, runs: tuple[str, ...]) -> None:
    """The three files, each made when its button is pressed."""
    name = target.dataset
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
    """The runs whose conditions are listed: those in half as many entries as any, at least."""
    count = Counter(run for item in basket.items for run in item.runs)
    most = max(count.values(), default=0)
    return tuple(run for run, n in count.most_common(_MOST_CHECKED) if 2 * n >= most)


def _entry(target: Target, item: Item, number: int, total: int) -> None:
    with st.container(border=True, key=f"entry_{item.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{number}. {escape_markdown(item.title)}**", width="stretch")
            with st.container(horizontal=True, width="content", gap="small"):
                _place_buttons(target, item, number, total)
        report_pictures.show_pictures(target.dataset, item)
        for column, label in zip(st.columns(2), ("Finding", "Note"), strict=True):
            with column:
                _text(target, item, label)
        kinds = ["chart"] * bool(item.chart) + ["table"] * bool(item.columns)
        added = f"added {item.added[:16].replace('T', ' ')}"
        st.caption(" · ".join([*kinds, added, escape_markdown(item.protocol)]).removesuffix(" · "))


def _place_buttons(target: Target, item: Item, number: int, total: int) -> None:
    for label, icon, how, is_off in (
        ("Up", ":material/arrow_upward:", moved(item, -1), number == 1),
        ("Down", ":material/arrow_downward:", moved(item, 1), number == total),
        ("Remove", ":material/delete:", without_item(item), False),
    ):
        st.button(
            "",
            icon=icon,
            help=label,
            disabled=is_off,
            on_click=store,
            args=(target, how),
            key=f"{label.lower()}_{item.id}",
        )


def _text(target: Target, item: Item, label: str) -> None:
    """A text of an entry, to edit."""
    field = label.lower()
    key = f"{field}_{item.id}"
    st.session_state[key] = getattr(item, field)  # as stored: an undo or another tab may change it
    st.text_area(
        label,
        key=key,
        max_chars=2000,
        height="content",
        on_change=lambda: store(target, edited(item, **{field: str(st.session_state[key])})),
    )


def store(target: Target, how: Change) -> None:
    """Change the report, or say why it cannot be written; for callbacks."""
    access.require("reviewer")
    try:
        change(cached.library.settings(), target.dataset, how, target.report)
    except OSError as error:
        st.toast(f"The report cannot be written: {error.strerror}", icon=":material/error:")
