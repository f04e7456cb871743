"""The buttons that add what is on screen to the report, as it is now.

Of several reports of a data set it is the one chosen in this tab, else the one changed last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st
from altair.typing import ChartType

from dashboard import access, cached, state
from dashboard.services import chart_files, permalink, report_store, report_strips
from dashboard.services.report_basket import Item, Picture, new_item, with_item
from dashboard.services.search import Request
from pipeline.wording import escape_markdown

_CHOSEN = "reports_chosen"  # data set -> id of its report


@dataclass(frozen=True)
class Entry:
    """What a report says about a chart or table.

    Attributes:
        title: heading.
        finding: the page's sentence.
        protocol: under which the numbers were measured; empty: that of the runs.
        runs: ids of the runs shown.
        pictures: images of the data set.
    """

    title: str
    finding: str = ""
    protocol: str = ""
    runs: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()


def show_report_button(
    entry: Entry,
    table: pd.DataFrame | None,
    *,
    chart: ChartType | None = None,
    key: str,
) -> None:
    """A button that adds an entry to the report; for reviewers.

    Args:
        entry: what it says.
        table: the numbers; None for none.
        chart: the picture; None for none.
        key: unique on the page.
    """
    if not access.may("reviewer"):
        return

    def add() -> None:
        spec = {} if chart is None else chart_files.specification(chart)
        _add(
            new_item(
                entry.title,
                table,
                finding=entry.finding,
                protocol=entry.protocol or conditions(entry.runs),
                runs=entry.runs,
                pictures=entry.pictures,
                chart=spec,
                link=_address(),
            )
        )

    st.button("Add to report", icon=":material/playlist_add:", on_click=add, key=f"{key}_report")


def show_strip_button(
    answered: Sequence[report_strips.Answered], request: Request, *, order: str, key: str
) -> None:
    """A button that adds a query with its first results to the report; for reviewers.

    Args:
        answered: runs with their answers to one query.
        request: what was asked for.
        order: of the results, in a few words.
        key: unique on the page.
    """
    if not access.may("reviewer"):
        return
    query = answered[0][1].query

    def add() -> None:
        runs = tuple(opened.id for opened, _ in answered)
        link = _address() if _can_be_linked(query.ref) else ""
        _add(
            report_strips.strip_item(
                answered, request, order=order, protocol=conditions(runs), link=link
            )
        )

    st.button(
        "Add to report",
        icon=":material/playlist_add:",
        on_click=add,
        disabled=not any(answer.results for _, answer in answered),
        help="Adds the query with its first results to the report."
        + (" A small picture of your image is stored with it." if query.upload else ""),
        key=f"{key}_report",
    )


def current_report(dataset: str) -> str:
    """Id of the report that entries go to: the one chosen in this tab, else the latest."""
    stored = report_store.list_reports(cached.library.settings(), dataset)
    chosen = st.session_state.get(_CHOSEN, {}).get(dataset)
    return chosen if chosen in stored else next(iter(stored), report_store.FIRST)


def choose_report(dataset: str, report: str) -> None:
    """Add entries of this tab to that report from now on."""
    st.session_state[_CHOSEN] = st.session_state.get(_CHOSEN, {}) | {dataset: report}


def _add(item: Item) -> None:
    access.require("reviewer")
    dataset = str(state.dataset())
    try:
        stored = report_store.change(
            cached.library.settings(), dataset, with_item(item), current_report(dataset)
        )
    except OSError as error:
        st.toast(f"The report cannot be written: {error.strerror}", icon=":material/error:")
        return
    name = f"“{escape_markdown(stored.title)}”" if stored.title else "the report"
    st.toast(f"Added to {name} as entry {len(stored.items)}.", icon=":material/playlist_add_check:")


def conditions(runs: tuple[str, ...]) -> str:
    """Protocol and labels that some runs were measured under."""
    return " ".join(one.sentence for one in cached.runs.measured_in(runs))


def _can_be_linked(ref: str) -> bool:
    """Whether others can open a query by its link name."""
    kept = permalink.stored_query(ref, cached.library.settings())
    return not ref.startswith("up:") or kept is not None


def _address() -> str:
    """This page with what its address bar holds, and the fingerprint of the data set."""
    info = cached.library.dataset(str(state.dataset())).info
    fingerprint = permalink.fingerprint((info.fingerprint, None))
    shown = st.query_params.to_dict()
    shown = {name: shown[name] for name in shown if name not in ("ix", "v")}
    return permalink.link(st.context.url or "", shown, fingerprint)
