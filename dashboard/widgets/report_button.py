"""The button that adds what is on screen to the report, as it is now."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st
from altair.typing import ChartType

from dashboard import cached, state
from dashboard.services import chart_files, permalink
from dashboard.services.report_basket import Picture, change, new_item, with_item


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
    """A button that adds an entry to the report.

    Args:
        entry: what it says.
        table: the numbers; None for none.
        chart: the picture; None for none.
        key: unique on the page.
    """

    def add() -> None:
        spec = {} if chart is None else chart_files.specification(chart)
        item = new_item(
            entry.title,
            table,
            finding=entry.finding,
            protocol=entry.protocol or conditions(entry),
            runs=entry.runs,
            pictures=entry.pictures,
            chart=spec,
            link=_address(),
        )
        try:
            stored = change(cached.library.settings(), str(state.dataset()), with_item(item))
        except OSError as error:
            st.toast(f"The report cannot be written: {error.strerror}", icon=":material/error:")
            return
        st.toast(
            f"Added to the report as entry {len(stored.items)}.",
            icon=":material/playlist_add_check:",
        )

    st.button("Add to report", icon=":material/playlist_add:", on_click=add, key=f"{key}_report")


def conditions(entry: Entry) -> str:
    """Protocol and labels that the runs of an entry were measured under."""
    return " ".join(one.sentence for one in cached.runs.measured_in(entry.runs))


def _address() -> str:
    """This page with what its address bar holds, and the fingerprint of the data set."""
    info = cached.library.dataset(str(state.dataset())).info
    fingerprint = permalink.fingerprint((info.fingerprint, None))
    shown = st.query_params.to_dict()
    shown = {name: shown[name] for name in shown if name not in ("ix", "v")}
    return permalink.link(st.context.url or "", shown, fingerprint)
