"""Neighbours of a data set's queries: found once, and found again where the file is damaged."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from models.backbones.registry import load_backbone
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.features import FeatureCache
from pipeline.runs.cosine_neighbours import cosine_neighbours, stored_neighbours
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


def test_neighbours_are_read_without_the_network_as_many_as_were_found(
    own_library: Settings, shapes: RetrievalDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = FeatureCache(load_backbone("tiny"), own_library)
    query, database = np.arange(4), np.arange(4, len(shapes))
    rows = shapes, query, database, own_library
    found = cosine_neighbours(*rows, cache, k=5)
    monkeypatch.setattr(FeatureCache, "get", lambda *_: pytest.fail("the network was asked"))

    assert found.shape == (4, 5)
    assert np.array_equal(stored_neighbours(*rows, "tiny", 5), found)
    with pytest.raises(LookupError, match=r"the 6 nearest .* of tiny are not stored .* evaluate"):
        stored_neighbours(*rows, "tiny", 6)
    with pytest.raises(LookupError, match="no features of resnet50"):
        stored_neighbours(*rows, "resnet50", 5)


def test_images_of_the_content_of_a_query_are_no_neighbours_of_it(
    own_library: Settings, shapes: RetrievalDataset
) -> None:
    manifest = shapes.manifest.copy()
    for row in (6, 9):
        manifest.loc[manifest.index[row], "sha256"] = manifest["sha256"].iloc[1]
    twice = replace(shapes, manifest=manifest)
    cache = FeatureCache(load_backbone("tiny"), own_library)
    query, database = np.arange(4), np.arange(4, len(shapes))

    plain = cosine_neighbours(shapes, query, database, own_library, cache)
    found = cosine_neighbours(twice, query, database, own_library, cache)

    assert found.shape == plain.shape
    assert not {2, 5} & set(found[1].tolist())  # places of rows 6 and 9
    cached = stored_neighbours(twice, query, database, own_library, "tiny", 10)
    assert np.array_equal(cached, found)
