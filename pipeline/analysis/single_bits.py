"""What single bits do: changed codes, and what each bit has learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.analysis.opened_run import OpenRun
from pipeline.evaluation.code_statistics import bit_correlation
from pipeline.index.cosine import Values
from pipeline.index.ordering import MAX_TIES


@dataclass(frozen=True)
class Changed:
    """A search with a changed code.

    Attributes:
        code: the query's code with bits flipped.
        rows: (k,) manifest rows, nearest first, ties by `values`, or by place in the database.
        distances: (k,) over the bits that are not muted.
        overlap: how many of these the unchanged code finds too.
    """

    code: HashCodes
    rows: NDArray[np.int64]
    distances: NDArray[np.int64]
    overlap: int


def changed(
    opened: OpenRun,
    code: HashCodes,
    query_row: int | None,
    *,
    flipped: Sequence[int] = (),
    muted: Sequence[int] = (),
    k: int = 24,
    values: Values | None = None,
) -> Changed:
    """Search with some bits flipped and others left out.

    Args:
        opened: the run.
        code: code of the query.
        query_row: row of the query, which is no result; None when it is no image of the set.
        flipped: bits from 1 to turn over.
        muted: bits from 1 that do not count.
        k: results.
        values: what equally near images are sorted by; None: by their place in the database.
    """
    signs = code.signs().astype(np.int8)
    signs[0, [bit - 1 for bit in flipped]] *= -1
    now = HashCodes.from_relaxed(signs.astype(np.float32))
    before = _nearest(opened, code, query_row, (), k, values)[0]
    rows, distances = _nearest(opened, now, query_row, muted, k, values)
    return Changed(now, rows, distances, len({*before.tolist()} & {*rows.tolist()}))


def bit_table(opened: OpenRun) -> pd.DataFrame:
    """Table with a row per bit: its share of ones, most similar bit, and strongest class.

    Columns bit, ones (share), twin (bit), similarity (|correlation| with it), label, shift (share
    of ones among images with that label, minus the share among all).
    """
    is_one = opened.database_codes.signs() > 0  # (m, K)
    ones = is_one.mean(axis=0)
    similarity = np.abs(bit_correlation(opened.database_codes))
    np.fill_diagonal(similarity, 0)
    table = pd.DataFrame(
        {
            "bit": np.arange(1, opened.bits + 1),
            "ones": ones,
            "most_similar": similarity.argmax(axis=1) + 1,
            "correlation": similarity.max(axis=1),
        }
    )
    if opened.labels is None or opened.label_set is None:
        return table.assign(label="", class_shift=np.nan)
    hot = opened.labels[opened.database_rows].astype(np.float32)  # (m, C)
    share = hot.T @ is_one / np.maximum(hot.sum(axis=0), 1)[:, None]  # (C, K)
    shift = np.where(hot.sum(axis=0)[:, None] > 0, share - ones, 0)
    strongest = np.abs(shift).argmax(axis=0)
    names = [opened.classes[place] for place in strongest]
    return table.assign(label=names, class_shift=shift[strongest, np.arange(opened.bits)])


def strongest(
    rows: NDArray[np.int64], relaxed: NDArray[np.float32], bit: int, n: int = 6
) -> tuple[list[int], list[int]]:
    """The images whose relaxed code says 1 most clearly at a bit (from 1), and those that say 0."""
    order = np.argsort(relaxed[:, bit - 1], kind="stable")
    return [int(rows[place]) for place in order[::-1][:n]], [int(rows[p]) for p in order[:n]]


def _nearest(
    opened: OpenRun,
    code: HashCodes,
    query_row: int | None,
    muted: Sequence[int],
    k: int,
    values: Values | None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    kept = np.ones(opened.bits, bool)
    kept[[bit - 1 for bit in muted]] = False
    mask = np.packbits(kept)
    differing = (code.packed ^ opened.database_codes.packed) & mask
    distances = np.bitwise_count(differing).sum(axis=1).astype(np.int64)
    distances[opened.database_rows == (-1 if query_row is None else query_row)] = opened.bits + 1
    order = np.argsort(distances, kind="stable")
    order = order[distances[order] <= opened.bits]
    if values is not None and len(order):
        last = distances[order[min(k, len(order)) - 1]]
        order = order[distances[order] <= last][: max(k, MAX_TIES)]
        order = order[np.lexsort((values(opened.database_rows[order]), distances[order]))]
    order = order[:k]
    return opened.database_rows[order], distances[order]
