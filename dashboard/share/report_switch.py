"""Which report of a data set is on screen: choose, create, delete, undo the last change."""

from __future__ import annotations

import streamlit as st

from dashboard import access, cached
from dashboard.services import report_store
from dashboard.services.report_store import FIRST, LastChange, OvertakenError
from dashboard.widgets import linked_select, report_button
from pipeline.wording import escape_markdown

_KEY, _NEW = "report", "new_report"


def choose_report(dataset: str) -> str:
    """The report on screen; a choice where one is stored."""
    titles = report_store.list_reports(cached.library.settings(), dataset)
    current = report_button.current_report(dataset)
    if not titles:
        return current
    options = _distinct(titles)
    place = st.empty()
    with st.container(width=480):
        chosen = linked_select.show_select("Report on screen", options, key=_KEY, default=current)
    with place:
        linked_select.say_gone("report", options, _KEY)
    report_button.choose_report(dataset, chosen)
    return chosen


def actions(dataset: str, report: str) -> None:
    """Buttons: undo the last change, begin another report, delete this one."""
    settings = cached.library.settings()
    last = report_store.last_change(settings, dataset, report)
    if last is not None:
        verb = "Redo" if last.is_undone else "Undo"
        st.button(
            verb,
            icon=":material/redo:" if last.is_undone else ":material/undo:",
            help=f"{verb}: {escape_markdown(last.what)}.",
            on_click=_undo,
            args=(dataset, last),
            key="undo",
        )
    with st.popover("New report", icon=":material/note_add:"):
        st.text_input("Title", key=_NEW, max_chars=200, placeholder="What is it about?")
        st.button("Create", type="primary", on_click=_create, args=(dataset,), key="create_report")
    if report in report_store.list_reports(settings, dataset):
        st.button(
            "Delete",
            icon=":material/delete:",
            help="Deletes this report; Undo brings it back.",
            on_click=_delete,
            args=(dataset, report),
            key="delete_report",
        )


def _distinct(titles: dict[str, str]) -> dict[str, str]:
    """Titles by id in their order, numbered where one occurs again; the first report first."""
    ordered = sorted(titles, key=lambda report: (titles[report].lower(), report != FIRST, report))
    seen: dict[str, int] = {}
    options = {}
    for report in ordered:
        title = titles[report]
        seen[title] = seen.get(title, 0) + 1
        options[report] = f"{title} ({seen[title]})" if seen[title] > 1 else title
    return options


def _create(dataset: str) -> None:
    access.require("reviewer")
    title = str(st.session_state[_NEW]).strip()
    try:
        report = report_store.create_report(
            cached.library.settings(), dataset, title or report_store.UNTITLED
        )
    except OSError as error:
        _cannot_write(error)
        return
    st.session_state[_NEW] = ""
    _show(dataset, report)


def _delete(dataset: str, report: str) -> None:
    access.require("reviewer")
    try:
        report_store.delete_report(cached.library.settings(), dataset, report)
    except FileNotFoundError:
        pass  # another tab has deleted it
    except OSError as error:
        _cannot_write(error)
        return
    _show(dataset, report_button.current_report(dataset))


def _undo(dataset: str, last: LastChange) -> None:
    access.require("reviewer")
    try:
        report = report_store.undo(cached.library.settings(), dataset, last)
    except OvertakenError as error:
        st.toast(f"Nothing was undone: {error}.", icon=":material/error:")
        return
    except OSError as error:
        _cannot_write(error)
        return
    _show(dataset, report)


def _show(dataset: str, report: str) -> None:
    report_button.choose_report(dataset, report)
    st.session_state[_KEY] = report
    if not report_store.list_reports(cached.library.settings(), dataset):
        st.query_params.pop(_KEY, None)


def _cannot_write(error: OSError) -> None:
    st.toast(f"The report cannot be written: {error.strerror}", icon=":material/error:")
