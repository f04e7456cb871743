"""Results in another order than by distance: what to sort by, and what that gained and cost."""

from __future__ import annotations

import streamlit as st

from dashboard import cached
from dashboard.explore import search_controls
from dashboard.services.queries import EncodingError
from dashboard.services.search import QueryImage
from dashboard.widgets import notices
from dashboard.widgets.relaxed_query import relaxed_query
from pipeline.analysis.opened_run import OpenRun
from pipeline.analysis.reranking import Reordered, Values, feature_values, relaxed_values
from pipeline.index.search import Encoded
from pipeline.wording import duration, percent, plural


def values(opened: OpenRun, query: QueryImage) -> Values | None:
    """What the chosen order sorts by; None for distance, or when the query cannot be encoded."""
    order = search_controls.order()
    if order == search_controls.DISTANCE:
        return None
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
    if order == search_controls.RELAXED or opened.run.spec.finetune:
        return relaxed_values(encoded.relaxed, opened)
    return feature_values(encoded.features, lambda rows: cached.networks.features(opened.id, rows))


def effect(reordered: Reordered, opened: OpenRun, query: QueryImage) -> None:
    """One line: the shortlist, the gain in P@10, the cost.

    The cost of encoding the query once more is that of the first time; an upload is encoded anyway.
    """
    name = search_controls.order().lower()
    n = plural(len(reordered.order), "image")
    cost = f"{n} ordered by {name}: "
    if query.row is not None and not isinstance(query.encoded, Encoded):
        cost += f"encoding {duration(cached.networks.relaxed(opened.id, query.row).encode_s)} + "
    cost += f"ordering {duration(reordered.seconds)}"
    if reordered.before is None or reordered.after is None:
        st.caption(f"{cost}. Arrows show ranks gained or lost compared with distance.")
        return
    gain = 100 * (reordered.after - reordered.before)
    st.markdown(
        f"**P@10 of this list {percent(reordered.before)} → {percent(reordered.after)} %** "
        f"({gain:+.1f}) :gray[· {cost} · arrows show ranks gained or lost compared with distance]"
    )
