"""Neighbours of a data set's queries: found once, and found again where the file is damaged."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from models.backbones.registry import load_backbone
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.features import FeatureCache
from pipeline.runs.cosine_neighbours import cosine_neighbours
from pipeline.settings import Settings


def test_neighbours_are_found_once_and_again_where_the_file_is_damaged(
    own_library: Settings, shapes: RetrievalDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(own_library.home / "baselines")
    cache = FeatureCache(load_backbone("tiny"), own_library)
    query, database = np.arange(4), np.arange(4, len(shapes))

    first = cosine_neighbours(shapes, query, database, own_library, cache)

    features = cache.get(shapes)
    centred = features - features[database].mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1)[:, None]
    similarity = centred[query] @ centred[database].T
    expected = np.argsort(-similarity, axis=1)[:, :10]
    assert [set(row) for row in first.tolist()] == [set(row) for row in expected.tolist()]

    (path,) = (own_library.home / "baselines").glob("neighbours-*.npy")
    content = path.read_bytes()
    path.write_bytes(content[:40])
    assert np.array_equal(cosine_neighbours(shapes, query, database, own_library, cache), first)
    assert path.read_bytes() == content

    monkeypatch.setattr(FeatureCache, "get", lambda *_: pytest.fail("read again"))
    assert np.array_equal(cosine_neighbours(shapes, query, database, own_library, cache), first)


def test_other_queries_have_neighbours_of_their_own(
    own_library: Settings, shapes: RetrievalDataset
) -> None:
    cache = FeatureCache(load_backbone("tiny"), own_library)
    query, database = np.arange(4), np.arange(4, len(shapes))

    first = cosine_neighbours(shapes, query, database, own_library, cache)
    second = cosine_neighbours(shapes, query[:3], database, own_library, cache)

    assert (len(first), len(second)) == (4, 3)
