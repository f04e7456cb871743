"""Which images an index covers: all of the data set, or those that a run is measured against.

A run's codes lie in parts, each of which only ever grows at its end:

    codes/database.npz  what queries are measured against
    codes/query.npz     the queries
    codes/others.npz    images outside both: without a label, in no part of the split, or queries
                        that came after the run; runs of earlier versions lack them
    codes/added.npz     images that came after the run
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.runs.results import RunError
from pipeline.runs.run import Run

Images = Literal["all", "database"]
_MAY_LACK = ("others", "added")
_PARTS: dict[Images, tuple[str, ...]] = {
    "all": ("database", "query", "others", "added"),
    "database": ("database", "added"),
}


def searched_codes(run: Run, images: Images = "all") -> tuple[HashCodes, NDArray[np.int64]]:
    """Codes of the images that a search covers, and their manifest rows.

    Only the database codes among them are evaluated.

    Args:
        run: whose codes.
        images: all that have a code, or the database and what the data set got later.

    Raises:
        RunError: they are not there or damaged.
    """
    return _joined(run, dict.fromkeys(_stored(run, images)))


def part_sizes(run: Run, images: Images) -> dict[str, int]:
    """Codes in each part that an index covers now.

    Raises:
        RunError: they are not there or damaged.
    """
    return {part: len(run.load_codes(part)[1]) for part in _stored(run, images)}


def codes_as_published(run: Run, sizes: Mapping[str, int]) -> tuple[HashCodes, NDArray[np.int64]]:
    """Codes and rows as `searched_codes` gave them when the parts had these sizes.

    Raises:
        RunError: they are not there or damaged, or fewer by now.
    """
    codes, rows = _joined(run, dict(sizes))
    if len(rows) != sum(sizes.values()):
        raise RunError(f"run {run.id} has fewer codes than its index; publish it again")
    return codes, rows


def in_words(n_covered: int, n_images: int, images: Images) -> str:
    """How many of the imported images are in an index, and whether it is to hold no more."""
    if n_covered >= n_images:
        return f"all {n_images:,} imported images"
    of = f"{n_covered:,} of {n_images:,} imported images"
    return of if images == "all" else f"{of} (database only)"


def _stored(run: Run, images: Images) -> list[str]:
    folder = run.folder / "codes"
    return [
        part
        for part in _PARTS[images]
        if part not in _MAY_LACK or (folder / f"{part}.npz").exists()
    ]


def _joined(run: Run, sizes: Mapping[str, int | None]) -> tuple[HashCodes, NDArray[np.int64]]:
    """The first codes of each part, so many; None: all."""
    parts = [(*run.load_codes(part), size) for part, size in sizes.items() if size != 0]
    packed = np.concatenate([codes.packed[:size] for codes, _, size in parts])
    rows = np.concatenate([rows[:size] for _, rows, size in parts])
    return HashCodes(packed, parts[0][0].bits), rows
