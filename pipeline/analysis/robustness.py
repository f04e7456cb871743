"""Robustness of a run: what small changes of its query images do to their codes, with intervals.

Also whether a changed image still finds the one that it was made of (copy detection): that is put
among the images of the database, and is the only relevant one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from models.codes import HashCodes
from pipeline.analysis.opened_run import OpenRun
from pipeline.analysis.perturbations import STRENGTHS, altered, change_names
from pipeline.evaluation.bootstrap import band, resampled_counts
from pipeline.evaluation.ranking import ranked
from pipeline.images import ImageError
from pipeline.wording import percent, plural

N_IMAGES, NEAREST = 24, 24
MEASURES = ("flipped", "kept", "first", "ten")
_TEN = 10  # results among which the original counts as found


@dataclass(frozen=True, eq=False)
class Robustness:
    """Measurements of a run under changed queries.

    Attributes:
        label: label of the run.
        rows: (n,) manifest rows of the images.
        values: (n, 4, c) of `steadiness`.
        missing: rows of the sample that could not be read.
    """

    label: str
    rows: tuple[int, ...]
    values: NDArray[np.float64]
    missing: tuple[int, ...]

    @property
    def finding(self) -> str:
        """The means over images and changes with their intervals, in a sentence."""
        per_image = self.values.mean(axis=2)  # (n, 4)
        means, (low, high) = per_image.mean(axis=0), _band(per_image)
        shown = [
            f"{percent(mean)} % ({percent(least)} to {percent(most)})"
            for mean, least, most in zip(means, low, high, strict=True)
        ]
        return (
            f"{self.label}: a change flips {shown[0]} of the bits on average and keeps {shown[1]} "
            f"of the {NEAREST} nearest images. The changed image finds the original first in "
            f"{shown[2]} and among the first {_TEN} in {shown[3]}."
        )


def sample(opened: OpenRun, seed: int = 0) -> list[int]:
    """Manifest rows of at most 24 queries; the same for all runs of one split."""
    rows = np.random.default_rng(seed).permutation(np.sort(opened.query_rows))
    return [int(row) for row in rows[:N_IMAGES]]


def measure(
    opened: OpenRun,
    label: str,
    steady: Callable[[int], NDArray[np.float64]],
    on_progress: Callable[[int, int], None] = lambda done, of: None,
) -> Robustness:
    """Measure the sample of a run.

    Args:
        opened: the run.
        label: label of the run among others.
        steady: row -> `steadiness`; images for which it raises ImageError are left out.
        on_progress: called with images done, images in all.
    """
    rows: list[int] = []
    wanted = sample(opened)
    values = np.empty((len(wanted), len(MEASURES), len(_changes())))
    for done, row in enumerate(wanted):
        on_progress(done, len(wanted))
        try:
            values[len(rows)] = steady(row)
        except ImageError:
            continue
        rows.append(row)
    missing = tuple(row for row in wanted if row not in rows)
    return Robustness(label, tuple(rows), values[: len(rows)], missing)


def all_altered(image: Image.Image) -> list[Image.Image]:
    """An RGB image changed in all c ways: every change from light to strong."""
    by_strength = [altered(image, strength) for strength in range(len(STRENGTHS))]
    return [image for kind in zip(*by_strength, strict=True) for image in kind]


def steadiness(opened: OpenRun, row: int, codes: HashCodes) -> NDArray[np.float64]:
    """Compare a query's code with those of the changed image.

    Args:
        opened: the run.
        row: row of the query, which is no result.
        codes: c codes, of `all_altered`.

    Returns:
        (4, c) for every change the share of bits that flip, of the nearest that stay, and the
        probability that the original is found first and among the first ten, over orders of ties.
    """
    code = opened.query_codes[np.flatnonzero(opened.query_rows == row)]
    (before,) = _nearest(opened, code, row)
    kept = [np.isin(before, after).mean() for after in _nearest(opened, codes, row)]
    flipped = codes.hamming(code)[:, 0]
    others = codes.hamming(opened.database_codes[np.flatnonzero(opened.database_rows != row)])
    nearer = (others < flipped[:, None]).sum(axis=1)
    tied = (others == flipped[:, None]).sum(axis=1) + 1  # itself among them
    found = [np.clip((k - nearer) / tied, 0, 1) for k in (1, _TEN)]
    return np.array([flipped / opened.bits, kept, *found])


def table(results: Sequence[Robustness]) -> pd.DataFrame:
    """A row for each run, measure and change, from light to strong.

    Columns run, measure (of `MEASURES`), change, strength, mean, low, high; numbers in percent, low
    and high the ends of a 95 % interval over images.
    """
    parts = []
    for result in results:
        for measure, values in zip(MEASURES, 100 * result.values.swapaxes(0, 1), strict=True):
            low, high = _band(values)
            numbers = {"mean": values.mean(axis=0), "low": low, "high": high}
            changes = pd.DataFrame(_changes(), columns=["change", "strength"])
            parts.append(changes.assign(run=result.label, measure=measure, **numbers))
    return pd.concat(parts, ignore_index=True)


def difference(first: Robustness, second: Robustness) -> str:
    """How much more the second run flips than the first, on the images of both, in a sentence."""
    rows = [row for row in first.rows if row in second.rows]
    if len(rows) < len(first.rows) / 2:
        return "The runs have other query images, so only their means can be compared."
    mine, theirs = (
        result.values[[result.rows.index(row) for row in rows], 0].mean(axis=1)
        for result in (first, second)
    )
    gap, (low, high) = 100 * (theirs - mine), _band(100 * (theirs - mine)[:, None])
    return (
        f"Bits flipped, {second.label} minus {first.label}, on {plural(len(rows), 'image')} of "
        f"both: {gap.mean():+.1f} points ({low[0]:+.1f} to {high[0]:+.1f})."
    )


def _changes() -> list[tuple[str, str]]:
    """Every change with its size, and its strength, in the order of `all_altered`."""
    by_strength = [change_names(strength) for strength in range(len(STRENGTHS))]
    return [
        (name, strength)
        for kind in zip(*by_strength, strict=True)
        for name, strength in zip(kind, STRENGTHS, strict=True)
    ]


def _nearest(opened: OpenRun, codes: HashCodes, row: int) -> list[NDArray[np.int64]]:
    """Rows of the nearest images of each code, without the query's own."""
    neighbours = opened.database_rows[ranked(codes, opened.database_codes, NEAREST + 1)[0]]
    return [rows[rows != row][:NEAREST] for rows in neighbours]


def _band(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return band(values, resampled_counts(len(values)))
