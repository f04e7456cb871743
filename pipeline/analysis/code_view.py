"""What the Codes page shows of a run: tables for its charts and sentences about its bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.analysis.bit_analysis import lookup, overlap, radius_for
from pipeline.analysis.opened_run import OpenRun
from pipeline.evaluation.code_statistics import (
    Buckets,
    CodeStatistics,
    bit_correlation,
    bit_entropy,
    code_buckets,
    code_statistics,
    distance_histograms,
)

_BINS = 41  # of the histogram of outputs
_SIMILAR = 0.9  # absolute correlation from which two bits say nearly the same


@dataclass(frozen=True, eq=False)
class CodeView:
    """A run's codes, analysed.

    Attributes:
        statistics: statistics of the database codes.
        bits: columns bit, ones (share in the database), ones_query, entropy, most_similar (bit),
            correlation (with it).
        correlation: columns first, second, correlation.
        distances: columns distance, pairs ("same class" or "different class"), share.
        overlap: area that the two distributions share.
        lookup: a row per radius: radius, candidates, empty, precision, recall.
        radius_90: least radius with a mean recall of 90 %.
        buckets: the distinct codes of the database.
    """

    statistics: CodeStatistics
    bits: pd.DataFrame
    correlation: pd.DataFrame
    distances: pd.DataFrame
    overlap: float
    lookup: pd.DataFrame
    radius_90: int
    buckets: Buckets

    @property
    def finding(self) -> str:
        """Worth of the bits in a sentence."""
        known = self.statistics
        n_similar = int((self.bits["correlation"].abs() >= _SIMILAR).sum())
        return (
            f"{known.bits} bits do the work of {known.effective_bits:.1f} independent ones: "
            f"{known.dead_bits} dead, {n_similar} nearly copies of another, "
            f"{known.distinct:,} distinct codes for "
            f"{known.n:,} images."
        )


def read_codes(run: OpenRun) -> CodeView:
    """Analyse the stored codes of a run."""
    counts = run.counts()
    same, different = distance_histograms(counts)
    correlation, table = bit_correlation(run.database_codes), lookup(counts)
    return CodeView(
        statistics=code_statistics(run.database_codes),
        bits=_bits(run, correlation),
        correlation=_pairs(correlation),
        distances=_distances(same, different),
        overlap=overlap(same, different),
        lookup=table,
        radius_90=radius_for(table, 0.9),
        buckets=code_buckets(run.database_codes),
    )


def quantisation(relaxed: NDArray[np.float32]) -> tuple[pd.DataFrame, float]:
    """Outputs before the sign, in units of their mean size: a histogram and the gap.

    Returns:
        Columns output, share; and the mean squared distance of an output to its sign: 0 when all
        outputs have the same size, 1 would be as far as zero is.
    """
    scaled = relaxed / max(float(np.abs(relaxed).mean()), 1e-12)
    edges = np.linspace(-3, 3, _BINS + 1)
    count, _ = np.histogram(np.clip(scaled, -3, 3), edges)
    table = pd.DataFrame(
        {"output": (edges[:-1] + edges[1:]) / 2, "share": count / max(int(count.sum()), 1)}
    )
    return table, float(np.square(np.abs(scaled) - 1).mean())


def _bits(run: OpenRun, correlation: NDArray[np.float64]) -> pd.DataFrame:
    ones = [(codes.signs() > 0).mean(axis=0) for codes in (run.database_codes, run.query_codes)]
    others = correlation - np.eye(run.bits) * correlation
    most_similar = np.abs(others).argmax(axis=1)
    return pd.DataFrame(
        {
            "bit": np.arange(1, run.bits + 1),
            "ones": ones[0],
            "ones_query": ones[1],
            "entropy": bit_entropy(ones[0]),
            "most_similar": most_similar + 1,
            "correlation": others[np.arange(run.bits), most_similar],
        }
    )


def _pairs(correlation: NDArray[np.float64]) -> pd.DataFrame:
    n = len(correlation)
    first, second = np.divmod(np.arange(n * n), n)
    return pd.DataFrame(
        {"first": first + 1, "second": second + 1, "correlation": correlation.ravel()}
    )


def _distances(same: NDArray[np.int64], different: NDArray[np.int64]) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "distance": np.arange(len(count)),
                "pairs": name,
                "share": count / max(int(count.sum()), 1),
            }
        )
        for name, count in (("same class", same), ("different class", different))
    ]
    return pd.concat(parts, ignore_index=True)
