"""Near-duplicates by codes and by hashes of pictures."""

from __future__ import annotations

import imagehash
import numpy as np
import pytest
from PIL import Image

from models.codes import HashCodes
from pipeline.analysis import duplicates
from pipeline.analysis.duplicates import (
    compute_hashes,
    duplicate_table,
    near_pairs,
    stored_hashes,
)
from pipeline.deletions import delete_dataset
from pipeline.images import ImageError
from tests.factories import imported, write_images


def codes_of(*rows: str) -> HashCodes:
    return HashCodes(np.packbits([[int(bit) for bit in row] for row in rows], axis=1), len(rows[0]))


def test_a_chain_of_small_distances_is_one_group():
    codes = codes_of("0" * 16, "0" * 15 + "1", "0" * 14 + "11", "1" * 16, "1" * 15 + "0", "01" * 8)

    pairs = near_pairs(codes)

    assert pairs.widest == 4
    assert [group.tolist() for group in pairs.groups(1)] == [[0, 1, 2], [3, 4]]
    assert pairs.groups(0) == []
    assert pairs.counts() == [0, 2, 2, 2, 2]


@pytest.mark.parametrize("cells", [7, 10_000])
def test_pairs_are_those_of_all_distances(rng, monkeypatch, cells):
    monkeypatch.setattr(duplicates, "_CELLS", cells)
    codes = HashCodes(rng.integers(0, 256, (40, 9), dtype=np.uint8) & 129, 72)

    pairs = near_pairs(codes)

    whole = codes.hamming(codes)
    first, second = np.nonzero(np.triu(whole <= 12, k=1))
    found = {(int(a), int(b)): int(d) for a, b, d in zip(
        pairs.first, pairs.second, pairs.distances, strict=True)}  # fmt: skip
    assert found == {(int(a), int(b)): int(whole[a, b]) for a, b in zip(first, second, strict=True)}
    assert (np.diff(pairs.distances) >= 0).all()


def test_distances_that_join_everything_are_left_out(rng, monkeypatch):
    monkeypatch.setattr(duplicates, "MOST_PAIRS", 60)
    codes = HashCodes(rng.integers(0, 256, (30, 4), dtype=np.uint8) & 1, 32)

    pairs = near_pairs(codes)

    assert pairs.widest < 4
    assert pairs.distances.max(initial=0) <= pairs.widest


def test_hashes_are_computed_once_and_grow_with_the_data_set(tmp_path, settings, monkeypatch):
    folder = write_images(tmp_path / "shapes", per_class=3)
    copy = Image.open(folder / "cross" / "000.jpg").resize((48, 48))
    copy.save(folder / "cross" / "copy.png")
    dataset = imported(folder, settings)
    assert stored_hashes(dataset, settings) is None
    seen = []

    compute_hashes(dataset, settings, lambda *step: seen.append(step))

    assert seen == [(13, 13)]
    hashes = stored_hashes(dataset, settings)
    for row in (0, 5):
        wanted = imagehash.phash(dataset.load_image(row)).hash.ravel()
        assert np.array_equal(hashes["pHash"].signs()[row] > 0, wanted)
    rows = {name: row for row, name in enumerate(dataset.manifest["image_id"])}
    pair = [rows["cross/000.jpg"], rows["cross/copy.png"]]
    for name in ("pHash", "dHash"):
        assert hashes[name][pair[:1]].hamming(hashes[name][pair[1:]])[0, 0] <= 10
    monkeypatch.setattr(duplicates, "described", None)  # not once more
    compute_hashes(dataset, settings)
    delete_dataset("shapes", settings)
    assert not list((settings.home / "duplicates").glob("*.npz"))


def test_damaged_hashes_are_computed_again(own_library, shapes):
    compute_hashes(shapes, own_library)
    path = own_library.home / "duplicates" / "shapes.npz"
    path.write_bytes(path.read_bytes()[:100])
    assert stored_hashes(shapes, own_library) is None

    compute_hashes(shapes, own_library)

    assert len(stored_hashes(shapes, own_library)["dHash"]) == 40


def test_an_image_that_is_gone_is_named(tmp_path, settings):
    dataset = imported(write_images(tmp_path / "shapes", per_class=1), settings)
    dataset.image_path(2).unlink()

    with pytest.raises(ImageError, match="cannot be read"):
        compute_hashes(dataset, settings)
    assert stored_hashes(dataset, settings) is None


def test_the_list_has_the_image_that_is_kept_first(shapes):
    codes = HashCodes(np.zeros((40, 1), np.uint8), 8)
    codes.packed[7] = 3

    table = duplicate_table(shapes, [np.array([5, 7]), np.array([2, 3, 4])], codes)

    assert table["group"].tolist() == [1, 1, 2, 2, 2]
    assert table["keep"].tolist() == ["yes", "no", "yes", "no", "no"]
    assert table["distance"].tolist() == [0, 2, 0, 0, 0]
    assert table["image"].iloc[1] == shapes.manifest["image_id"].iloc[7]
    assert duplicate_table(shapes, [], codes).empty


def test_of_too_many_codes_the_equal_ones_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    codes = HashCodes.from_relaxed(rng.standard_normal((40, 16)))[rng.integers(0, 40, 90)]
    every = near_pairs(codes)
    monkeypatch.setattr(duplicates, "MOST_COMPARED", 89)

    equal = near_pairs(codes)

    assert (equal.widest, equal.n) == (0, 90)
    assert [list(group) for group in equal.groups(0)] == [list(g) for g in every.groups(0)]
    assert len(equal.first) < len(every.first)
