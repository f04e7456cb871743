"""Values of qdrant_client as values of the embedded engine, and back.

What the engine cannot express, or this project does not use, raises NotImplementedError; nothing is
ignored silently.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import qdrant_edge as edge
from qdrant_client.http import models

PointId = int | str

FIELD_TYPES = {
    "keyword": edge.PayloadSchemaType.Keyword,
    "integer": edge.PayloadSchemaType.Integer,
    "float": edge.PayloadSchemaType.Float,
    "bool": edge.PayloadSchemaType.Bool,
    "uuid": edge.PayloadSchemaType.Uuid,
    "datetime": edge.PayloadSchemaType.Datetime,
}
_DISTANCES = {
    "Dot": edge.Distance.Dot,
    "Cosine": edge.Distance.Cosine,
    "Euclid": edge.Distance.Euclid,
    "Manhattan": edge.Distance.Manhattan,
}
_DATATYPES = {
    "float32": edge.VectorStorageDatatype.Float32,
    "float16": edge.VectorStorageDatatype.Float16,
    "uint8": edge.VectorStorageDatatype.Uint8,
}


def vector_params(params: models.VectorParams) -> edge.EdgeVectorParams:
    """Size, distance, datatype and whether vectors stay on disk."""
    is_cold = params.memory == models.Memory.COLD or (params.memory is None and params.on_disk)
    datatype = params.datatype or models.Datatype.FLOAT32
    return edge.EdgeVectorParams(
        params.size,
        _DISTANCES[params.distance.value],
        datatype=_DATATYPES[datatype.value],
        memory=edge.Memory.Cold if is_cold else None,
    )


def quantization(config: models.BinaryQuantization | None) -> edge.BinaryQuantizationConfig | None:
    """One bit per dimension, the only kind used."""
    if config is None:
        return None
    if not isinstance(config, models.BinaryQuantization):
        raise NotImplementedError(f"quantization by {type(config).__name__}")
    return edge.BinaryQuantizationConfig(
        memory=edge.Memory.Pinned if config.binary.always_ram else None
    )


def hnsw(config: models.HnswConfigDiff | None) -> edge.HnswIndexConfig | None:
    """The graph's parameters; m = 0 means no graph, so a missing value must not become 0."""
    if config is None:
        return None

    def chosen(value: int | None, default: int) -> int:
        return default if value is None else value

    return edge.HnswIndexConfig(
        m=chosen(config.m, 16),
        ef_construct=chosen(config.ef_construct, 100),
        full_scan_threshold=chosen(config.full_scan_threshold, 10_000),
        payload_m=config.payload_m,
    )


def vector(value: object) -> list[float]:
    """One dense vector."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise NotImplementedError(f"a query or vector of type {type(value).__name__}")
    return list(value)


def search_params(params: models.SearchParams) -> edge.SearchParams:
    """How to search; flags left open are off."""
    quantizing = params.quantization
    return edge.SearchParams(
        hnsw_ef=params.hnsw_ef,
        exact=bool(params.exact),
        indexed_only=bool(params.indexed_only),
        quantization=None
        if quantizing is None
        else edge.QuantizationSearchParams(
            ignore=bool(quantizing.ignore),
            rescore=quantizing.rescore,
            oversampling=quantizing.oversampling,
        ),
    )


def edge_filter(value: models.Filter) -> edge.Filter:
    """A filter whose conditions must all hold."""
    for group in ("should", "must_not", "min_should"):
        if getattr(value, group) is not None:
            raise NotImplementedError(f"filter condition {group}")
    conditions = value.must if isinstance(value.must, list) else [value.must]
    return edge.Filter(
        must=[_condition(condition) for condition in conditions if condition is not None]
    )


def _condition(value: object) -> edge.FieldCondition:
    if not isinstance(value, models.FieldCondition):
        raise NotImplementedError(f"filter condition {type(value).__name__}")
    if isinstance(value.match, models.MatchValue):
        return edge.FieldCondition(value.key, match=edge.MatchValue(value.match.value))
    if isinstance(value.match, models.MatchAny):
        return edge.FieldCondition(value.key, match=edge.MatchAny(value.match.any))
    kind = type(value.match).__name__
    raise NotImplementedError(f"condition on field '{value.key}' with match {kind}")
