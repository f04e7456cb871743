"""Published figures beside ours, each with the protocol and the place it was printed in."""

from __future__ import annotations

import pandas as pd

from pipeline.analysis.comparisons import Comparison
from pipeline.catalog import method_cards
from pipeline.datasets.protocols import Protocol

COLUMNS = (
    "Method",
    "Bits",
    "Ours",
    "Published",
    "Published on",
    "Measure",
    "Source",
    "Read in",
    "Comparable",
)


def published_table(comparison: Comparison, rows: pd.DataFrame) -> pd.DataFrame:
    """The figures of the methods on a leaderboard; columns `COLUMNS`, shares in percent.

    `Ours` is the best row of the method at the same code length, empty where there is none. Few
    pairs are comparable: data set, protocol with its ranks, and backbone must be the same, and the
    column says so.
    """
    records = []
    cards = {card.name: card for card in method_cards()}
    for method, method_rows in rows.groupby("method"):
        if (card := cards.get(str(method))) is None:
            continue  # of an earlier version
        for figure in card.reported:
            same_length = method_rows[method_rows["bits"] == figure.bits]["map"]
            records.append(
                (
                    card.title,
                    figure.bits,
                    100 * same_length.max() if len(same_length) else None,
                    100 * figure.value,
                    figure.dataset,
                    figure.metric,
                    figure.source,
                    figure.provenance,
                    _comparable(comparison.protocol, figure.dataset, figure.metric),
                )
            )
    return pd.DataFrame(records, columns=list(COLUMNS))


def _comparable(protocol: Protocol, dataset: str, metric: str) -> str:
    """How far a figure with this data set and measure may stand beside ours."""
    if protocol.name not in dataset:
        return "no: other images"
    if metric != f"mAP@{protocol.cutoff or 'all'}":
        return "no: other ranks"
    return "same protocol, other backbone"
