"""Drift: do the bits of queries and of images that trained look like those of the other images?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.analysis.opened_run import OpenRun
from pipeline.datasets.split import make_split
from pipeline.runs.registry import RunRegistry
from pipeline.runs.validation import held_out
from pipeline.settings import Settings

QUERY, TRAINED, REST = "query", "training", "database"


@dataclass(frozen=True, eq=False)
class Drift:
    """The balance of each bit by part.

    Attributes:
        table: columns part, bit, ones (share).
        sizes: images of each part, in the order in which they are drawn.
        trained: sentence on the training images.
        finding: how far the parts are apart, in a sentence.
    """

    table: pd.DataFrame
    sizes: dict[str, int]
    trained: str
    finding: str


def read_drift(run: OpenRun, settings: Settings) -> Drift:
    """Compare the stored codes of a run by part.

    Raises:
        RunError: the run is gone.
    """
    spec = RunRegistry(settings).open(run.id).spec
    whole = make_split(run.dataset, spec.evaluation_protocol(), run.label_set, spec.split_seed)
    split, _ = held_out(run.dataset, whole, spec)
    has_trained = np.isin(run.database_rows, split.train)
    return drift(run.query_codes, run.database_codes, has_trained)


def drift(query: HashCodes, database: HashCodes, has_trained: NDArray[np.bool_]) -> Drift:
    """Compare codes of two sets of images.

    Args:
        query: q codes.
        database: n codes.
        has_trained: (n,) whether the method saw an image of the database.
    """
    if has_trained.all() or not has_trained.any():
        parts = {QUERY: query, REST: database}
        which = "All" if has_trained.all() else "None"
        trained = f"{which} of the database trained the method."
    else:
        parts = {QUERY: query, TRAINED: database[has_trained], REST: database[~has_trained]}
        trained = "The images that trained are in the database too, but drawn by themselves."
    ones = {name: (codes.signs() > 0).mean(axis=0) for name, codes in parts.items()}
    sizes = {name: len(codes) for name, codes in parts.items()}
    table = pd.concat(
        [
            pd.DataFrame({"part": name, "bit": np.arange(1, len(share) + 1), "ones": share})
            for name, share in ones.items()
        ],
        ignore_index=True,
    )
    sentences = [_gap(name, ones, sizes) for name in parts if name != REST]
    return Drift(table, sizes, trained, " ".join(sentences))


def _gap(name: str, ones: dict[str, NDArray[np.float64]], sizes: dict[str, int]) -> str:
    """The mean gap of a part to the database, beside what two draws from one set would differ."""
    both = (ones[name] * sizes[name] + ones[REST] * sizes[REST]) / (sizes[name] + sizes[REST])
    spread = np.sqrt(both * (1 - both) * (1 / sizes[name] + 1 / sizes[REST]))
    gap = float(np.abs(ones[name] - ones[REST]).mean())
    chance = float(np.sqrt(2 / np.pi) * spread.mean())  # mean size of a normal difference
    is_drift = gap > 2 * chance
    says = "more than twice that: drift" if is_drift else "no drift to speak of"
    return (
        f"Over the bits, the shares of ones of {name} images lie {100 * gap:.1f} points from the "
        f"database's on average; chance alone gives {100 * chance:.1f}, so {says}."
    )
