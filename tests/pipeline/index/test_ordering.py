"""Two stages: what is fetched, what is sorted, and that no equally near image is missed."""

from __future__ import annotations

import numpy as np
import pytest

from models.backbones.registry import load_backbone
from models.codes import HashCodes
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.features import FeatureCache
from pipeline.index.cosine import Cosine
from pipeline.index.ordering import Ordering, find_shortlist, rows_of, sort_hits
from pipeline.index.store.memory import MemoryCodeStore
from pipeline.settings import Settings

BITS = 6


@pytest.fixture
def codes(rng: np.random.Generator) -> HashCodes:
    """300 codes of 6 bits: some forty lie at each distance."""
    return HashCodes.from_relaxed(rng.choice([-1.0, 1.0], (300, BITS)))


@pytest.fixture
def store(codes: HashCodes) -> MemoryCodeStore:
    made = MemoryCodeStore()
    made.create("a", BITS, {})
    payloads = [{"row": row, "labels": [], "split": "database"} for row in range(len(codes))]
    made.add("a", [f"{row:032x}" for row in range(len(codes))], codes, payloads)
    return made


def values(rows: np.ndarray) -> np.ndarray:
    """The larger the row, the better."""
    return -rows.astype(np.float32)


@pytest.mark.parametrize("limit", [1, 10, 70])
def test_results_are_the_best_of_all_equally_near_images(
    store: MemoryCodeStore, codes: HashCodes, limit: int
) -> None:
    query, ordering = codes[[5]], Ordering(values)

    found = find_shortlist(store, "a", query, ordering, limit=limit)
    places = sort_hits(found.result.hits, ordering).places

    rows = rows_of(found.result.hits)[places][:limit]
    distances = query.hamming(codes)[0]
    assert rows.tolist() == np.lexsort((-np.arange(300), distances))[:limit].tolist()


def test_a_distance_limits_the_shortlist(store: MemoryCodeStore, codes: HashCodes) -> None:
    found = find_shortlist(store, "a", codes[[5]], Ordering(values), limit=300, max_distance=1)

    assert {hit.distance for hit in found.result.hits} == {0, 1}


def test_rescoring_sorts_the_shortlist_whatever_the_distance(
    store: MemoryCodeStore, codes: HashCodes
) -> None:
    ordering = Ordering(values, is_within_distance=False)

    found = find_shortlist(store, "a", codes[[5]], ordering, limit=3)
    places = sort_hits(found.result.hits, ordering).places

    rows = rows_of(found.result.hits)
    assert len(rows) == 200
    assert rows[places].tolist() == sorted(rows.tolist(), reverse=True)


def test_codes_alone_keep_the_order_of_the_store(store: MemoryCodeStore, codes: HashCodes) -> None:
    found = find_shortlist(store, "a", codes[[5]], None, limit=12)

    kept = sort_hits(found.result.hits, None)

    assert (kept.places.tolist(), kept.seconds, kept.problem) == ([*range(12)], 0.0, "")
    assert sort_hits((), Ordering(values)).places.tolist() == []


def test_the_cosine_is_that_of_centred_features(
    own_library: Settings, shapes: RetrievalDataset
) -> None:
    cache = FeatureCache(load_backbone("tiny"), own_library)
    features = cache.get(shapes)
    centred = features - features.mean(axis=0)
    cosine = Cosine(shapes, cache.stored)
    rows = np.array([4, 9, 2])

    found = cosine.values(cosine.of_row(7))(rows)

    lengths = np.linalg.norm(centred[rows], axis=1) * np.linalg.norm(centred[7])
    assert found == pytest.approx(-(centred[rows] @ centred[7]) / lengths, abs=1e-5)
    assert cosine.values(cosine.of_row(7))(np.array([7])) == pytest.approx([-1.0])
