"""Hash codes, distances and filters as values of Qdrant.

Qdrant has no Hamming metric. A code becomes one ±1 per bit compared by dot product, so
score = bits - 2 * distance. The engine's binary quantization of ±1 loses nothing and computes just
that from single bits in memory, so the vectors themselves stay on disk and are never read: no
rescoring. No graph is built (m = 0): a graph misses near-duplicates, which hash codes are full of,
and a scan of single bits takes milliseconds for hundreds of thousands of codes.

Features may lie beside the codes, on the disk, as a second vector with a name. The codes keep the
default name, "", so that a search by codes is the same request either way.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from qdrant_client import models

from models.codes import HashCodes
from pipeline.index.store.base import CODEC, CollectionMismatch, Payload, Where
from pipeline.index.store.features import FEATURES, FeatureVectors

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


def vectors_config(
    bits: int, features: FeatureVectors | None
) -> models.VectorParams | dict[str, models.VectorParams]:
    """The vectors of a collection: codes, and features where there are some."""
    codes = vector_params(bits)
    if features is None:
        return codes
    is_float = features.type == "float16"
    beside = models.VectorParams(
        size=features.dim,
        distance=models.Distance.DOT if is_float else models.Distance.EUCLID,
        datatype=models.Datatype.FLOAT16 if is_float else models.Datatype.UINT8,
        on_disk=True,
    )
    # Not of the whole collection, which would compress the features as well.
    return {"": codes.model_copy(update={"quantization_config": QUANTIZATION}), FEATURES: beside}


def code_params(config: object) -> models.VectorParams | None:
    """The parameters of the codes, from those of all vectors; None: these are no codes."""
    codes = config.get("") if isinstance(config, dict) else config
    return codes if isinstance(codes, models.VectorParams) else None


def vectors(codes: HashCodes) -> list[list[float]]:
    """One list of ±1 per code."""
    rows: list[list[float]] = codes.signs().astype(float).tolist()
    return rows


def points(
    codes: HashCodes, items: Iterable[tuple[str, Payload]], features: NDArray[np.float32]
) -> list[models.PointStruct]:
    """Codes with their ids and payloads, ready to upload.

    Args:
        codes: (n).
        items: (n).
        features: (n, d) as they are stored, or (0, 0) for none.
    """
    named: list[models.VectorStruct] = [*vectors(codes)]
    if len(features):
        rows = zip(named, features.tolist(), strict=True)
        named = [{"": code, FEATURES: row} for code, row in rows]  # type: ignore[dict-item]
    return [  # without validation: `checked_items` did it, and it would take as long as storing
        models.PointStruct.model_construct(id=id_, vector=vector, payload=payload)
        for vector, (id_, payload) in zip(named, items, strict=True)
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


def code_score(code: HashCodes, vector: object) -> float:
    """The score of a stored code, which comes as its ±1 vector, alone or by its name."""
    stored = vector.get("") if isinstance(vector, dict) else vector
    return float(np.dot(code.signs()[0].astype(float), np.asarray(stored, float)))


def only(ids: Iterable[str]) -> models.Filter:
    """A filter for these items."""
    return models.Filter(must=[models.HasIdCondition(has_id=[*ids])])


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
