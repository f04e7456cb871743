"""Why a result is where it is: its ranks under runs, the bits that differ, and the unsure ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboard.services.open_run import OpenRun
from pipeline.search import Query

_UNSURE = 0.25  # share of the query's median |relaxed| below which a bit could as well have flipped


@dataclass(frozen=True)
class Place:
    """Where an image stands for a query.

    Attributes:
        distance: in bits.
        bits: code length.
        first: best rank it could have in its tie.
        last: worst rank.
    """

    distance: int
    bits: int
    first: int
    last: int

    @property
    def words(self) -> str:
        """For people, for example `rank 4 to 9 · 3/32`."""
        rank = f"rank {self.first:,}" + (f" to {self.last:,}" if self.last > self.first else "")
        return f"{rank} · {self.distance}/{self.bits}"


def place(opened: OpenRun, query: Query, row: int, query_row: int | None) -> Place | None:
    """The place of an image for a query; None when the run has no code for it in the database.

    Args:
        opened: the run.
        query: the query's code under this run.
        row: manifest row of the image.
        query_row: of the query, which is not ranked itself; None when it is no image of the set.
    """
    own = opened.place_of.get(row)
    if own is None:
        return None
    distances = query.code.hamming(opened.database_codes)[0]
    others = opened.database_rows != (-1 if query_row is None else query_row)
    distance = int(distances[own])
    nearer, tied = (distances[others] < distance).sum(), (distances[others] == distance).sum()
    return Place(distance, opened.bits, int(nearer) + 1, int(nearer + tied))


def unsure_bits(relaxed: NDArray[np.float32]) -> str:
    """A text with 1 for every bit (K) that the network nearly decided the other way."""
    sizes = np.abs(relaxed)
    return "".join("1" if size < _UNSURE * np.median(sizes) else "0" for size in sizes)


def unsure_words(differs: str, unsure: str) -> str:
    """How many of the differing bits are unsure ones, as a sentence."""
    n_differing = differs.count("1")
    both = sum(a == b == "1" for a, b in zip(differs, unsure, strict=True))
    return f"{both} of the {n_differing} differing bits were near the threshold in the query."
