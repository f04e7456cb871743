"""The bits of a run beside those of another: which say the same, in a table and a sentence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.analysis.bit_alignment import align_bits
from pipeline.analysis.opened_run import OpenRun, short_labels
from pipeline.wording import plural

LEAST = 0.7  # absolute correlation from which a bit has a counterpart: half of the variance


@dataclass(frozen=True, eq=False)
class Aligned:
    """Two runs whose bits are matched.

    Attributes:
        table: a row per bit, clearest first: bit, counterpart (missing if the other run has fewer
            bits), correlation, strength (absolute), sense ("same", "inverted").
        chance: mean strength of the same matching against permuted images.
        n_images: number of images in both databases, or in a sample of them.
        finding: how much of the code is stable, in a sentence.
    """

    table: pd.DataFrame
    chance: float
    n_images: int
    finding: str


def align(first: OpenRun, second: OpenRun) -> Aligned:
    """Match the bits of two runs on the images in the databases of both.

    Raises:
        ValueError: there are no such images.
    """
    _, mine, theirs = np.intersect1d(first.database_rows, second.database_rows, return_indices=True)
    alignment = align_bits(first.database_codes[mine], second.database_codes[theirs])
    table = pd.DataFrame(
        {
            "bit": np.arange(1, first.bits + 1),
            "counterpart": pd.Series(alignment.counterpart + 1, dtype="Int64").where(
                alignment.counterpart >= 0
            ),
            "correlation": alignment.correlation,
            "strength": np.abs(alignment.correlation),
            "sense": np.where(alignment.correlation < 0, "inverted", "same"),
        }
    )
    stable = table[table["strength"] >= LEAST]
    n_inverted = int((stable["sense"] == "inverted").sum())
    other = short_labels([first.run, second.run])[1]
    other += f" (which has {second.bits})" * (second.bits < first.bits)
    finding = (
        f"{len(stable)} of {plural(first.bits, 'bit')} have a counterpart in {other} with "
        f"|r| ≥ {LEAST}, {n_inverted} of them inverted: "
        f"{100 * len(stable) / first.bits:.0f} % of the code is stable. Chance alone gives "
        f"{alignment.n_by_chance(LEAST):.1f} bits. Mean |r| is {table['strength'].mean():.2f}, by "
        f"chance {alignment.chance.mean():.2f}."
    )
    order = table.sort_values(["strength", "bit"], ascending=[False, True], ignore_index=True)
    return Aligned(order, float(alignment.chance.mean()), alignment.n_images, finding)
