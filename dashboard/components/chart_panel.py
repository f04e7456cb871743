"""A chart with its table: the picture, the data behind it, and a CSV of that."""

from __future__ import annotations

import altair
import pandas as pd
import streamlit as st

from dashboard.services.export import to_csv


def show(chart: altair.TopLevelMixin, table: pd.DataFrame, *, alt: str, key: str) -> None:
    """Draw a chart with a *Data* expander below.

    Args:
        chart: to draw, as wide as its container.
        table: the numbers, in words and units for people.
        alt: what the chart shows, for those who cannot see it.
        key: of the chart; also the name of the CSV.
    """
    st.altair_chart(chart, alt=alt, key=key)
    with st.expander("Data", icon=":material/table:"):
        st.dataframe(table, hide_index=True, alt=alt, key=f"{key}_table")
        st.download_button(
            "Download CSV",
            data=lambda: to_csv(table),
            file_name=f"{key}.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
            key=f"{key}_csv",
        )
