"""The quantizers of the engine: how it can keep float vectors, all that a search may scan."""

from __future__ import annotations

from dataclasses import dataclass

from qdrant_client import models

_Turbo, _Binary = models.TurboQuantBitSize, models.BinaryQuantizationEncoding
_Query = models.BinaryQuantizationQueryEncoding


@dataclass(frozen=True)
class Quantizer:
    """One way in which the engine keeps vectors.

    Attributes:
        name: key of stored rows.
        title: name for people.
        config: what the engine is told; None: vectors as they are.
        is_product: whether it clusters, which needs 256 vectors and takes longest to build.
    """

    name: str
    title: str
    config: models.QuantizationConfig | None
    is_product: bool = False


def _turbo(bits: models.TurboQuantBitSize) -> models.TurboQuantization:
    turbo = models.TurboQuantQuantizationConfig(bits=bits, always_ram=True)
    return models.TurboQuantization(turbo=turbo)


def _binary(
    encoding: models.BinaryQuantizationEncoding,
    query: models.BinaryQuantizationQueryEncoding = _Query.BINARY,
) -> models.BinaryQuantization:
    binary = models.BinaryQuantizationConfig(
        always_ram=True, encoding=encoding, query_encoding=query
    )
    return models.BinaryQuantization(binary=binary)


def _product(compression: models.CompressionRatio) -> models.ProductQuantization:
    product = models.ProductQuantizationConfig(compression=compression, always_ram=True)
    return models.ProductQuantization(product=product)


_INT8 = models.ScalarQuantization(
    scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
)
FLOAT = "float32"
QUANTIZERS = (
    Quantizer(FLOAT, "float32, not quantized", None),
    Quantizer("int8", "scalar int8", _INT8),
    Quantizer("turbo-4", "TurboQuant, 4 bits", _turbo(_Turbo.BITS4)),
    Quantizer("turbo-2", "TurboQuant, 2 bits", _turbo(_Turbo.BITS2)),
    Quantizer("turbo-1.5", "TurboQuant, 1.5 bits", _turbo(_Turbo.BITS1_5)),
    Quantizer("turbo-1", "TurboQuant, 1 bit", _turbo(_Turbo.BITS1)),
    Quantizer("binary-2", "binary, 2 bits", _binary(_Binary.TWO_BITS)),
    Quantizer("binary-1.5", "binary, 1.5 bits", _binary(_Binary.ONE_AND_HALF_BITS)),
    Quantizer("binary-1", "binary, 1 bit", _binary(_Binary.ONE_BIT)),
    Quantizer(
        "binary-1-query-8",
        "binary, 1 bit, 8-bit query",
        _binary(_Binary.ONE_BIT, _Query.SCALAR8BITS),
    ),
    Quantizer("product-32", "product, 32 times", _product(models.CompressionRatio.X32), True),
    Quantizer("product-64", "product, 64 times", _product(models.CompressionRatio.X64), True),
)
TITLES = {quantizer.name: quantizer.title for quantizer in QUANTIZERS}
