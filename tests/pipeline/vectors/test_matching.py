"""Which image each vector is of."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipeline.datasets.dataset import DatasetError, RetrievalDataset
from pipeline.vectors.matching import by_id, by_order, id_text


def dataset(*names: str) -> RetrievalDataset:
    """Images called so; nothing else of them matters."""
    facts = type("Facts", (), {"name": "pets"})()
    manifest = pd.DataFrame({"image_id": names, "path": [f"ab/{n}.png" for n in range(len(names))]})
    return RetrievalDataset(facts, manifest, Path())


TWO = dataset("train/a.jpg", "test/b.jpg")


@pytest.mark.parametrize(
    ("ids", "way"),
    [
        (["test/b.jpg", "train/a.jpg"], ""),
        (["test\\b.jpg", "train\\a.jpg"], "root"),
        (["C:\\data\\pets\\test\\b.jpg", "C:\\data\\pets\\train\\a.jpg"], "root"),
        (["/mnt/x/pets/test/b.jpg", "/mnt/x/pets/train/a.jpg"], "root"),
        (["./test/b.jpg", "./train/a.jpg"], "root"),
        (["file:///x/test/b.jpg", "file:///x/train/a.jpg"], "root"),
        (["https://h/x/test/b.jpg?t=1", "https://h/x/train/a.jpg?t=1"], "root"),
        (["b.jpg", "a.jpg"], "root"),
        (["b", "a"], "root"),
        (["test/b.JPG", "train/a.JPG"], "case of the suffix"),
        (["test/b.png", "train/a.png"], "another suffix"),
    ],
)
def test_ids_are_found_however_they_are_written(ids, way) -> None:
    matched = by_id(ids, TWO)

    assert matched.rows.tolist() == [1, 0]
    assert any(way in note for note in matched.notes)
    assert not len(matched.lacking)


def test_accents_and_numbers_are_the_same_in_any_spelling() -> None:
    assert by_id(["cafe\u0301.jpg"], dataset("caf\u00e9.jpg")).rows.tolist() == [0]
    assert by_id(["7", "8"], dataset("0008.png", "0007.png")).rows.tolist() == [1, 0]
    assert id_text(7.0) == id_text(b"7") == id_text(" 7 ") == "7"


def test_what_is_of_no_image_and_what_lacks_a_vector_is_said() -> None:
    matched = by_id(["train/a.jpg", "train/z.jpg"], TWO)

    assert matched.unknown == ("train/z.jpg",)
    assert matched.lacking.tolist() == [1]
    assert any(
        "1 vector of no image of the data set, left out: train/z.jpg" in n for n in matched.notes
    )


def test_another_folder_is_another_image_beside_matches_of_its_own_kind() -> None:
    images = dataset("train/1.jpg", "train/2.jpg")

    matched = by_id(["train/1.jpg", "test/2.jpg"], images)

    assert matched.rows.tolist() == [0]
    assert matched.unknown == ("test/2.jpg",)
    assert by_id(["test/1.jpg", "test/2.jpg"], images).rows.tolist() == [0, 1]  # renamed


def test_an_id_in_full_comes_before_one_that_only_ends_so() -> None:
    assert by_id(["a.jpg", "x/a.jpg"], dataset("a.jpg")).unknown == ("x/a.jpg",)


@pytest.mark.parametrize(
    ("ids", "images", "reason"),
    [
        (["a", "a"], TWO, "ids that occur more than once: 1, such as a"),
        (["a", ""], TWO, "ids are missing for 1 of 2 vectors"),
        (["x.jpg", "y.jpg"], TWO, "no id is of an image of 'pets': the ids are like x.jpg, y.jpg"),
        (["x/a.jpg", "y/a.jpg"], dataset("a.jpg"), "x/a.jpg, y/a.jpg all fall on the image a.jpg"),
    ],
)
def test_ids_that_are_not_one_to_one_are_refused(ids, images, reason) -> None:
    with pytest.raises(DatasetError, match=reason):
        by_id(ids, images)


def test_a_name_alone_that_several_images_have_is_not_guessed() -> None:
    with pytest.raises(DatasetError, match="no id is of an image"):
        by_id(["1.jpg"], dataset("x/1.jpg", "y/1.jpg"))


def test_order_counts_where_there_are_no_ids_and_as_many() -> None:
    matched = by_order(2, TWO)

    assert matched.rows.tolist() == [0, 1]
    assert "the first vector for train/a.jpg, the last for test/b.jpg" in matched.notes[0]
    with pytest.raises(DatasetError, match="3 vectors without ids, and 'pets' has 2 images"):
        by_order(3, TWO)
