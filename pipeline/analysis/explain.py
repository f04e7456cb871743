"""Why a result is where it is: its ranks under runs, the bits that differ, and the unsure ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.opened_run import OpenRun
from pipeline.analysis.relaxed import relaxed_values
from pipeline.index.search import Query

_UNSURE = 0.25  # share of the query's median |relaxed| below which a bit could as well have flipped


@dataclass(frozen=True)
class Place:
    """Place of an image in the ranking of a query.

    Attributes:
        distance: distance in bits.
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
        """Write the place for people, for example `rank 4 to 9 · 3/32`."""
        rank = f"rank {self.first:,}" + (f" to {self.last:,}" if self.last > self.first else "")
        return f"{rank} · {self.distance}/{self.bits}"

    @property
    def ranks(self) -> str:
        """The ranks alone, for example `4–9`."""
        return f"{self.first:,}" + (f"–{self.last:,}" if self.last > self.first else "")


def place(
    opened: OpenRun,
    query: Query,
    row: int,
    query_row: int | None,
    relaxed: NDArray[np.float32] | None = None,
) -> Place | None:
    """The place of an image for a query; None when the run has no code for it in the database.

    Args:
        opened: the run.
        query: the query's code under this run.
        row: manifest row of the image.
        query_row: row of the query, which is not ranked; None when it is no image of the set.
        relaxed: (K,) relaxed code of the query, to rank by; None: by distance.
    """
    position = opened.place_of.get(row)
    if position is None:
        return None
    distances = query.code.hamming(opened.database_codes)[0]
    others = opened.database_rows != (-1 if query_row is None else query_row)
    order = distances if relaxed is None else relaxed_values(relaxed, opened)(opened.database_rows)
    # The relaxed values of equal codes differ by rounding at most.
    tied = np.isclose(order, order[position])
    n_nearer, n_tied = ((order < order[position]) & ~tied & others).sum(), (tied & others).sum()
    return Place(int(distances[position]), opened.bits, int(n_nearer) + 1, int(n_nearer + n_tied))


def unsure_bits(relaxed: NDArray[np.float32]) -> str:
    """A text with 1 for every bit (K) that the network nearly decided the other way."""
    sizes = np.abs(relaxed)
    return "".join("1" if size < _UNSURE * np.median(sizes) else "0" for size in sizes)


def unsure_words(differs: str, unsure: str, before: Place | None, after: Place | None) -> str:
    """Describe how many of the differing bits are unsure, and what the relaxed code makes of that.

    Args:
        differs: text with 1 for every bit (K) that differs; at least one does.
        unsure: text with 1 for every bit (K) that the query was unsure of.
        before: place of the image by distance; None when it is not in the database.
        after: place by the relaxed code of the query.
    """
    n, both = differs.count("1"), sum(a == b == "1" for a, b in zip(differs, unsure, strict=True))
    of = "The differing bit" if n == 1 else f"{both or 'None'} of the {n} differing bits"
    was = "were" if both > 1 else "was not" if n == 1 and not both else "was"
    near = f"{of} {was} near the threshold in the query"
    if before is None or after is None:
        return f"{near}."
    moves = f"moves from rank {before.ranks} to {after.ranks}"
    moves = f"stays at rank {after.ranks}" if before.ranks == after.ranks else moves
    return f"{near}; with its relaxed code this image {moves}."


def least_sure_first(differs: str, relaxed: NDArray[np.float32]) -> list[int]:
    """The bits (from 1) that differ, by how sure of them the query was (relaxed code (K,))."""
    return [int(place) + 1 for place in np.argsort(np.abs(relaxed)) if differs[place] == "1"]
