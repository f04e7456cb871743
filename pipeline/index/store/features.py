"""FeatureVectors: how features are kept beside codes, so that the store itself can rescore.

The cosine of centred features is what a shortlist is put in order by. Centred features of unit
length are stored, as float16 or as one byte per dimension, and queries are made the same way.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.ranking import unit_length
from pipeline.index.store.base import StoreError

FeatureType = Literal["float16", "int8"]
FEATURES = "features"  # name of the second vector, and of its entry in a collection's metadata
_BYTES: dict[FeatureType, int] = {"float16": 2, "int8": 1}
_ZERO, _RANGE = 128, 127  # engines keep bytes without a sign: 128 stands for 0


class NoFeatures(StoreError):  # noqa: N818 - the name says what is wrong
    """A collection holds codes without features."""

    def __init__(self, name: str) -> None:
        super().__init__(f"'{name}' holds no features; publish it again with features")


@dataclass(frozen=True, eq=False)
class FeatureVectors:
    """How the features of a collection become its second vector.

    Attributes:
        type: of a stored value.
        mean: (d,) float32, subtracted from all features.
        step: of one byte, in values of centred features of unit length; float16 needs none.
    """

    type: FeatureType
    mean: NDArray[np.float32]
    step: float = 1.0

    @classmethod
    def fitted(
        cls, type_: FeatureType, mean: NDArray[np.float32], sample: NDArray[np.float32]
    ) -> FeatureVectors:
        """With the step that represents all values of a sample (n, d) of the features.

        Clipping its rare large values would make steps smaller and the cosines worse.
        """
        values = np.abs(unit_length(sample - mean))
        return cls(type_, mean, float(values.max(initial=0.0)) / _RANGE or 1.0)

    @classmethod
    def from_metadata(cls, collection: str, metadata: Mapping[str, object]) -> FeatureVectors:
        """As they were when the collection was made.

        Raises:
            NoFeatures: it was made without.
            StoreError: made by a later version, or damaged.
        """
        kept = metadata.get(FEATURES)
        if kept is None:
            raise NoFeatures(collection)
        try:
            if not isinstance(kept, Mapping) or kept["type"] not in get_args(FeatureType):
                raise ValueError(kept)
            mean = np.frombuffer(base64.b64decode(str(kept["mean"]), validate=True), "<f4")
            return cls(kept["type"], mean.astype(np.float32), float(kept["step"]))
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(
                f"the features of '{collection}' are kept in a way unknown to this version; "
                "publish it again"
            ) from error

    @property
    def metadata(self) -> dict[str, object]:
        """Plain JSON for `from_metadata`."""
        mean = base64.b64encode(self.mean.astype("<f4").tobytes()).decode("ascii")
        return {"type": self.type, "mean": mean, "step": self.step}

    @property
    def dim(self) -> int:
        """Values per image."""
        return len(self.mean)

    def stored(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """What is stored, and asked with: (n, d) from features (n, d).

        Raises:
            ValueError: features of another width.
        """
        if features.ndim != 2 or features.shape[1] != self.dim:
            raise ValueError(
                f"features must be (n, {self.dim}) as the index has them, got {features.shape}"
            )
        unit = unit_length(features - self.mean)
        if self.type == "float16":
            return unit.astype(np.float16).astype(np.float32)
        steps = np.clip(np.rint(unit / self.step), -_RANGE, _RANGE)
        return np.asarray(steps + _ZERO, np.float32)

    def cosines(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Cosines from the scores of the engine: products of float16, distances between bytes."""
        if self.type == "float16":
            return scores
        return 1 - np.square(scores * self.step) / 2  # |a - b|² = 2 - 2 cos for unit length

    def scores(self, query: NDArray[np.float32], items: NDArray[np.float32]) -> NDArray[np.float64]:
        """The scores (n,) that an engine gives, from a query (d,) and items (n, d) as stored."""
        if self.type == "float16":
            return np.asarray(items.astype(np.float64) @ query)
        return np.asarray(np.linalg.norm(items.astype(np.float64) - query, axis=1))


def feature_bytes(type_: FeatureType, n_images: int, dim: int) -> int:
    """Bytes on the disk of so many images' features, of `dim` values each."""
    return _BYTES[type_] * n_images * dim


def stored_features(
    collection: str,
    metadata: Mapping[str, object],
    features: NDArray[np.float32] | None,
    n_items: int,
) -> NDArray[np.float32]:
    """Second vectors (n, d) of items that are added; (0, 0) where a collection keeps none.

    Raises:
        ValueError: features are missing, unwanted, or not as many as the items.
    """
    if FEATURES not in metadata:
        if features is not None:
            raise ValueError(f"'{collection}' holds codes alone and takes no features")
        return np.zeros((0, 0), np.float32)
    if features is None or len(features) != n_items:
        n_features = 0 if features is None else len(features)
        raise ValueError(
            f"'{collection}' needs the features of all {n_items} items, got {n_features}"
        )
    return FeatureVectors.from_metadata(collection, metadata).stored(features)
