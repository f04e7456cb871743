"""The order of results on Search: what is chosen, what it sorts by, and a line that says so."""

from __future__ import annotations

import streamlit as st

from dashboard.explore import search_controls
from dashboard.services.queries import EncodingError
from dashboard.services.search import Answer, QueryImage
from dashboard.widgets import notices, result_order
from dashboard.widgets.relaxed_query import relaxed_query
from pipeline.analysis.opened_run import OpenRun
from pipeline.analysis.relaxed import relaxed_values
from pipeline.evaluation.rankings import SHORTLIST
from pipeline.index.ordering import Ordering
from pipeline.wording import duration, escape_markdown, plural


def ordering(opened: OpenRun, query: QueryImage) -> tuple[Ordering | None, str]:
    """What the chosen order sorts by, or None and why the codes alone decide; empty if chosen."""
    order = search_controls.order()
    if order == search_controls.CODES:
        return None, ""
    if order == search_controls.RELAXED:
        return _by_relaxed_code(opened, query), ""
    is_within = order == search_controls.WITHIN
    return result_order.by_features(opened, query, is_within_distance=is_within)


def _by_relaxed_code(opened: OpenRun, query: QueryImage) -> Ordering | None:
    try:
        encoded = relaxed_query(opened, query)
    except EncodingError as error:
        notices.problem(
            "This order needs the network, which is unavailable.",
            reason=str(error),
            works="Results are ordered by distance.",
            key="order_problem",
        )
        return None
    return Ordering(relaxed_values(encoded.relaxed, opened), is_within_distance=False)


def explain(answer: Answer, reason: str) -> None:
    """One line: how equally near images are sorted, or why the codes alone decide.

    Args:
        answer: that is shown.
        reason: why features do not sort it; empty where they do or were not chosen.
    """
    st.caption(f"{_about_ties(answer)}{_about_order(answer, reason or answer.order.problem)}")


def _about_order(answer: Answer, reason: str) -> str:
    order = search_controls.order()
    if reason:
        return f"Codes only, sorted by id where equally near: {escape_markdown(reason)}."
    if not answer.order.is_by_distance:
        where = "the index" if answer.order.is_in_index else duration(answer.order.seconds)
        return (
            f"The {SHORTLIST} nearest by {order.lower()}, sorted in {where}; "
            "arrows show ranks gained or lost compared with distance."
        )
    if order == search_controls.WITHIN:
        return "Equally near images are sorted by the similarity of their features."
    return "Images at the same distance are equally near; they are sorted by id."


def _about_ties(answer: Answer) -> str:
    """How many images share the last distance, where not all of them are shown."""
    group = next((group for group in answer.groups if group.distance == answer.cut), None)
    if not answer.is_tie_cut or group is None:
        return ""
    n_shown = len(group.results)
    are = "is" if n_shown == 1 else "are"
    count = f"{plural(group.total, 'image')} are equally near; {n_shown:,} {are} shown. "
    return count if len(answer.groups) == 1 else f"At distance {answer.cut}, {count}"
