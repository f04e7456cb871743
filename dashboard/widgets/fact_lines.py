"""The parts of the status page: one line a thing, with a shape, its state and its remedy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from dashboard.services.status import Level, Line, PublishedIndex
from dashboard.widgets.no_worker import show_no_worker
from pipeline.datasets.dataset import DatasetInfo
from pipeline.wording import escape_html, file_size, plural

Colour = Literal["gray", "blue", "green", "orange", "red"]
Badge = tuple[str, str, Colour]  # word, icon, colour

_LEVELS: dict[Level, Badge] = {
    "good": ("good", ":material/check_circle:", "green"),
    "idle": ("idle", ":material/pause_circle:", "gray"),
    "warning": ("attention", ":material/warning:", "orange"),
    "problem": ("problem", ":material/error:", "red"),
}
_STATES = {
    "ready": "live",
    "missing": "missing",
    "unavailable": "not responding",
    "mismatch": "built with different weights, or by an older version",
}
_FOLDERS = {
    "datasets": "Data sets",
    "features": "Features",
    "runs": "Runs",
    "index": "Embedded index",
    "thumbs": "Thumbnails",
}


def line(entry: Line) -> None:
    """Name, badge, state, remedy."""
    word, icon, color = _LEVELS[entry.level]
    head, state = st.columns([1, 3], vertical_alignment="center")
    with head, st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{entry.name}**", width=80)
        st.badge(word, icon=icon, color=color)
    with state:
        st.text(entry.state)
        if entry.remedy:
            st.text(entry.remedy)
        if entry.command:
            with st.expander("As a command", icon=":material/terminal:"):
                st.code(entry.command, language="bash")
        if entry.waits_for_worker:
            show_no_worker(entry.waits_for_worker)


def indexes(published: Sequence[PublishedIndex]) -> None:
    """A table of published runs."""
    if not published:
        st.caption("None.")
        return
    has_spread = any(index.spread for index in published)
    rows = [
        {
            "Run": index.label,
            "Codes": index.state.count or None,
            "State": index.state.summary.lower() or _STATES[index.state.kind],
            **({"On the server": str(index.spread or "")} if has_spread else {}),
            "Collection": index.collection,
        }
        for index in published
    ]
    st.dataframe(
        rows,
        hide_index=True,
        key="indexes",
        alt="Published indexes and their state.",
        column_config={"Codes": st.column_config.NumberColumn(format="localized", width="small")},
    )


def datasets(infos: Sequence[DatasetInfo]) -> None:
    """A card for each data set, with licence and attribution."""
    for info in infos:
        refused = (
            f", {plural(info.n_problems, 'file')} skipped or changed" if info.n_problems else ""
        )
        st.html(
            f"<div style='margin-bottom:.5rem'><b>{escape_html(info.title)}</b> "
            f"({escape_html(info.name)}): {plural(info.n, 'image')}{refused}. "
            f"{escape_html(info.summary)}<br>"
            f"<span style='font-size:.875rem'>Licence: {escape_html(info.licence)}. "
            f"{escape_html(info.attribution)}</span></div>"
        )


def disk(sizes: Sequence[tuple[str, int]]) -> None:
    """What each part of the library takes."""
    total = sum(size for _, size in sizes)
    facts(
        [
            *((_FOLDERS[name], file_size(size)) for name, size in sizes),
            ("Total", file_size(total)),
        ]
    )


def facts(pairs: Sequence[tuple[str, str]]) -> None:
    """Names and values in two columns."""
    cells = "".join(
        f"<div style='opacity:.75'>{escape_html(name)}</div>"
        f"<div style='overflow-wrap:anywhere'>{escape_html(value)}</div>"
        for name, value in pairs
    )
    st.html(
        "<div style='display:grid;grid-template-columns:fit-content(60%) 1fr;gap:.3rem 1.25rem;"
        f"font-size:.9rem'>{cells}</div>"
    )
