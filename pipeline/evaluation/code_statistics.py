"""Diagnostics of hash codes: are the bits balanced and independent, and do codes collide?"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field

from models.codes import HashCodes
from pipeline.evaluation.ranking import Counts


class CodeStatistics(BaseModel):
    """Statistics of a set of hash codes, whatever the labels say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int = Field(description="Number of codes.")
    bits: int = Field(description="Code length K.")
    bit_means: tuple[float, ...] = Field(description="Share of ones of every bit; 0.5 is balanced.")
    entropy_mean: float = Field(description="Mean entropy of a bit, in bits; 1 is balanced.")
    entropy_min: float = Field(description="Lowest entropy of a bit.")
    correlation_mean: float = Field(description="Mean absolute correlation over pairs of bits.")
    correlation_max: float = Field(description="Highest absolute correlation of a pair of bits.")
    effective_bits: float = Field(description="Uncorrelated balanced bits that vary as much.")
    dead_bits: int = Field(description="Bits with the same value in every code.")
    duplicate_pairs: int = Field(description="Pairs of live bits that are always equal.")
    complement_pairs: int = Field(description="Pairs of live bits that are never equal.")
    distinct: int = Field(description="Number of different codes.")
    collision_rate: float = Field(description="Share of items whose code another item has too.")
    largest_bucket: int = Field(description="Items on the most frequent code.")


def code_statistics(codes: HashCodes) -> CodeStatistics:
    """Statistics of `codes`.

    Effective bits are tr(C)² / ‖C‖² of the covariance C of the ±1 bits (the participation ratio of
    its eigenvalues): K for balanced, uncorrelated bits, 1 for copies of one bit, 0 for dead ones.

    Raises:
        ValueError: there are no codes.
    """
    if not len(codes):
        raise ValueError("code statistics need at least one code, got none")
    ones, unequal = _bit_counts(codes)
    covariance = _covariance(ones, unequal, len(codes))
    is_live = (ones > 0) & (ones < len(codes))
    pair = np.triu(np.outer(is_live, is_live), 1)
    correlation = np.abs(_correlation(covariance))[np.triu_indices(codes.bits, 1)]
    entropies = bit_entropy(ones / len(codes))
    bucket_sizes = code_buckets(codes).sizes
    return CodeStatistics(
        n=len(codes),
        bits=codes.bits,
        bit_means=tuple(float(count / len(codes)) for count in ones),
        entropy_mean=float(entropies.mean()),
        entropy_min=float(entropies.min()),
        correlation_mean=float(correlation.mean()) if len(correlation) else 0.0,
        correlation_max=float(correlation.max(initial=0)),
        effective_bits=_participation(covariance),
        dead_bits=int((~is_live).sum()),
        duplicate_pairs=int((pair & (unequal == 0)).sum()),
        complement_pairs=int((pair & (unequal == len(codes))).sum()),
        distinct=len(bucket_sizes),
        collision_rate=float(bucket_sizes[bucket_sizes > 1].sum() / len(codes)),
        largest_bucket=int(bucket_sizes.max()),
    )


class Buckets(NamedTuple):
    """The distinct codes of a set, fullest first.

    Attributes:
        codes: b distinct codes.
        sizes: (b,) how many items each has.
        bucket: (n,) which of them each item has.
    """

    codes: HashCodes
    sizes: NDArray[np.int64]
    bucket: NDArray[np.int64]


def code_buckets(codes: HashCodes) -> Buckets:
    """The distinct codes with their items; of equally full ones the smaller code is first."""
    words = codes.words()
    keys: NDArray[Any] = words[:, 0] if words.shape[1] == 1 else words
    _, first, bucket, sizes = np.unique(
        keys, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.argsort(-sizes, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return Buckets(codes[first[order]], sizes[order], place[bucket.ravel()])


def bit_correlation(codes: HashCodes) -> NDArray[np.float64]:
    """Correlations (K, K) of the ±1 bits; 0 where a bit is dead."""
    ones, unequal = _bit_counts(codes)
    return _correlation(_covariance(ones, unequal, len(codes)))


def bit_entropy(means: ArrayLike) -> NDArray[np.float64]:
    """Entropy in bits, in [0, 1], of bits that are one with the given shares."""
    ones = np.asarray(means, np.float64)
    entropy = np.zeros_like(ones)
    for share in (ones, 1 - ones):
        entropy -= share * np.log2(share, out=np.zeros_like(share), where=share > 0)
    return entropy


def distance_histograms(counts: Counts) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs (query, database item) at each distance: those that share a label, those that do not.

    Args:
        counts: (q, K + 1, G + 1) of `ranking.hamming_histograms`.

    Returns:
        Two arrays (K + 1,). The less they overlap, the better a radius separates the classes.
    """
    return counts[:, :, 1:].sum(axis=(0, 2)), counts[:, :, 0].sum(axis=0)


def _bit_counts(codes: HashCodes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ones per bit (K,), and codes in which two bits differ (K, K); by popcount, so exact."""
    columns = np.packbits(np.unpackbits(codes.packed, axis=1, count=codes.bits), axis=0).T
    words = HashCodes(columns, len(codes)).words()  # bit k of all codes as one long code
    ones = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
    unequal = [np.bitwise_count(words ^ bit).sum(axis=1, dtype=np.int64) for bit in words]
    return ones, np.array(unequal)


def _covariance(ones: NDArray[np.int64], unequal: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    """Covariance (K, K) of the ±1 bits of n codes, from `_bit_counts`."""
    bias = 2 * ones / n - 1  # (K,) mean of the ±1 bits
    return np.asarray(1 - 2 * unequal / n - np.outer(bias, bias))


def _correlation(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlations (K, K); 0 where a bit is dead."""
    deviation = np.sqrt(np.maximum(np.diag(covariance), 0))
    scale = np.outer(deviation, deviation)
    return np.asarray(np.divide(covariance, scale, out=np.zeros_like(scale), where=scale > 0))


def _participation(covariance: NDArray[np.float64]) -> float:
    squares = float(np.square(covariance).sum())
    return float(np.trace(covariance)) ** 2 / squares if squares > 0 else 0.0
