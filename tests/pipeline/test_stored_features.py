"""Stored features are read without their network, and never those of another one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.backbones.registry import load_backbone
from pipeline.datasets.dataset import KEY_BYTES, RetrievalDataset
from pipeline.features import FeatureCache
from pipeline.settings import Settings
from pipeline.stored_features import AboutFeatures, FeaturesMissing, StoredFeatures, find_stored
from tests.factories import python


def test_features_are_found_by_the_name_of_their_backbone(
    own_library: Settings, shapes: RetrievalDataset
) -> None:
    expected = FeatureCache(load_backbone("tiny"), own_library).get(shapes)

    stored = find_stored("tiny", own_library)

    assert stored is not None
    rows = np.array([3, 0, 7])
    assert np.array_equal(stored.read(shapes, rows), expected[rows])
    assert np.array_equal(stored.read(shapes, np.arange(4)), expected[:4])
    assert find_stored("efficientnet_lite0", own_library) is None


def test_two_folders_of_one_backbone_leave_it_open_whose_features_are_meant(
    own_library: Settings,
) -> None:
    other = StoredFeatures(own_library.features_path / "tiny-other", 64)
    other.folder.mkdir()
    other.describe(AboutFeatures(backbone="tiny", dim=64))

    assert find_stored("tiny", own_library) is None


def test_views_and_damaged_notes_are_passed_over(own_library: Settings) -> None:
    FeatureCache(load_backbone("tiny"), own_library, view=1)
    (own_library.features_path / "torn").mkdir()
    (own_library.features_path / "torn" / "about.json").write_text("{", "utf-8")

    assert find_stored("tiny", own_library) is not None


def test_images_without_features_are_counted(
    own_library: Settings, shapes: RetrievalDataset
) -> None:
    stored = find_stored("tiny", own_library)
    assert stored is not None
    content = stored.keys_path.read_bytes()
    stored.keys_path.write_bytes(content[:-64])

    with pytest.raises(FeaturesMissing, match="2 of 40 images have no stored features"):
        stored.read(shapes, np.arange(len(shapes)))


def test_reading_needs_no_torch(own_library: Settings) -> None:
    script = """
import sys
from pathlib import Path
import pipeline.index.ordering
from pipeline.settings import Settings
from pipeline.stored_features import find_stored
assert find_stored("tiny", Settings(home=Path(sys.argv[1]))) is not None
"""
    child = python(script.replace("import pipeline.index.ordering\n", ""), own_library.home)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors


def test_rows_are_found_by_whole_keys_also_where_beginnings_agree(tmp_path: Path) -> None:
    """Keys that share their first 8 bytes, in any order, beside others."""
    rng = np.random.default_rng(0)
    keys = rng.integers(0, 256, (50, KEY_BYTES), np.uint8)
    keys[10:20, :8] = keys[10, :8]
    keys[30, 8:] = keys[10, 8:]
    stored = StoredFeatures(tmp_path, 3)
    stored.replace_with(np.arange(150, dtype=np.float32).reshape(50, 3), keys)
    absent = keys[12].copy()
    absent[31] ^= 1

    places = stored.find(np.concatenate([keys[::-1], absent[None]]))

    assert places.tolist() == [*range(49, -1, -1), -1]
    assert np.array_equal(stored.keys, keys)


def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    stored = StoredFeatures(tmp_path, 3)

    assert len(stored) == 0
    assert stored.find(np.ones((2, KEY_BYTES), np.uint8)).tolist() == [-1, -1]
    assert stored.find(np.ones((0, KEY_BYTES), np.uint8)).tolist() == []


def rows_of(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    return rng.random((n, 4), np.float32), rng.integers(0, 256, (n, KEY_BYTES), np.uint8)


def test_a_flipped_byte_is_told_by_its_row(tmp_path: Path) -> None:
    stored = StoredFeatures(tmp_path, 4)
    rows, keys = rows_of(20)
    stored.cut()
    stored.append(rows[:12], keys[:12])
    stored.append(rows[12:], keys[12:])
    assert stored.damaged().tolist() == []

    for row in (3, 17):
        content = bytearray(stored.rows_path.read_bytes())
        content[16 * row + 5] ^= 1
        stored.rows_path.write_bytes(content)

    assert stored.damaged().tolist() == [3, 17]


def test_rows_of_earlier_versions_get_their_sums_when_others_come(tmp_path: Path) -> None:
    stored = StoredFeatures(tmp_path, 4)
    rows, keys = rows_of(20)
    stored.append(rows[:12], keys[:12])
    (tmp_path / "rows.crc32").unlink()
    assert stored.damaged().tolist() == []

    stored.cut()
    stored.append(rows[12:], keys[12:])

    assert (tmp_path / "rows.crc32").stat().st_size == 4 * 20
    assert stored.damaged().tolist() == []
    assert np.array_equal(stored.at(stored.find(keys)), rows)


@pytest.mark.parametrize("torn", ["rows.f32", "rows.crc32"])
def test_what_a_kill_has_left_is_cut_off(tmp_path: Path, torn: str) -> None:
    stored = StoredFeatures(tmp_path, 4)
    rows, keys = rows_of(9)
    stored.append(rows[:5], keys[:5])
    with (tmp_path / torn).open("ab") as file:
        file.write(b"x" * 21)

    stored.cut()
    stored.append(rows[5:], keys[5:])

    assert np.array_equal(stored.at(stored.find(keys)), rows)
    assert stored.damaged().tolist() == []


def test_replaced_rows_have_sums_of_their_own(tmp_path: Path) -> None:
    stored = StoredFeatures(tmp_path, 4)
    rows, keys = rows_of(9)
    stored.append(rows[:5], keys[:5])

    stored.replace_with(rows, keys)

    assert stored.damaged().tolist() == []
    assert (tmp_path / "rows.crc32").stat().st_size == 4 * 9
