"""Words for parts of a split are recognised with what people write around them, and only then."""

from __future__ import annotations

import pytest

from pipeline.ingest.split_words import numbered_splits, split_word, splits_of


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("Training", "train"),
        ("TRAIN", "train"),
        ("seg_train", "train"),
        ("train2017", "train"),
        ("TrainSet", "train"),
        ("images-test", "query"),
        ("test_2", "query"),
        ("valid", "held out"),
        ("val_v2", "held out"),
        ("gallery", "database"),
        ("tset", ""),
        ("unseen", ""),
        ("trains", ""),
        ("latest", ""),
        ("train_test", ""),
        ("0", ""),
        ("", ""),
    ],
)
def test_a_word_counts_with_signs_and_digits_around_it(name: str, split: str) -> None:
    assert split_word(name) == split


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["seg_train", "seg_test", "seg_pred"], ["train", "query", ""]),
        (["train", "valid", "test"], ["train", "held out", "query"]),
        (["birds_train", "birds_test"], ["train", "query"]),
        (["train_images", "test_labels"], ["train", "query"]),
        (["train"], ["train"]),
        (["tr", "te"], ["train", "query"]),
        (["imagesTr", "imagesTs"], ["train", "query"]),
        (["train", "bus", "car"], ["", "", ""]),
        (["train", "test tubes"], ["", ""]),
        (["photo of a train", "photo of a cat"], ["", ""]),
        (["train station", "gas station"], ["", ""]),
    ],
)
def test_names_beside_each_other_are_parts_when_they_are_equal_otherwise(
    names: list[str], splits: list[str]
) -> None:
    assert list(splits_of(names).values()) == splits


@pytest.mark.parametrize(
    ("column", "cells", "meaning"),
    [
        ("partition", "0 0 1 2", {"0": "train", "1": "held out", "2": "query"}),
        ("is_train", "1 1 0", {"1": "train", "0": "query"}),
        ("is_test", "0.0 0.0 1.0", {"1.0": "query", "0.0": "train"}),
        ("is_test", "False False True", {"True": "query", "False": "train"}),
        ("is_valid", "TRUE FALSE", {"TRUE": "held out", "FALSE": "train"}),
        ("split", "1 1 1 0", {"1": "train", "0": "query"}),
        ("split", "0 0 1", {"0": "train", "1": "query"}),
        ("split", "0 1", {}),
        ("fold", "0 1 2 3", {}),
        ("split", "train test", {}),
    ],
)
def test_numbers_are_parts_where_their_meaning_is_known(
    column: str, cells: str, meaning: dict[str, str]
) -> None:
    assert numbered_splits(column, cells.split()) == meaning
