"""A chart with its table: the picture, the data behind it, downloads, and a way into the report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st
from altair.typing import ChartType

from dashboard import cached
from dashboard.services import chart_files
from dashboard.services.results_table import to_csv, with_conditions
from dashboard.widgets import report_button
from dashboard.widgets.fragments import isolated_fragment
from dashboard.widgets.report_button import Entry


def show_chart(
    chart: ChartType,
    table: pd.DataFrame,
    *,
    alt: str,
    key: str,
    pick: str = "",
    entry: Entry | None = None,
    in_fragment: bool = False,
) -> list[dict[str, Any]]:
    """Draw a chart with a *Data and downloads* expander below.

    Args:
        chart: to draw, as wide as its container.
        table: the numbers, in words and units for people.
        alt: what the chart shows, for those who cannot see it.
        key: of the chart; also the name of its files.
        pick: name of the selection whose clicks the page answers; empty for none.
        entry: what the report says about it; None: it cannot be added to a report.
        in_fragment: whether a fragment draws it, inside which there may be no other.

    Returns:
        The values of the marks that are picked.
    """
    picked = draw(chart, alt=alt, key=key, pick=pick)
    (_files if in_fragment else files)(chart, table, alt=alt, key=key, entry=entry)
    return picked


def draw(chart: ChartType, *, alt: str, key: str, pick: str = "") -> list[dict[str, Any]]:
    """Draw the chart alone; arguments and result as those of `show_chart`."""
    if not pick:
        st.altair_chart(chart, alt=alt, key=key)
        return []
    event = st.altair_chart(chart, alt=alt, key=key, on_select="rerun", selection_mode=[pick])
    return list(event.selection.get(pick, []))


def _files(
    chart: ChartType,
    table: pd.DataFrame,
    *,
    alt: str,
    key: str,
    entry: Entry | None = None,
) -> None:
    """The expander alone, empty until it is opened; arguments as those of `show_chart`."""
    with st.expander(
        "Data and downloads", icon=":material/table:", key=f"{key}_data", on_change="rerun"
    ) as opened:
        if not opened.open:
            return
        st.dataframe(table, hide_index=True, alt=alt, key=f"{key}_table")
        with st.container(horizontal=True, key=f"{key}_files"):
            _downloads(chart, table, key, () if entry is None else entry.runs)
            if entry is not None:
                report_button.show_report_button(entry, table, chart=chart, key=key)


files = isolated_fragment()(_files)  # opening it must not run the page again


def _downloads(chart: ChartType, table: pd.DataFrame, key: str, runs: tuple[str, ...]) -> None:
    """Each file is made when its button is pressed; tables name protocol and labels of the runs."""

    def written() -> bytes:
        return to_csv(with_conditions(table, cached.runs.measured_in(runs)))

    def drawn(how: Callable[[dict[str, Any]], bytes]) -> Callable[[], bytes]:
        return lambda: how(chart_files.specification(chart))

    _download("CSV", written, key, "text/csv")
    _download("SVG", drawn(chart_files.to_svg), key, "image/svg+xml")
    _download("PNG", drawn(chart_files.to_png), key, "image/png")
    _download("Spec", drawn(chart_files.to_json), key, "application/json", "vl.json")


def _download(label: str, data: Callable[[], bytes], key: str, mime: str, suffix: str = "") -> None:
    st.download_button(
        label,
        data=data,
        file_name=f"{key}.{suffix or label.lower()}",
        mime=mime,
        on_click="ignore",
        icon=":material/download:",
        key=f"{key}_{label.lower()}",
    )
