"""Codecs: the scan of faiss ranks as the decoded vectors do, and codes are as large as stated."""

from __future__ import annotations

import numpy as np
import pytest

from models.codes import HashCodes
from pipeline.evaluation.ranking import unit_length
from pipeline.runs.alternatives import ALTERNATIVES
from pipeline.runs.codecs import signs, train_codec

D = 64
KEYS = tuple(dict.fromkeys(one.codec for one in ALTERNATIVES.values() if one.codec))


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return unit_length(np.random.default_rng(0).standard_normal((400, D)).astype(np.float32))


@pytest.mark.parametrize("key", ["Flat", "SQfp16", "SQ8", "PQ4np", "PQ16np", "OPQ,PQ4np"])
def test_faiss_searches_in_the_order_of_the_decoded_vectors(vectors, key):
    codec = train_codec(key, vectors, seed=0)
    codec.index.add(vectors)

    values, found = codec.index.search(vectors[:5], 20)

    products = vectors[:5] @ codec.decode(codec.encode(vectors), D).T
    expected = np.argsort(-products, axis=1, kind="stable")[:, :20]
    assert values == pytest.approx(np.take_along_axis(products, expected, 1), abs=1e-5)
    assert (found == expected).mean() > 0.95  # but for values that rounding makes equal


def test_rabitq_of_faiss_agrees_with_its_decoded_vectors_but_for_the_rounded_query(vectors):
    codec = train_codec("RR,RaBitQ", vectors, seed=0)
    codec.index.add(vectors)

    values, found = codec.index.search(vectors[:3], len(vectors))

    products = vectors[:3] @ codec.decode(codec.encode(vectors), D).T
    estimated = np.take_along_axis(products, found, 1)
    assert np.corrcoef(values.ravel(), estimated.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("key", [*KEYS, ""], ids=lambda key: key or "signs")
def test_codes_take_the_stated_bytes_on_the_disk(vectors, key, tmp_path):
    codec = train_codec(key, vectors, seed=0) if key else signs(D)
    path = tmp_path / "codes"
    path.write_bytes(codec.encode(vectors).tobytes())

    assert path.stat().st_size == len(vectors) * codec.code_bytes


@pytest.mark.parametrize("d", [5, 8, 36, 64])
def test_signs_are_those_of_hash_codes_and_their_scan_is_an_inner_product(vectors, d):
    part = np.ascontiguousarray(vectors[:, :d])
    codec, codes = signs(d), HashCodes.from_relaxed(part)

    assert np.array_equal(codec.encode(part), codes.packed)
    assert np.array_equal(codec.decode(codes.packed, d), codes.signs())
    codec.index.add_sa_codes(codes.packed)
    query = np.pad(part[:1], ((0, 0), (0, codec.index.d - d)))
    values, _ = codec.index.search(query, 10)
    assert values[0] == pytest.approx(np.sort(part[0] @ codes.signs().T)[::-1][:10], abs=1e-5)


@pytest.mark.parametrize("key", ["PQ4np", "OPQ,PQ4np", "RR,RaBitQ"])
def test_the_seed_decides_what_is_random(vectors, key):
    first, again, other = (
        train_codec(key, vectors, seed).decode(train_codec(key, vectors, seed).encode(vectors), D)
        for seed in (1, 1, 2)
    )

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_few_images_per_centroid_raise_no_warning_of_faiss(vectors, capfd):
    train_codec("OPQ,PQ4np", vectors[:300], seed=0)

    assert "WARNING" not in "".join(capfd.readouterr())


def test_a_scan_takes_longer_the_more_codes_there_are(vectors):
    codec = train_codec("Flat", vectors, seed=0)
    few, many = codec.encode(vectors[:10]), np.tile(codec.encode(vectors), (50, 1))

    assert 0 < codec.search_s(few, vectors[:2]) < codec.search_s(many, vectors[:2])


def test_an_unknown_rotation_is_refused(vectors):
    with pytest.raises(ValueError, match="no rotation 'XX' of IndexPQ"):
        train_codec("XX,PQ4np", vectors, seed=0)
