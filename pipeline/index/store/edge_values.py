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
_ENCODINGS: dict[object, edge.BinaryQuantizationEncoding] = {
    models.BinaryQuantizationEncoding.ONE_BIT: edge.BinaryQuantizationEncoding.OneBit,
    models.BinaryQuantizationEncoding.ONE_AND_HALF_BITS: (
        edge.BinaryQuantizationEncoding.OneAndHalfBits
    ),
    models.BinaryQuantizationEncoding.TWO_BITS: edge.BinaryQuantizationEncoding.TwoBits,
}
_QUERY_ENCODINGS: dict[object, edge.BinaryQuantizationQueryEncoding] = {
    models.BinaryQuantizationQueryEncoding.BINARY: edge.BinaryQuantizationQueryEncoding.Binary,
    models.BinaryQuantizationQueryEncoding.SCALAR4BITS: (
        edge.BinaryQuantizationQueryEncoding.Scalar4Bits
    ),
    models.BinaryQuantizationQueryEncoding.SCALAR8BITS: (
        edge.BinaryQuantizationQueryEncoding.Scalar8Bits
    ),
}
_COMPRESSIONS = {
    models.CompressionRatio.X4: edge.CompressionRatio.X4,
    models.CompressionRatio.X8: edge.CompressionRatio.X8,
    models.CompressionRatio.X16: edge.CompressionRatio.X16,
    models.CompressionRatio.X32: edge.CompressionRatio.X32,
    models.CompressionRatio.X64: edge.CompressionRatio.X64,
}
_TURBO_BITS: dict[object, edge.TurboQuantBitSize] = {
    models.TurboQuantBitSize.BITS1: edge.TurboQuantBitSize.Bits1,
    models.TurboQuantBitSize.BITS1_5: edge.TurboQuantBitSize.Bits1_5,
    models.TurboQuantBitSize.BITS2: edge.TurboQuantBitSize.Bits2,
    models.TurboQuantBitSize.BITS4: edge.TurboQuantBitSize.Bits4,
    models.TurboQuantBitSize.BITS8: edge.TurboQuantBitSize.Bits8,
}
Quantization = (
    edge.BinaryQuantizationConfig
    | edge.ScalarQuantizationConfig
    | edge.ProductQuantizationConfig
    | edge.TurboQuantQuantizationConfig
)


def vector_params(params: models.VectorParams) -> edge.EdgeVectorParams:
    """Size, distance, datatype and whether vectors stay on disk."""
    is_cold = params.memory == models.Memory.COLD or (params.memory is None and params.on_disk)
    datatype = params.datatype or models.Datatype.FLOAT32
    return edge.EdgeVectorParams(
        params.size,
        _DISTANCES[params.distance.value],
        datatype=_DATATYPES[datatype.value],
        quantization_config=quantization(params.quantization_config),
        memory=edge.Memory.Cold if is_cold else None,
    )


def vectors_params(
    params: models.VectorParams | dict[str, models.VectorParams],
) -> edge.EdgeVectorParams | dict[str, edge.EdgeVectorParams]:
    """Of the one vector of a collection, or of several by name."""
    if isinstance(params, dict):
        return {name: vector_params(one) for name, one in params.items()}
    return vector_params(params)


def quantization(config: models.QuantizationConfig | None) -> Quantization | None:
    """How vectors are compressed; in memory where the client says so."""

    def memory(always_ram: bool | None) -> edge.Memory | None:
        return edge.Memory.Pinned if always_ram else None

    if config is None:
        return None
    if isinstance(config, models.BinaryQuantization):
        binary = config.binary
        return edge.BinaryQuantizationConfig(
            memory=memory(binary.always_ram),
            encoding=_ENCODINGS.get(binary.encoding),
            query_encoding=_QUERY_ENCODINGS.get(binary.query_encoding),
        )
    if isinstance(config, models.ScalarQuantization):
        scalar = config.scalar
        return edge.ScalarQuantizationConfig(
            edge.ScalarType.Int8, quantile=scalar.quantile, memory=memory(scalar.always_ram)
        )
    if isinstance(config, models.ProductQuantization):
        product = config.product
        return edge.ProductQuantizationConfig(
            _COMPRESSIONS[product.compression], memory=memory(product.always_ram)
        )
    turbo = config.turbo
    return edge.TurboQuantQuantizationConfig(
        memory=memory(turbo.always_ram), bits=_TURBO_BITS.get(turbo.bits)
    )


def optimizers(config: models.OptimizersConfigDiff | None) -> edge.EdgeOptimizersConfig | None:
    """From which size on segments are built, and how many there are."""
    if config is None:
        return None
    return edge.EdgeOptimizersConfig(
        indexing_threshold=config.indexing_threshold,
        default_segment_number=config.default_segment_number,
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


def vectors(value: object) -> edge.Vector:
    """The one vector of a point, or several by name."""
    if isinstance(value, dict):
        return {name: vector(one) for name, one in value.items()}
    return vector(value)


def prefetch(value: models.Prefetch | None) -> list[edge.Prefetch] | None:
    """The first stage of a search in two, by the default vector."""
    if value is None:
        return None
    for field in ("prefetch", "using", "lookup_from"):
        if getattr(value, field) is not None:
            raise NotImplementedError(f"a prefetch with {field}")
    return [
        edge.Prefetch(
            limit=10 if value.limit is None else value.limit,
            query=edge.Query.Nearest(vector(value.query)),
            params=None if value.params is None else search_params(value.params),
            filter=None if value.filter is None else edge_filter(value.filter),
            score_threshold=value.score_threshold,
        )
    ]


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


def _condition(value: object) -> edge.FieldCondition | edge.HasIdCondition:
    if isinstance(value, models.HasIdCondition):
        return edge.HasIdCondition({*value.has_id})
    if not isinstance(value, models.FieldCondition):
        raise NotImplementedError(f"filter condition {type(value).__name__}")
    if isinstance(value.match, models.MatchValue):
        return edge.FieldCondition(value.key, match=edge.MatchValue(value.match.value))
    if isinstance(value.match, models.MatchAny):
        return edge.FieldCondition(value.key, match=edge.MatchAny(value.match.any))
    kind = type(value.match).__name__
    raise NotImplementedError(f"condition on field '{value.key}' with match {kind}")
