"""How good the whole ranking of a database is for one query, by its labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.analysis.opened_run import OpenRun
from pipeline.evaluation.metrics import balls, precision_at
from pipeline.index.search import Query

_KINDS = ("not relevant", "relevant", "unknown")
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
    relevant = relevance(opened, row)
    assert relevant is not None
    ranked = others & opened.has_label
    distances = query.code.hamming(opened.database_codes[ranked])[0].astype(np.int64)
    is_relevant = relevant[opened.database_rows[ranked]]
    cells = np.bincount(2 * distances + is_relevant, minlength=2 * (opened.bits + 1))
    counts = cells.reshape(1, -1, 2)  # as hamming_histograms has them
    retrieved, hits, *_ = balls(counts)
    at_10, at_100 = precision_at(counts, [10, 100])[0]
    radius = min(RADIUS, opened.bits)
    return Judgement(
        precision_10=float(at_10) if len(distances) >= 10 else None,
        precision_100=float(at_100) if len(distances) >= 100 else None,
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
    kinds = np.full(len(distances), _KINDS.index("unknown"))
    if relevant is not None:  # "not relevant" is 0, "relevant" 1
        kinds = np.where(opened.has_label, relevant[opened.database_rows], kinds)
    cells = distances[others].astype(np.int64) * len(_KINDS) + kinds[others]
    images = np.bincount(cells)
    [filled] = np.nonzero(images)
    distance, kind = np.divmod(filled, len(_KINDS))
    names = np.array(_KINDS, object)[kind]
    return pd.DataFrame({"distance": distance, "relevance": names, "images": images[filled]})
