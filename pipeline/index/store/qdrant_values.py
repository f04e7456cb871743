"""Hash codes, distances and filters as values of Qdrant.

Qdrant has no Hamming metric. A code becomes one ±1 per bit compared by dot product, so
score = bits - 2 * distance. The engine's binary quantization of ±1 loses nothing and computes just
that from single bits in memory, so the vectors themselves stay on disk and are never read: no
rescoring. No graph is built (m = 0): a graph misses near-duplicates, which hash codes are full of,
and a scan of single bits takes milliseconds for hundreds of thousands of codes.
"""

from __future__ import annotations

from collections.abc import Iterable

from qdrant_client import models

from models.codes import HashCodes
from pipeline.index.store.base import CODEC, CollectionMismatch, Payload, Where

QUANTIZATION = models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True))
NO_GRAPH = models.HnswConfigDiff(m=0, payload_m=0)
SEARCH_PARAMS = models.SearchParams(quantization=models.QuantizationSearchParams(rescore=False))


def vector_params(bits: int) -> models.VectorParams:
    """How the ±1 vectors of a collection are kept; float16 holds ±1 exactly."""
    return models.VectorParams(
        size=bits,
        distance=models.Distance.DOT,
        datatype=models.Datatype.FLOAT16,
        on_disk=True,
    )


def vectors(codes: HashCodes) -> list[list[float]]:
    """One list of ±1 per code."""
    rows: list[list[float]] = codes.signs().astype(float).tolist()
    return rows


def points(codes: HashCodes, items: Iterable[tuple[str, Payload]]) -> list[models.PointStruct]:
    """Codes with their ids and payloads, ready to upload."""
    return [
        models.PointStruct(id=id_, vector=vector, payload=payload)
        for vector, (id_, payload) in zip(vectors(codes), items, strict=True)
    ]


def distance(collection: str, bits: int, score: float) -> int:
    """The Hamming distance a score stands for.

    Raises:
        CollectionMismatch: no pair of ±1 vectors has this score.
    """
    hamming, remainder = divmod(bits - score, 2)
    if remainder or not 0 <= hamming <= bits:
        raise CollectionMismatch(collection, "codec", f"a score of {score}", CODEC)
    return int(hamming)


def threshold(bits: int, r: int) -> float:
    """The score that all items within distance r exceed, and no others: scores must be above it."""
    return float(bits - 2 * r - 1)


def condition(where: Where | None) -> models.Filter | None:
    """A filter for items that pass."""
    if where is None:
        return None
    conditions: list[models.Condition] = []
    if where.labels:
        any_label = models.MatchAny(any=list(where.labels))
        conditions.append(models.FieldCondition(key="labels", match=any_label))
    if where.split is not None:
        split = models.MatchValue(value=where.split)
        conditions.append(models.FieldCondition(key="split", match=split))
    for word in where.words:
        match = models.MatchValue(value=word)
        conditions.append(models.FieldCondition(key="words", match=match))
    return models.Filter(must=conditions) if conditions else None
