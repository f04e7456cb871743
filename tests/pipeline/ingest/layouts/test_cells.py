"""Cells of a label column: every form that people write gives the labels they mean."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.layouts.cell_values import has_class, is_binary
from pipeline.ingest.layouts.cells import read_labels

HOT = [("class 0", "class 2"), ("class 1",), (), ("class 0", "class 1", "class 2")]
VECTORS: dict[str, list[object]] = {
    "json": ["[1, 0, 1]", "[0, 1, 0]", "[0,0,0]", "[1,1,1]"],
    "commas": ["1,0,1", "0,1,0", "0,0,0", "1,1,1"],
    "blanks": ["1 0 1", "0 1 0", "0 0 0", "1 1 1"],
    "numpy floats": ["[1. 0. 1.]", "[0. 1. 0.]", "[0. 0. 0.]", "[1. 1. 1.]"],
    "floats": ["1.0,0.0,1.0", "0.0,1.0,0.0", "0.0,0.0,0.0", "1.0,1.0,1.0"],
    "minus one": ["[1, -1, 1]", "[-1, 1, -1]", "[-1, -1, -1]", "[1, 1, 1]"],
    "minus one, bare": ["1 -1 1", "-1 1 -1", "-1 -1 -1", "1 1 1"],
    "tuples": ["(1, 0, 1)", "(0, 1, 0)", "(0, 0, 0)", "(1, 1, 1)"],
    "quoted": ["['1', '0', '1']", "['0', '1', '0']", "['0', '0', '0']", "['1', '1', '1']"],
    "tensors": [f"tensor([{v}])" for v in ("1, 0, 1", "0, 1, 0", "0, 0, 0", "1, 1, 1")],
    "tensors on a device": [
        f"tensor([{v}], device='cuda:0', dtype=torch.uint8)"
        for v in ("1, 0, 1", "0, 1, 0", "0, 0, 0", "1, 1, 1")
    ],
    "array reprs": [
        f"array([{v}], dtype=float32)" for v in ("1., 0., 1.", "0., 1., 0.", "0,0,0", "1,1,1")
    ],
    "scalars": [
        f"[{', '.join(f'np.int64({n})' for n in v)}]" for v in ("101", "010", "000", "111")
    ],
    "exponents": ["1.000e+00 0.000e+00 1.000e+00", "0e0 1e0 0e0", "0e0 0e0 0e0", "1e0 1e0 1e0"],
    "words": [
        "[True, False, True]",
        "[false, true, false]",
        "No,No,No",
        "[ True  True  True]",
    ],
    "nested": ["[[1, 0, 1]]", "[[0, 1, 0]]", "[[0, 0, 0]]", "[[1, 1, 1]]"],
    "braces": ["{1,0,1}", "{0,1,0}", "{0,0,0}", "{1,1,1}"],
    "underscores": ["1_0_1", "0_1_0", "0_0_0", "1_1_1"],
    "digits": ["101", "010", "000", "111"],
    "bars": ["1|0|1", "0|1|0", "0|0|0", "1|1|1"],
    "lists": [[1, 0, 1], [0, 1, 0], [0, 0, 0], [1, 1, 1]],
    "arrays": [np.array(v) for v in ([1.0, 0, 1], [0, 1.0, 0], [0.0, 0, 0], [1.0, 1, 1])],
    "booleans": [[True, False, True], [False, True, False], [False] * 3, [True] * 3],
}


@pytest.mark.parametrize("cells", VECTORS.values(), ids=VECTORS)
def test_vectors_of_one_length_are_one_hot(cells: list[object]) -> None:
    made = read_labels(cells, "label")

    assert made.names == HOT
    assert made.is_multi
    assert "one-hot over 3 classes" in made.notes[0]


def test_vectors_get_the_names_of_as_many_classes() -> None:
    made = read_labels(["1 0", "0 1"], "label", classes={0: "cat", 1: "dog"})
    counted_from_one = read_labels(["1 0", "0 1"], "label", classes={1: "cat", 2: "dog"})
    other = read_labels(["1 0", "0 1"], "label", classes={0: "cat", 1: "dog", 2: "cow"})

    assert made.names == counted_from_one.names == [("cat",), ("dog",)]
    assert made.uses_classes
    assert other.names == [("class 0",), ("class 1",)]
    assert not other.uses_classes


@pytest.mark.parametrize(
    ("cells", "classes", "names"),
    [
        (["0", "1"], {0: "cat", 1: "dog"}, [("cat",), ("dog",)]),
        (["[0, 1]", "[1]"], {0: "cat", 1: "dog"}, [("cat", "dog"), ("dog",)]),
        (["1", "2"], {0: "cat", 1: "dog"}, [("cat",), ("dog",)]),
        (["1", "7"], {1: "cat", 7: "dog"}, [("cat",), ("dog",)]),
        (["1", "7"], {0: "cat", 1: "dog"}, [("1",), ("7",)]),
        (["cat", "1"], {0: "cat", 1: "dog"}, [("cat",), ("1",)]),
    ],
)
def test_class_numbers_get_names_where_all_have_one(
    cells: list[str], classes: dict[int, str], names: list[tuple[str, ...]]
) -> None:
    assert read_labels(cells, "label", classes=classes).names == names


def test_a_row_without_a_vector_has_no_label() -> None:
    assert read_labels(["1 0", "", "0 1"], "label").names == [("class 0",), (), ("class 1",)]


PETS = [("cat", "dog"), ("dog",), ()]
LISTS: dict[str, list[object]] = {
    "python": ["['cat', 'dog']", "['dog']", "[]"],
    "json": ['["cat", "dog"]', '["dog"]', "[]"],
    "tuple": ["('cat', 'dog')", "('dog',)", "()"],
    "set": ["{'cat', 'dog'}", "{'dog'}", "[]"],
    "numpy": ["['cat' 'dog']", "['dog']", "[]"],
    "array reprs": ["array(['cat', 'dog'], dtype=object)", "array(['dog'], dtype='<U3')", "[]"],
    "string scalars": ["[np.str_('cat'), np.str_('dog')]", "[np.str_('dog')]", "[]"],
    "index reprs": ["Index(['cat', 'dog'], dtype='object')", "Index(['dog'])", "[]"],
    "bare": ["[cat, dog]", "[dog]", "[]"],
    "smart quotes": ["[‘cat’, ‘dog’]", "[“dog”]", "[]"],
    "braces": ["{cat,dog}", "{dog}", "{}"],
    "label studio": ['{"choices":["cat","dog"]}', "dog", ""],
    "flags": ['{"cat": 1, "dog": 1}', '{"cat": 0, "dog": 1}', '{"cat": 0, "dog": 0}'],
    "regions": [
        '[{"x": 1, "rectanglelabels": ["cat"]}, {"rectanglelabels": ["dog"]}]',
        '[{"x": 1, "rectanglelabels": ["dog"]}]',
        "[]",
    ],
    "hugging face": [
        {"bbox": [[1, 2]], "category": ["cat", "dog"]},
        {"bbox": [], "category": ["dog"]},
        {"bbox": [], "category": []},
    ],
    "values": [["cat", "dog"], ["dog"], None],
}


@pytest.mark.parametrize("cells", LISTS.values(), ids=LISTS)
def test_lists_give_each_of_their_names(cells: list[object]) -> None:
    made = read_labels(cells, "label")

    assert [tuple(sorted(names)) for names in made.names] == PETS
    assert made.is_multi


def test_lists_of_class_numbers_are_no_vectors() -> None:
    assert read_labels(["[3, 17]", "[3]", "[0]"], "label").names == [("3", "17"), ("3",), ("0",)]
    assert read_labels(["3,17", "3", "0"], "label").names == [("3", "17"), ("3",), ("0",)]
    assert read_labels(["[3 17]", "[3]", "[]"], "label").names == [("3", "17"), ("3",), ()]
    assert read_labels(["tensor([3, 17])", "tensor([])"], "label").names == [("3", "17"), ()]
    assert read_labels([[3, -1], [3, 5]], "label").names == [("3",), ("3", "5")]


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["0", "1", "-1", "nan", "NaN", ""], [("0",), ("1",), (), (), (), ()]),
        ([0, 1, -1, None, float("nan")], [("0",), ("1",), (), (), ()]),
        (["0.0", "1.0", "-1.0"], [("0",), ("1",), ()]),
        (["-1", "1"], [("-1",), ("1",)]),
        (["-1", "cat"], [(), ("cat",)]),
        (["cat", "N/A", "none", "NULL", "?", "-", "unlabeled"], [("cat",), *[()] * 6]),
        (["cat\u200b", "cat"], [("cat",), ("cat",)]),
        (["1.5", "cat"], [("1.5",), ("cat",)]),
        ([" cat ", "cat"], [("cat",), ("cat",)]),
    ],
)
def test_single_labels_and_what_is_none(cells: list[object], names: list[tuple[str, ...]]) -> None:
    made = read_labels(cells, "label")

    assert made.names == names
    assert not made.is_multi


def test_cells_that_give_no_label_are_counted() -> None:
    notes = read_labels(["0", "1", "-1", "-1", "nan"], "label").notes

    assert "'-1' 2" in " ".join(notes)
    assert "'nan' 1" in " ".join(notes)


@pytest.mark.parametrize(
    ("column", "cells", "separator", "names"),
    [
        ("label", ["cat|dog", "dog"], "", [("cat", "dog"), ("dog",)]),
        ("label", ["cat; dog", "dog"], "", [("cat", "dog"), ("dog",)]),
        ("label", ["cat,dog", "dog", "cat"], "", [("cat", "dog"), ("dog",), ("cat",)]),
        ("label", ["Paris, France", "Lyon, France"], "", [("Paris, France",), ("Lyon, France",)]),
        ("tags", ["a b", "a", "b"], "", [("a", "b"), ("a",), ("b",)]),
        ("tags", ["c s", "h s", "h"], "", [("c", "s"), ("h", "s"), ("h",)]),
        ("tags", ["hot dog", "cat"], "", [("hot dog",), ("cat",)]),
        ("label", ["red apple", "red", "apple"], "", [("red apple",), ("red",), ("apple",)]),
        ("what", ["a/b", "b"], "/", [("a", "b"), ("b",)]),
        ("label", ["cat|cat"], "", [("cat",)]),
    ],
)  # fmt: skip
def test_text_is_divided_where_that_is_meant(
    column: str, cells: list[str], separator: str, names: list[tuple[str, ...]]
) -> None:
    assert read_labels(cells, column, separator).names == names


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["[0.2, 0.8]", "[0.5, 0.5]"], "vectors of other numbers than 0 and 1"),
        (['{"box": [1, 2]}'], "holds objects with box"),
        (["[1 0 0 ... 0 1 0]"], "cut off"),
        (["[[1, 2, 3, 4], [5, 6, 7, 8]]"], "lists of lists of numbers"),
    ],
)
def test_cells_that_are_no_labels_are_refused(cells: list[str], reason: str) -> None:
    with pytest.raises(DatasetError, match=reason):
        read_labels(cells, "label")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["0", "1"], True),
        (["-1", "1"], True),
        (["0.0", "1.0", ""], True),
        ([True, False], True),
        (["-1", "0", "1"], True),
        (["0"] * 2000 + ["2"], False),
        (["", ""], False),
        (["yes", "No", ""], True),
        (["x", ""], True),
        (["+1", "-1"], True),
        (["1.0e+00", "0.0e+00"], True),
        (["cat", "1"], False),
    ],
)
def test_columns_of_one_class_are_told_by_all_their_cells(
    cells: list[object], expected: bool
) -> None:
    assert is_binary(cells) == expected


def test_only_one_means_that_an_image_has_the_class() -> None:
    assert [has_class(cell) for cell in ("1", "1.0", 1, True, "0", "-1", "", None)] == [
        *[True] * 4,
        *[False] * 4,
    ]
