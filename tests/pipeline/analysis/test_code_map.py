"""The code map: every code once, near codes near each other, pictures that stand for their code."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from models.codes import HashCodes
from pipeline.analysis import code_map
from pipeline.analysis.code_map import read_map, rows_at


def run_of(signs: np.ndarray, labels: np.ndarray | None = None):
    """As much of an open run as the map reads."""
    return SimpleNamespace(
        database_codes=HashCodes.from_relaxed(signs.astype(np.float32)),
        database_rows=100 + np.arange(len(signs)),
        bits=signs.shape[1],
        labels=None if labels is None else np.concatenate([np.zeros((100, 2), bool), labels]),
        classes=("cat", "dog"),
    )


def random_signs(n: int, bits: int = 16, seed: int = 0) -> np.ndarray:
    return np.where(np.random.default_rng(seed).random((n, bits)) < 0.5, -1, 1)


def two_groups(n: int) -> np.ndarray:
    """Codes around two opposite ones, every fourth the group's own."""
    rng = np.random.default_rng(1)
    signs = np.ones((n, 24), int)
    signs[n // 2 :] = -1
    for place in range(n):
        if place % 4:
            signs[place, rng.choice(24, 2, replace=False)] *= -1
    return signs


def test_every_code_is_on_the_map_once_with_its_images():
    signs = random_signs(60, bits=5)
    run = run_of(signs)

    found = read_map(run)

    distinct = np.unique(signs, axis=0)
    assert len(found.table) == found.n_distinct == len(distinct)
    assert found.n_images == 60
    rows = rows_at(found, run, list(range(len(found.table))))
    assert sorted(rows) == list(range(100, 160))
    assert found.table["images"].is_monotonic_decreasing
    for number, images in enumerate(found.table["images"]):
        same = rows_at(found, run, [number])
        assert len(same) == images
        assert (signs[np.array(same) - 100] == signs[same[0] - 100]).all()
        assert found.table["row"][number] in same


def test_codes_of_one_group_lie_nearer_to_each_other_than_to_the_other_group():
    found = read_map(run_of(two_groups(120)))

    places = found.table[["x", "y"]].to_numpy()
    assert places.min() == 0
    assert places.max() == 1
    is_first = found.codes.signs().sum(axis=1) > 0
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    within = apart[is_first][:, is_first].mean(), apart[~is_first][:, ~is_first].mean()
    assert apart[is_first][:, ~is_first].mean() > 1.5 * max(within)


def test_the_map_is_the_same_at_every_call():
    run = run_of(random_signs(80))
    assert read_map(run).table.equals(read_map(run).table)


def test_of_many_codes_a_random_sample_and_always_the_fullest(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(code_map, "MOST_CODES", 10)
    signs = random_signs(200)
    signs[150:153] = signs[150]

    found = read_map(run_of(signs))

    assert len(found.table) == 10
    assert found.n_distinct == 198
    assert found.table["images"].tolist() == [3] + 9 * [1]
    assert (found.bucket >= 0).sum() == found.n_images == 12
    firsts = found.table["row"].to_numpy()[1:] - 100
    assert firsts.std() > 30  # not the first ten of the database


@pytest.mark.parametrize("n", [1, 2, 4])
def test_a_handful_of_codes_is_placed_without_tsne(n: int):
    table = read_map(run_of(random_signs(n))).table
    assert table["x"].is_unique
    assert table[["x", "y"]].stack().between(0, 1).all()


def test_the_picture_of_a_code_is_of_the_label_that_most_of_its_images_have():
    signs = np.ones((4, 8), int)
    labels = np.array([[0, 1], [1, 0], [1, 0], [0, 0]], bool)

    table = read_map(run_of(signs, labels)).table

    assert table.to_dict("records") == [
        {"x": 0.5, "y": 0.5, "images": 4, "row": 101, "label": "cat", "purity": 0.5}
    ]


def test_without_labels_there_are_no_names_and_no_links():
    signs = np.stack([np.ones(8, int), np.where(np.arange(8) < 1, -1, 1)])
    for labels in (None, np.zeros((2, 2), bool)):
        found = read_map(run_of(signs, labels))
        assert (found.table["purity"] == 0).all()
        assert set(found.table["label"]) == ({""} if labels is None else {"no label"})
        assert len(found.links()) == 0


def test_links_join_codes_within_two_bits_that_are_mostly_of_one_label():
    signs = random_signs(40, bits=6, seed=2)
    labels = np.eye(2, dtype=bool)[np.random.default_rng(3).integers(0, 2, 40)]

    found = read_map(run_of(signs, labels))

    own = found.codes.signs()
    expected = {
        (a, b)
        for a in range(len(own))
        for b in range(a + 1, len(own))
        if (own[a] != own[b]).sum() <= 2 and found.table["label"][a] == found.table["label"][b]
    }
    assert expected
    assert {(int(a), int(b)) for a, b in found.links()} == expected


def test_a_code_is_placed_at_itself_or_between_the_nearest():
    found = read_map(run_of(two_groups(120)))
    on_it = HashCodes(found.codes.packed[5:6], 24)
    assert found.place(on_it) == tuple(found.table.loc[5, ["x", "y"]])

    signs = found.codes.signs()[0:1].astype(np.float32)
    signs[0, :5] *= -1
    new = HashCodes.from_relaxed(signs)
    assert new.hamming(found.codes).min() > 0
    nearest = np.argsort(new.hamming(found.codes)[0], kind="stable")[:3]
    expected = found.table.iloc[nearest][["x", "y"]].mean()
    assert found.place(new) == pytest.approx(tuple(expected))
