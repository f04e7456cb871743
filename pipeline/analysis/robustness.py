"""Robustness: what edits of images do to the codes of a run, and whether copies are found.

Measured on the copies that the relevance `copies` draws from the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.analysis.opened_run import OpenRun
from pipeline.edits import ALL_SIZES
from pipeline.evaluation.bootstrap import band, resampled_counts
from pipeline.evaluation.metric_table import METRICS, Ranking
from pipeline.evaluation.ranking import hamming_histograms, ranked
from pipeline.runs.copies import Copies, encoded_copies
from pipeline.runs.copy_baselines import COSINE, DHASH, PHASH, VALUES, CopyValues, copy_values
from pipeline.runs.ground_truth import GroundTruth
from pipeline.settings import Settings
from pipeline.wording import percent, plural

NEAREST = 24
FLIPPED, KEPT = "flipped", "kept"
MEASURES = (FLIPPED, KEPT)  # of codes alone; the metrics `VALUES` are those of any ranking
BASELINES = {
    COSINE: "float cosine",
    PHASH: "perceptual hash, 64 bits",
    DHASH: "difference hash, 64 bits",
}


@dataclass(frozen=True, eq=False)
class Robustness:
    """Measurements of a ranking on the copies of a database.

    Attributes:
        label: of the run among others, or name of the baseline.
        copies: the n copies.
        values: (n,) values by measure; those of `MEASURES` are shares, and only runs have them.
    """

    label: str
    copies: Copies
    values: dict[str, NDArray[np.float64]]

    @property
    def finding(self) -> str:
        """The means over copies with their intervals, in a sentence."""
        shown = {}
        for name in (FLIPPED, KEPT, "recall_at_1", "recall_at_10"):
            low, high = _band(self.values[name])
            mean = self.values[name].mean()
            shown[name] = f"{percent(mean)} % ({percent(low)} to {percent(high)})"
        rank = self.values["first_relevant"]
        return (
            f"{self.label}: an edit flips {shown[FLIPPED]} of the bits on average and keeps "
            f"{shown[KEPT]} of the {NEAREST} nearest images. The edited image finds its original "
            f"first in {shown['recall_at_1']} and among the first ten in {shown['recall_at_10']}; "
            f"the original's mean rank is {rank.mean():,.1f}, the median {np.median(rank):,.0f}."
        )


def robustness(opened: OpenRun, label: str) -> Robustness:
    """Measure a run on the copies that it has encoded.

    Args:
        opened: the run, with the database that it was measured on.
        label: of the run among others.

    Raises:
        RunError: its copies were not encoded, or cannot be read.
    """
    copies, codes = encoded_copies(opened.run, opened.dataset, opened.database_rows)
    places = copies.places(opened.database_rows)
    originals = opened.database_codes[places]
    distance = np.bitwise_count(originals.words() ^ codes.words()).sum(axis=1)
    before, after = (ranked(of, opened.database_codes, NEAREST + 1)[0] for of in (originals, codes))
    kept = [
        np.isin(_others(old, place), _others(new, place)).mean()
        for old, new, place in zip(before, after, places, strict=True)
    ]
    labels = copies.labels(opened.database_rows)
    counts = hamming_histograms(codes, opened.database_codes, *labels)
    ranking = Ranking(counts, opened.cutoff, is_hamming=True)
    values = {name: METRICS[name].function(ranking) for name in VALUES}
    return Robustness(
        label,
        copies,
        {FLIPPED: distance / opened.bits, KEPT: np.array(kept)}
        | {name: one for name, one in values.items() if one is not None},
    )


def baselines(opened: OpenRun, settings: Settings) -> list[Robustness]:
    """The measurements of float cosine and perceptual hash that are stored."""
    truth = GroundTruth(opened.run.spec, opened.dataset, settings)
    stored = {kind: copy_values(truth, settings, kind) for kind in BASELINES}
    return [
        Robustness(BASELINES[kind], known.copies, known.values)
        for kind, known in stored.items()
        if isinstance(known, CopyValues)
    ]


def table(results: Sequence[Robustness], measure: str) -> pd.DataFrame:
    """A row for each ranking and edit, each edit from light to strong.

    Columns run, change, mean, low, high; low and high the ends of a 95 % interval over copies;
    shares in percent.
    """
    factor = 100 if measure in MEASURES else METRICS[measure].factor
    rows = []
    for result in results:
        for name, some in _by_edit(result.copies).items():
            values = factor * result.values[measure][some]
            low, high = _band(values)
            numbers = {"mean": values.mean(), "low": low, "high": high}
            rows.append({"run": result.label, "change": name, **numbers})
    return pd.DataFrame(rows, columns=["run", "change", "mean", "low", "high"])


def found_table(results: Sequence[Robustness]) -> pd.DataFrame:
    """Whether copies are found: a row for each edit and one for all, columns by ranking.

    Columns Edit, Copies, then for each ranking the metrics of `VALUES`, in their units.
    """
    parts: list[pd.DataFrame] = []
    for result in results:
        kinds = {"All edits": np.ones(len(result.copies), bool), **_by_edit(result.copies)}
        columns = {
            f"{result.label}: {METRICS[name].heading}": [
                METRICS[name].factor * result.values[name][some].mean() for some in kinds.values()
            ]
            for name in VALUES
        }
        if not parts:  # that of the others differs only where images could not be read
            columns = {"Copies": [int(some.sum()) for some in kinds.values()], **columns}
        parts.append(pd.DataFrame(columns, index=[*kinds]))
    return pd.concat(parts, axis=1).rename_axis("Edit").reset_index()


def difference(first: Robustness, second: Robustness) -> str:
    """How much more the second run flips than the first, on the copies of both, in a sentence."""
    same, mine, theirs = np.intersect1d(
        first.copies.rows, second.copies.rows, assume_unique=True, return_indices=True
    )
    if len(same) < len(first.copies) / 2:
        return "The runs have other databases, so only their means can be compared."
    gap = 100 * (second.values[FLIPPED][theirs] - first.values[FLIPPED][mine])
    low, high = _band(gap)
    return (
        f"Bits flipped, {second.label} minus {first.label}, on {plural(len(same), 'copy')} of "
        f"both: {gap.mean():+.1f} points ({low:+.1f} to {high:+.1f})."
    )


def _by_edit(copies: Copies) -> dict[str, NDArray[np.bool_]]:
    """Which copies (n,) went through each edit, by its name with the size; light to strong."""
    names = np.array([edit.name.format(size) for edit, size in ALL_SIZES])
    of_copies = names[copies.edits]
    return {name: of_copies == name for name in dict.fromkeys(names.tolist()) if name in of_copies}


def _others(places: NDArray[np.int64], own: np.int64) -> NDArray[np.int64]:
    """The nearest images without the original itself."""
    others: NDArray[np.int64] = places[places != own]
    return others[:NEAREST]


def _band(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = band(values[:, None], resampled_counts(len(values)))
    return float(low[0]), float(high[0])
