"""Words for the parts of a split, in the names of folders, files and in cells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_WORDS = {
    "train": ("train", "training", "trainval", "trainset", "trn", "tr"),
    "held out": ("val", "validation", "valid", "dev", "valset", "heldout"),
    "query": (
        "test",
        "testing",
        "eval",
        "evaluation",
        "query",
        "queries",
        "testset",
        "tst",
        "te",
        "ts",
    ),
    "database": ("database", "gallery", "db", "retrieval"),
}
_NUMBERS = {"0": "0", "1": "1", "2": "2", "false": "0", "true": "1", "no": "0", "yes": "1"}
_SPLIT_OF = {word: split for split, words in _WORDS.items() for word in words}
# fmt: off
# What names of label files and folders say beside their part, without a topic of their own.
_NEUTRAL = frozenset(
    (
        "annotation", "annotations", "caption", "captions", "class", "classes", "cls", "coco",
        "csv", "data", "dataset", "file", "files", "final", "gt", "image", "images", "img",
        "imgs", "index", "info", "instances", "jpg", "keypoints", "label", "labels", "list",
        "lists", "meta", "metadata", "of", "panoptic", "part", "person", "photos", "pictures",
        "png", "set", "sets", "split", "splits", "stuff", "subset", "voc"
    )
)
# fmt: on


def split_word(name: str) -> str:
    """The part of a split that a name is a word for, up to digits and words around it.

    `held out` (validation) becomes the query set where there is no test part, else database.

    Example:
        >>> split_word("seg_train"), split_word("test_2"), split_word("tset"), split_word("bus")
        ('train', 'query', '', '')
    """
    splits = {_SPLIT_OF[word] for word in _words(name) if word in _SPLIT_OF}
    return splits.pop() if len(splits) == 1 else ""


def splits_of(names: Iterable[str]) -> dict[str, str]:
    """The part that each of several names beside each other stands for; empty for none.

    Names with such words are parts of one split when they are equal otherwise: `birds_train` and
    `birds_test` are, `train` beside `test tubes` is not. Names without such a word stand for no
    part; beside them a single word, such as `train` beside `bus` and `car`, is none either.

    Example:
        >>> splits_of(["seg_train", "seg_test", "seg_pred"])
        {'seg_train': 'train', 'seg_test': 'query', 'seg_pred': ''}
        >>> splits_of(["train", "test tubes"])
        {'train': '', 'test tubes': ''}
    """
    split = {name: split_word(name) for name in names}
    worded = [name for name in split if split[name]]
    topics = {_topic(name) for name in worded}
    n_parts = len({split[name] for name in worded})
    is_all = len(worded) == len(split) and topics == {""}
    is_split = len(topics) == 1 and (n_parts > 1 or is_all)
    return split if is_split else dict.fromkeys(split, "")


def numbered_splits(column: str, cells: Iterable[str]) -> dict[str, str]:
    """The part of each cell in a column of 0 and 1, or 0, 1 and 2; empty when it is not known.

    With three numbers it is train, validation and test. With two a column called after one part,
    such as `is_train`, has 1 or true for that part; in any other the number of more images trains.

    Example:
        >>> numbered_splits("is_test", ["0", "0", "1"])
        {'0': 'train', '1': 'query'}
    """
    cells = list(cells)
    numbers = {cell: _NUMBERS.get(cell.casefold().removesuffix(".0"), "") for cell in cells}
    counts = Counter(numbers[cell] for cell in cells)
    meaning = _meaning(column, counts)
    return {cell: meaning[number] for cell, number in numbers.items()} if meaning else {}


def _meaning(column: str, counts: Counter[str]) -> dict[str, str]:
    if set(counts) == {"0", "1", "2"}:
        return {"0": "train", "1": "held out", "2": "query"}
    if set(counts) != {"0", "1"}:
        return {}
    named = split_word(column)
    if named == "train":
        return {"1": "train", "0": "query"}
    if named:
        return {"1": named, "0": "database" if named == "database" else "train"}
    if counts["0"] == counts["1"]:
        return {}
    larger = max(counts, key=counts.__getitem__)
    return {larger: "train", "0" if larger == "1" else "1": "query"}


def _words(name: str) -> list[str]:
    """Words of a name in lower case, where case, digits and signs divide them."""
    return [word.lower() for word in re.findall(r"[^\W\d_]?[^\WA-Z\d_]+|[A-Z]+", name)]


def _topic(name: str) -> str:
    """What a name says beside a part of a split."""
    return " ".join(w for w in _words(name) if w not in _SPLIT_OF and w not in _NEUTRAL)
