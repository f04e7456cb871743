"""Features beside codes: precision, bytes, and what a collection remembers of them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pipeline.index.store.base import StoreError
from pipeline.index.store.features import FeatureVectors, NoFeatures, feature_bytes


@pytest.fixture
def features(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(2, 1, (60, 32)).astype(np.float32)


@pytest.mark.parametrize(("type_", "error"), [("float16", 1e-3), ("int8", 2e-2)])
def test_scores_of_stored_features_are_cosines_of_centred_ones(
    features: np.ndarray, type_: str, error: float
) -> None:
    mean = features.mean(axis=0)
    vectors = FeatureVectors.fitted(type_, mean, features)
    stored = vectors.stored(features)

    found = vectors.cosines(vectors.scores(stored[3], stored))

    centred = features - mean
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    assert found == pytest.approx(unit @ unit[3], abs=error)
    assert abs(found - unit @ unit[3]).max() > 0  # they are stored in fewer bytes


def test_a_byte_holds_values_from_1_to_255_whatever_comes(features: np.ndarray) -> None:
    """An image of one extreme value is clipped, one without a direction is 128 throughout."""
    mean = features.mean(axis=0)
    extreme = np.vstack([mean, mean + 100 * np.eye(32, dtype=np.float32)[0]]).astype(np.float32)

    stored = FeatureVectors.fitted("int8", mean, features).stored(extreme)

    assert set(stored[0].tolist()) == {128}
    assert (stored.min(), stored.max()) == (128, 255)


def test_metadata_is_plain_json_and_gives_the_same_back(features: np.ndarray) -> None:
    vectors = FeatureVectors.fitted("int8", features.mean(axis=0), features)

    kept = json.loads(json.dumps({"features": vectors.metadata}))
    again = FeatureVectors.from_metadata("a", kept)

    assert (again.type, again.step, again.dim) == ("int8", vectors.step, 32)
    assert again.mean.tolist() == vectors.mean.tolist()


@pytest.mark.parametrize(
    "kept",
    [{}, "float16", {"type": "int4", "mean": "", "step": 1.0}, {"type": "int8", "mean": "?"}],
)
def test_unknown_features_are_refused(kept: object) -> None:
    with pytest.raises(StoreError, match="'a' are kept in a way unknown to this version"):
        FeatureVectors.from_metadata("a", {"features": kept})
    with pytest.raises(NoFeatures, match="'a' holds no features"):
        FeatureVectors.from_metadata("a", {})


def test_bytes_are_those_of_the_values() -> None:
    assert feature_bytes("float16", 1000, 1280) == 2_560_000
    assert feature_bytes("int8", 1000, 1280) == 1_280_000
