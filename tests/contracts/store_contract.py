"""What every CodeStore must do, as functions of one empty store."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import numpy as np
import pytest

from models.codes import HashCodes
from pipeline.index.store.base import (
    CODEC,
    CodeStore,
    CollectionExists,
    CollectionMismatch,
    CollectionMissing,
    Hit,
    Payload,
    SearchResult,
    Where,
    require_match,
)
from pipeline.index.store.features import FeatureType, FeatureVectors, NoFeatures
from pipeline.index.store.memory import MemoryCodeStore

EXACT_BITS = (8, 12, 16, 32, 48, 64, 128, 256)
WHERES = (
    None,
    Where(),
    Where(labels=("cat",)),
    Where(labels=("cat", "dog")),
    Where(split="query"),
    Where(labels=("dog",), split="database"),
    Where(labels=("no such label",)),
    Where(words=("image",)),
    Where(words=("image", "7")),
    Where(labels=("cat",), words=("7",)),
    Where(words=("image", "no-such-word")),
)


def ids_of(n: int) -> list[str]:
    """n ids as the product makes them."""
    return [str(uuid.uuid5(uuid.NAMESPACE_OID, f"item:{i}")) for i in range(n)]


def payloads_of(n: int) -> list[Payload]:
    """n payloads with the product's fields: some items have two labels, one in ten none."""
    labels = (["cat"], ["dog"], ["cat", "dog"], ["Übergröße 猫"])
    return [
        {
            "image_id": f"image {i}",
            "sha256": f"{i:064x}",
            "uri": f"images/{i:05d}.png",
            "labels": [] if i % 10 == 9 else labels[i % len(labels)],
            "split": "query" if i % 5 == 0 else "database",
            "words": ["image", str(i % 10)],
        }
        for i in range(n)
    ]


def random_codes(n: int, bits: int, seed: int = 0) -> HashCodes:
    """Uniform codes: nearly all differ when bits are many, nearly all collide when few."""
    return HashCodes.from_relaxed(np.random.default_rng(seed).standard_normal((n, bits)))


def collapsed_codes(n: int, bits: int, n_codewords: int = 3) -> HashCodes:
    """Codes as supervised hashing makes them: few codewords, each shared by many items."""
    codewords = random_codes(n_codewords, bits, seed=1)
    return codewords[np.arange(n) % n_codewords]


def filled(store: CodeStore, codes: HashCodes, collection: str = "contract-v1") -> CodeStore:
    """The store with one collection of these codes."""
    store.create(collection, codes.bits, {"model": "itq", "created": "2026-01-31T14:05:09Z"})
    store.add(collection, ids_of(len(codes)), codes, payloads_of(len(codes)))
    return store


