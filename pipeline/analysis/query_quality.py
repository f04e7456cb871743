"""How good the whole ranking of a database is for one query, by its labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.analysis.opened_run import OpenRun
from pipeline.evaluation.metrics import balls, precision_at
from pipeline.evaluation.ranking import hamming_histograms
from pipeline.index.search import Query

RADIUS = 2  # of the fixed lookup measure


@dataclass(frozen=True)
class Judgement:
    """How good the ranking of all images with a label is for one query; ties averaged.

    Attributes:
        precision_10: P@10; None where fewer have a label.
        precision_100: P@100; None where fewer have a label.
        ball_relevant: relevant images within 2 bits.
        ball_size: images within 2 bits.
        n_relevant: relevant images in the whole database.
    """

    precision_10: float | None
    precision_100: float | None
    ball_relevant: int
    ball_size: int
    n_relevant: int


def relevance(opened: OpenRun, row: int | None) -> NDArray[np.bool_] | None:
    """Whether each image (n,) of the manifest shares a label with that one; None if unknown."""
    if opened.labels is None or row is None or not opened.labels[row].any():
        return None
    return np.asarray(opened.labels[:, opened.labels[row]].any(axis=1))


def is_relevant(opened: OpenRun, query_row: int | None, row: int) -> bool | None:
    """Whether two images share a label; None if unknown, as for one that has none."""
    if opened.labels is None or query_row is None:
        return None
    if not (opened.labels[query_row].any() and opened.labels[row].any()):
        return None
    return bool((opened.labels[row] & opened.labels[query_row]).any())


def judgement(opened: OpenRun, query: Query, row: int, others: NDArray[np.bool_]) -> Judgement:
    """Judge the ranking of a labelled image of the data set.

    Args:
        opened: the run.
        query: the image's code.
        row: its manifest row.
        others: (m,) which database images to rank; those without a label are left out.
    """
    assert opened.labels is not None
    others = others & opened.database_labels.any(axis=1)
    rows = opened.database_rows[others]
    counts = hamming_histograms(
        query.code,
        opened.database_codes[others],
        opened.labels[[row]],
        opened.labels[rows],
        threads=1,
    )
    retrieved, hits, *_ = balls(counts)
    at_10, at_100 = precision_at(counts, [10, 100])[0]
    radius = min(RADIUS, opened.bits)
    return Judgement(
        precision_10=float(at_10) if len(rows) >= 10 else None,
        precision_100=float(at_100) if len(rows) >= 100 else None,
        ball_relevant=int(hits[0, radius]),
        ball_size=int(retrieved[0, radius]),
        n_relevant=int(hits[0, -1]),
    )


def histogram(
    opened: OpenRun,
    distances: NDArray[np.int32],
    relevant: NDArray[np.bool_] | None,
    others: NDArray[np.bool_],
) -> pd.DataFrame:
    """Columns distance, relevance, images: the database by distance (m,) to the query."""
    if relevant is None:
        kinds = np.full(len(distances), "unknown")
    else:
        kinds = np.where(relevant[opened.database_rows], "relevant", "not relevant")
        kinds[~opened.database_labels.any(axis=1)] = "unknown"
    frame = pd.DataFrame({"distance": distances[others], "relevance": kinds[others]})
    counts = frame.groupby(["distance", "relevance"], as_index=False).size()
    return counts.rename(columns={"size": "images"})