def searches_equal_brute_force_and_the_oracle(store: CodeStore, bits: int) -> None:
    """Brute force is the XOR of the bits written out, so it shares nothing with the stores."""
    codes = random_codes(150, bits)
    oracle = filled(MemoryCodeStore(), codes)
    filled(store, codes)
    plain = np.unpackbits(codes.packed, axis=1)

    for query in range(5):
        code = codes[query : query + 1]
        everything = store.search("contract-v1", code, 150).hits
        distances = [hit.distance for hit in everything]
        assert distances == np.sort((plain != plain[query]).sum(1)).tolist()
        assert {type(distance) for distance in distances} == {int}
        for k in (1, 7, 1000):
            assert store.search("contract-v1", code, k) == oracle.search("contract-v1", code, k)
        for r in (0, bits // 4, bits // 2):
            assert store.radius("contract-v1", code, r) == oracle.radius("contract-v1", code, r)


def ties_are_complete_and_ordered_by_id(store: CodeStore) -> None:
    """600 items on 3 codewords: 200 at each distance, far more than the 5 asked for."""
    codes = collapsed_codes(600, 16)
    ids = ids_of(600)
    filled(store, codes)

    result = store.search("contract-v1", codes[:1], 5)

    nearest = sorted(ids[::3])[:5]
    assert [(hit.distance, hit.id) for hit in result.hits] == [(0, id_) for id_ in nearest]
    assert not result.tie_cut
    assert [hit.payload["image_id"] for hit in result.hits] == [
        f"image {ids.index(id_)}" for id_ in nearest
    ]


def a_tie_across_the_boundary_equals_the_oracle(store: CodeStore) -> None:
    codes = collapsed_codes(600, 16)
    oracle = filled(MemoryCodeStore(), codes)
    filled(store, codes)

    for k in (199, 200, 201, 399, 401, 600, 601):
        assert store.search("contract-v1", codes[:1], k) == oracle.search(
            "contract-v1", codes[:1], k
        )


def radius_includes_its_border_and_nothing_beyond(store: CodeStore) -> None:
    """Code i of 9 has its first i bits flipped, so it lies at distance i from code 0."""
    signs = np.ones((9, 8))
    for i in range(9):
        signs[i, :i] = -1
    codes = HashCodes.from_relaxed(signs)
    filled(store, codes)

    for r in (0, 1, 2, 8, 100):
        found = [hit.distance for hit in store.radius("contract-v1", codes[:1], r).hits]
        assert found == list(range(min(r, 8) + 1))


def radius_keeps_the_nearest_when_limited(store: CodeStore) -> None:
    codes = random_codes(200, 16)
    oracle = filled(MemoryCodeStore(), codes)
    filled(store, codes)

    limited = store.radius("contract-v1", codes[:1], 9, limit=20)

    assert len(limited.hits) == 20
    assert limited == oracle.radius("contract-v1", codes[:1], 9, limit=20)


def filters_equal_the_oracle(store: CodeStore) -> None:
    codes = random_codes(200, 16)
    oracle = filled(MemoryCodeStore(), codes)
    filled(store, codes)

    for where in WHERES:
        assert store.count("contract-v1", where) == oracle.count("contract-v1", where)
        for k in (3, 300):
            expected = oracle.search("contract-v1", codes[:1], k, where)
            assert store.search("contract-v1", codes[:1], k, where) == expected


def an_empty_collection_has_no_hits(store: CodeStore) -> None:
    code = random_codes(1, 16)
    store.create("contract-empty", 16, {})

    assert store.search("contract-empty", code, 10).hits == ()
    assert store.radius("contract-empty", code, 16).hits == ()
    assert store.count("contract-empty") == 0


def adding_twice_changes_nothing(store: CodeStore) -> None:
    codes = random_codes(300, 16)
    filled(store, codes)
    before = store.search("contract-v1", codes[:1], 50)

    store.add("contract-v1", ids_of(300), codes, payloads_of(300))

    assert store.count("contract-v1") == 300
    assert store.search("contract-v1", codes[:1], 50) == before


def adding_a_known_id_replaces_code_and_payload(store: CodeStore) -> None:
    codes = random_codes(3, 32)
    ids = ids_of(3)
    filled(store, codes)

    store.add("contract-v1", [ids[0].upper()], codes[2:3], [{"labels": ["new"]}])

    first = store.get("contract-v1", ids[:1])[0]
    assert first.id == ids[0]
    assert first.payload == {"labels": ["new"]}
    assert {hit.id for hit in store.radius("contract-v1", codes[2:3], 0).hits} == {ids[0], ids[2]}


def payloads_come_back_as_given(store: CodeStore) -> None:
    payload: Payload = {
        "labels": ["Übergröße", "猫", "🦊"],
        "uri": 'a "quoted"/path\\with\nall.png',
        "n": 3,
        "share": 0.25,
        "flag": True,
        "none": None,
        "nested": {"list": [1, [2, "x"]]},
    }
    code = random_codes(1, 16)
    store.create("contract-v1", 16, {})

    store.add("contract-v1", ids_of(1), code, [payload])

    assert store.get("contract-v1", ids_of(1))[0].payload == payload
    assert store.search("contract-v1", code, 1).hits == (Hit(ids_of(1)[0], 0, payload),)


def get_keeps_the_order_asked_and_skips_the_unknown(store: CodeStore) -> None:
    ids = ids_of(5)
    filled(store, random_codes(4, 16))

    items = store.get("contract-v1", [ids[3], ids[4], ids[0]])

    assert [item.payload["image_id"] for item in items] == ["image 3", "image 0"]


def publishing_switches_and_rolls_back(store: CodeStore) -> None:
    old, new = random_codes(5, 16), random_codes(9, 16, seed=2)
    filled(store, old, "contract-v1")
    filled(store, new, "contract-v2")
    assert store.resolve("contract") is None

    for collection, n in (("contract-v1", 5), ("contract-v2", 9), ("contract-v1", 5)):
        store.publish("contract", collection)
        assert store.resolve("contract") == collection
        assert store.count("contract") == n
        assert len(store.search("contract", old[:1], 50).hits) == n
        assert store.info("contract").name == collection
        assert store.info(collection).alias == "contract"
    assert store.info("contract-v2").alias is None


def a_failed_publish_leaves_the_alias_alone(store: CodeStore) -> None:
    filled(store, random_codes(5, 16))
    store.publish("contract", "contract-v1")

    with pytest.raises(CollectionMissing, match="contract-v9"):
        store.publish("contract", "contract-v9")
    with pytest.raises(CollectionExists, match="contract-v1"):
        store.publish("contract-v1", "contract-v1")

    assert store.resolve("contract") == "contract-v1"
    assert store.count("contract") == 5


def dropping_removes_the_collection_and_its_aliases(store: CodeStore) -> None:
    filled(store, random_codes(5, 16), "contract-v1")
    filled(store, random_codes(5, 16), "contract-v2")
    store.publish("contract", "contract-v1")

    with pytest.raises(CollectionMissing):  # by alias: too easily the wrong one
        store.drop("contract")
    store.drop("contract-v1")

    assert store.collections() == ["contract-v2"]
    assert store.resolve("contract") is None
    store.create("contract-v1", 32, {})  # the name is free again, for other bits too
    assert store.info("contract-v1").bits == 32


def unknown_collections_are_named(store: CodeStore) -> None:
    code = random_codes(1, 16)
    calls: list[Callable[[], object]] = [
        lambda: store.search("nothing", code, 1),
        lambda: store.radius("nothing", code, 1),
        lambda: store.add("nothing", ids_of(1), code, payloads_of(1)),
        lambda: store.get("nothing", ids_of(1)),
        lambda: store.count("nothing"),
        lambda: store.drop("nothing"),
        lambda: store.info("nothing"),
    ]
    for call in calls:
        with pytest.raises(CollectionMissing, match="nothing"):
            call()


def codes_of_another_length_are_refused(store: CodeStore) -> None:
    filled(store, random_codes(5, 16))
    short = random_codes(1, 12)

    for call in (
        lambda: store.search("contract-v1", short, 3),
        lambda: store.radius("contract-v1", short, 3),
        lambda: store.add("contract-v1", ids_of(1), short, payloads_of(1)),
    ):
        with pytest.raises(CollectionMismatch, match="bits=16, not 12"):
            call()
    assert store.count("contract-v1") == 5


def metadata_is_kept_and_checked(store: CodeStore) -> None:
    filled(store, random_codes(5, 16))

    info = store.info("contract-v1")

    assert (info.name, info.alias, info.bits, info.count) == ("contract-v1", None, 16, 5)
    assert info.created == "2026-01-31T14:05:09Z"
    require_match(info.name, info.metadata, {"bits": 16, "codec": CODEC, "model": "itq"})
    with pytest.raises(CollectionMismatch, match="model='itq', not 'csq'") as caught:
        require_match(info.name, info.metadata, {"bits": 16, "model": "csq"})
    assert caught.value.field == "model"
    with pytest.raises(CollectionMismatch, match="weights=None, not 'ab12'"):
        require_match(info.name, info.metadata, {"weights": "ab12"})


def a_name_is_taken_once(store: CodeStore) -> None:
    filled(store, random_codes(5, 16))
    store.publish("contract", "contract-v1")

    for name in ("contract-v1", "contract"):
        with pytest.raises(CollectionExists, match=f"'{name}'"):
            store.create(name, 16, {})
    assert store.count("contract-v1") == 5


def malformed_arguments_are_refused(store: CodeStore) -> None:
    codes = random_codes(2, 16)
    filled(store, codes)

    for call, reason in (
        (lambda: store.create("../up", 16, {}), "no collection name"),
        (lambda: store.add("contract-v1", ["7"], codes[:1], [{}]), "UUID strings, got '7'"),
        (lambda: store.add("contract-v1", ids_of(2), codes, [{}]), "got 2, 2 and 1"),
        (
            lambda: store.add("contract-v1", ids_of(1), codes[:1], [{"x": np.int64(1)}]),
            "plain JSON",
        ),
        (lambda: store.search("contract-v1", codes, 1), "one code at a time, got 2"),
        (lambda: store.search("contract-v1", codes[:1], 0), "at least 1, got 0"),
        (lambda: store.radius("contract-v1", codes[:1], -1), "at least 0, got -1"),
        (lambda: store.get("contract-v1", ["x"]), "UUID strings"),
    ):
        with pytest.raises(ValueError, match=reason):
            call()


def random_features(n: int, dim: int = 24, seed: int = 5) -> np.ndarray:
    """Features (n, dim) that are not centred, as a backbone gives them."""
    return np.random.default_rng(seed).normal(3, 1, (n, dim)).astype(np.float32)


def filled_with_features(
    store: CodeStore, codes: HashCodes, type_: FeatureType, features: np.ndarray
) -> CodeStore:
    """The store with one collection of these codes and features."""
    n, vectors = len(codes), FeatureVectors.fitted(type_, features.mean(axis=0), features)
    store.create("contract-v1", codes.bits, {"model": "itq"}, vectors)
    store.add("contract-v1", ids_of(n), codes, payloads_of(n), features)
    return store


def rescoring_gives_the_cosines_of_the_nearest(store: CodeStore, type_: FeatureType) -> None:
    """Of the stored precision: half a step of 1/127 of the largest value, over 24 dimensions."""
    codes, features = random_codes(150, 32), random_features(150)
    oracle = filled_with_features(MemoryCodeStore(), codes, type_, features)
    filled_with_features(store, codes, type_, features)
    centred = features - features.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    rows = {id_: row for row, id_ in enumerate(ids_of(150))}

    for query, where, r in ((0, None, None), (1, Where(labels=("cat",)), None), (2, None, 14)):
        asked = codes[query : query + 1], features[query], 20, where, r
        found = store.rescored("contract-v1", *asked)
        plain = store.radius("contract-v1", codes[query : query + 1], r or 32, where, limit=20)
        assert [(hit.id, hit.distance, hit.payload) for hit in found.hits] == [
            (hit.id, hit.distance, hit.payload) for hit in plain.hits
        ]
        cosines = [hit.cosine for hit in found.hits]
        exact = [float(unit[rows[hit.id]] @ unit[query]) for hit in found.hits]
        assert cosines == pytest.approx(exact, abs=1e-3 if type_ == "float16" else 2e-2)
        assert cosines == pytest.approx(
            [hit.cosine for hit in oracle.rescored("contract-v1", *asked).hits], abs=1e-3
        )


def rescoring_keeps_ties_complete(store: CodeStore, type_: FeatureType) -> None:
    """200 items lie at distance 0; the 5 that are looked at are those of `search`."""
    codes, features = collapsed_codes(600, 16), random_features(600)
    filled_with_features(store, codes, type_, features)

    found = store.rescored("contract-v1", codes[:1], features[0], 5)

    nearest = store.search("contract-v1", codes[:1], 5)
    assert [hit.id for hit in found.hits] == [hit.id for hit in nearest.hits]
    assert all(hit.cosine is not None for hit in found.hits)
    own = store.rescored("contract-v1", codes[:1], features[0], 600)
    best = max(own.hits, key=lambda hit: hit.cosine or -1)
    assert (best.id, best.cosine) == (ids_of(600)[0], pytest.approx(1, abs=1e-3))


def features_change_no_search_by_codes(store: CodeStore, type_: FeatureType) -> None:
    codes = random_codes(200, 16)
    oracle = filled(MemoryCodeStore(), codes)
    filled_with_features(store, codes, type_, random_features(200))

    for k in (1, 7, 300):
        plain = store.search("contract-v1", codes[:1], k)
        assert plain == oracle.search("contract-v1", codes[:1], k)
    assert store.info("contract-v1").bits == 16


def features_are_as_many_as_the_collection_wants(store: CodeStore, type_: FeatureType) -> None:
    codes, features = random_codes(4, 16), random_features(4)
    filled(store, codes, "contract-plain")
    filled_with_features(store, codes, type_, features)
    ids, payloads = ids_of(4), payloads_of(4)

    def rescored(name: str, query: np.ndarray) -> SearchResult:
        return store.rescored(name, codes[:1], query, 3)

    for call, reason in (
        (lambda: store.add("contract-v1", ids, codes, payloads), "of all 4 items, got 0"),
        (lambda: store.add("contract-v1", ids, codes, payloads, features[:3]), "got 3"),
        (lambda: store.add("contract-v1", ids, codes, payloads, features[:, :5]), r"\(n, 24\)"),
        (lambda: store.add("contract-plain", ids, codes, payloads, features), "codes alone"),
        (lambda: rescored("contract-v1", features[0, :5]), r"\(n, 24\)"),
        (lambda: store.rescored("contract-v1", codes[:1], features[0], 0), "at least 1, got 0"),
    ):
        with pytest.raises(ValueError, match=reason):
            call()
    with pytest.raises(NoFeatures, match="contract-plain"):
        rescored("contract-plain", features[0])
    with pytest.raises(CollectionMissing, match="nothing"):
        rescored("nothing", features[0])
    assert store.count("contract-v1") == 4


FEATURE_CHECKS = (
    rescoring_gives_the_cosines_of_the_nearest,
    rescoring_keeps_ties_complete,
    features_change_no_search_by_codes,
    features_are_as_many_as_the_collection_wants,
)
CHECKS = (
    ties_are_complete_and_ordered_by_id,
    a_tie_across_the_boundary_equals_the_oracle,
    radius_includes_its_border_and_nothing_beyond,
    radius_keeps_the_nearest_when_limited,
    filters_equal_the_oracle,
    an_empty_collection_has_no_hits,
    adding_twice_changes_nothing,
    adding_a_known_id_replaces_code_and_payload,
    payloads_come_back_as_given,
    get_keeps_the_order_asked_and_skips_the_unknown,
    publishing_switches_and_rolls_back,
    a_failed_publish_leaves_the_alias_alone,
    dropping_removes_the_collection_and_its_aliases,
    unknown_collections_are_named,
    codes_of_another_length_are_refused,
    metadata_is_kept_and_checked,
    a_name_is_taken_once,
    malformed_arguments_are_refused,
)
