"""Splits: disjoint, stratified, whole groups, reproducible, and refused where they do not fit."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.datasets.dataset import DatasetError, DatasetInfo, LabelSet, RetrievalDataset
from pipeline.datasets.protocols import PROTOCOLS, Protocol
from pipeline.datasets.split import (
    Split,
    check_split,
    first_labels,
    make_split,
    sample_by_class,
    trainable_unlabelled,
)

HOLDOUT = PROTOCOLS["holdout"]


def dataset_of(labels, groups=None, splits=None, name="things"):
    """A data set of images that exist on paper only; labels are lists of class names."""
    n = len(labels)
    ids = [f"image {row}" for row in range(n)]
    manifest = pd.DataFrame(
        {
            "image_id": ids,
            "sha256": [f"{row:064x}" for row in range(n)],
            "group": groups or ids,
            "split": splits or [""] * n,
            "labels:class": labels,
        }
    )
    classes = tuple(sorted({name for own in labels for name in own}))
    info = DatasetInfo(
        name=name,
        title=name,
        summary="",
        licence="",
        attribution="",
        default_protocol="holdout",
        label_sets=(LabelSet(name="class", kind="multi", classes=classes),),
        n=n,
        n_problems=0,
        fingerprint="",
        created="",
    )
    return RetrievalDataset(info, manifest, Path())


def split_of(dataset, protocol=HOLDOUT, seed=0):
    return make_split(dataset, protocol, dataset.label_set(), seed)


def per_class(query_size, train=None, *, inside=True):
    return Protocol(
        name="test",
        summary="Of this test.",
        queries="per_class",
        query_size=query_size,
        train_per_class=train,
        train_in_database=inside,
    )


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.sampled_from(["a", "b", "c", ""]), min_size=20, max_size=80),
    st.integers(0, 99),
    st.integers(1, 8),
)
def test_no_query_its_group_or_an_unlabelled_image_is_on_both_sides(names, seed, n_groups):
    labels = [[name] if name else [] for name in names]
    groups = [f"group {row % (5 * n_groups)}" for row in range(len(names))]
    dataset = dataset_of(labels, groups)
    try:
        split = split_of(dataset, seed=seed)
    except DatasetError as error:
        assert "is empty" in str(error)  # so few images that none was drawn
        return

    sides = (split.query, split.database)
    of = np.array(groups)
    assert not {*of[split.query]} & {*of[split.database]}
    assert sorted(np.concatenate(sides)) == [row for row, name in enumerate(names) if name]
    assert np.array_equal(split.train, split.database)
    assert all(np.array_equal(np.sort(rows), rows) for rows in sides)


def test_every_class_gives_its_share_of_queries():
    """A fifth of 100, 50 and 25 is 20, 10 and 5; exact, as nothing is left to round."""
    dataset = dataset_of([["a"]] * 100 + [["b"]] * 50 + [["c"]] * 25)

    split = split_of(dataset)

    counts = dataset.labels(dataset.label_set())[split.query].sum(axis=0)
    assert counts.tolist() == [20, 10, 5]


def test_small_classes_get_their_share_on_average():
    """300 classes of 2: an expected share of 0.4 images each, 120 in all, never all or none."""
    dataset = dataset_of([[f"class {row // 2}"] for row in range(600)])

    n_queries = len(split_of(dataset).query)

    assert 80 < n_queries < 160


def test_there_are_never_more_than_a_thousand_queries():
    dataset = dataset_of([[f"class {row % 97}"] for row in range(6000)])

    sizes = [len(split_of(dataset, seed=seed).query) for seed in range(6)]

    assert all(950 < size <= 1000 for size in sizes)


def test_equal_seeds_give_equal_splits_and_others_do_not():
    dataset = dataset_of([["a"], ["b"]] * 50)

    first, second, other = (split_of(dataset, seed=seed) for seed in (4, 4, 5))

    assert np.array_equal(first.query, second.query)
    assert not np.array_equal(first.query, other.query)


def test_a_number_of_queries_and_training_images_per_class():
    dataset = dataset_of([["a"]] * 30 + [["b"]] * 40)

    split = split_of(dataset, per_class(5, train=10))

    labels = dataset.labels(dataset.label_set())
    assert labels[split.query].sum(axis=0).tolist() == [5, 5]
    assert labels[split.train].sum(axis=0).tolist() == [10, 10]
    assert len(split.database) == 60
    assert set(split.train) <= set(split.database)


def test_training_images_can_be_kept_out_of_the_database():
    dataset = dataset_of([["a"]] * 30 + [["b"]] * 40)

    split = split_of(dataset, per_class(5, train=10, inside=False))

    assert len(split.database) == 40
    assert not set(split.train) & set(split.database)


def test_a_class_that_is_too_small_is_named():
    with pytest.raises(DatasetError, match="more than 5 images per class, 'b' has 5"):
        split_of(dataset_of([["a"]] * 9 + [["b"]] * 5), per_class(5))


GIVEN = ["query"] * 3 + ["database"] * 4 + ["train"] * 5 + [""] * 2


def test_the_given_split_is_taken_as_it_is():
    split = split_of(dataset_of([["a"]] * 14, splits=GIVEN), PROTOCOLS["given"])

    assert split.query.tolist() == [0, 1, 2]
    assert split.database.tolist() == list(range(3, 12))
    assert split.train.tolist() == list(range(7, 12))


def test_without_a_given_training_part_the_database_trains():
    splits = ["query"] * 3 + ["database"] * 6

    split = split_of(dataset_of([["a"]] * 9, splits=splits), PROTOCOLS["given"])

    assert np.array_equal(split.train, split.database)


def test_a_given_split_that_is_not_there_is_explained():
    with pytest.raises(DatasetError, match="without a split; use the protocol 'holdout'"):
        split_of(dataset_of([["a"]] * 9), PROTOCOLS["given"])


@pytest.mark.parametrize("protocol", [PROTOCOLS["given"], PROTOCOLS["cifar10-50k-5k"]])
def test_a_given_split_without_a_database_is_refused(protocol):
    dataset = dataset_of([["a"]] * 9, splits=["query"] * 9, name="cifar10")

    with pytest.raises(DatasetError, match="the database set of 'cifar10' is empty"):
        split_of(dataset, protocol)


def test_a_given_split_with_one_group_on_both_sides_is_refused():
    groups = ["same" if row in (0, 8) else f"{row}" for row in range(14)]

    with pytest.raises(DatasetError, match=r"1 images are queries and in .* \(same group\).* same"):
        split_of(dataset_of([["a"]] * 14, groups, GIVEN), PROTOCOLS["given"])


def test_overlap_is_refused():
    dataset = dataset_of([["a"]] * 6)
    rows = np.arange(6)

    with pytest.raises(DatasetError, match="same sha256"):
        check_split(dataset, Split(rows[:2], rows[1:], rows[3:]))
    with pytest.raises(DatasetError, match="same sha256"):  # training on a query, hidden elsewhere
        check_split(dataset, Split(rows[:2], rows[2:], rows[1:]))


def test_without_labels_everything_is_split():
    dataset = dataset_of([[]] * 50)

    split = make_split(dataset, HOLDOUT, None, seed=0)

    assert (len(split.query), len(split.database)) == (10, 40)


def test_labels_on_no_image_at_all_are_an_error_with_a_name():
    with pytest.raises(DatasetError, match="the query set of 'things' is empty"):
        split_of(dataset_of([[]] * 50))


def test_a_protocol_for_another_data_set_is_refused():
    with pytest.raises(DatasetError, match="'cifar10-59k' is for cifar10, not for things"):
        split_of(dataset_of([["a"]] * 50), PROTOCOLS["cifar10-59k"])


def unlabelled_that_train(dataset, protocol=HOLDOUT):
    labels = dataset.label_set()
    split = split_of(dataset, protocol)
    return trainable_unlabelled(dataset, protocol, labels, split, 0).tolist()


def test_images_without_a_label_may_train_where_the_whole_database_does():
    dataset = dataset_of([["a"], ["b"]] * 20 + [[]] * 3)

    assert unlabelled_that_train(dataset) == [40, 41, 42]
    assert unlabelled_that_train(dataset, per_class(2)) == [40, 41, 42]
    assert unlabelled_that_train(dataset, per_class(2, 5)) == []
    assert unlabelled_that_train(dataset, per_class(2, 5, inside=False)) == []
    assert unlabelled_that_train(dataset_of([["a"], ["b"]] * 20)) == []


def test_images_without_a_label_stay_out_of_training_beside_a_query_of_their_group():
    labels = [["a"], ["b"]] * 20 + [[]] * 2
    query = int(split_of(dataset_of(labels)).query[0])
    groups = [f"image {row}" for row in range(41)] + [f"image {query}"]

    assert unlabelled_that_train(dataset_of(labels, groups)) == [40]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (["query", "train", "database", "train", "database", "query", ""], [3]),
        (["query", "database", "database", "train", "database", "query", ""], [3, 4]),
    ],
)
def test_a_given_split_says_which_images_without_a_label_train(parts, expected):
    """The last four have none; where no labelled image is marked, the whole database trains."""
    dataset = dataset_of([["a"]] * 3 + [[]] * 4, splits=parts)

    assert unlabelled_that_train(dataset, PROTOCOLS["given"]) == expected


@pytest.mark.parametrize("most", [1, 7, 20, 59])
def test_a_sample_has_each_class_by_its_share(most: int) -> None:
    """40, 15 and 5 images of three classes; a sample is at most one image off each share."""
    labels = np.repeat(["a", "b", "c"], [40, 15, 5])
    rows = np.arange(60)

    drawn = sample_by_class(rows, labels, most, np.random.default_rng(1))

    assert len(drawn) == most
    assert np.array_equal(drawn, np.unique(drawn))
    for name, size in (("a", 40), ("b", 15), ("c", 5)):
        assert abs(np.count_nonzero(labels[drawn] == name) - most * size / 60) <= 1


@pytest.mark.parametrize("most", [0, 60, 100])
def test_no_more_than_there_are_are_all(most: int) -> None:
    rows = np.arange(0, 120, 2)

    drawn = sample_by_class(rows, np.full(120, "a"), most, np.random.default_rng(1))

    assert np.array_equal(drawn, rows)


def test_a_sample_is_drawn_from_its_rows_by_a_seed() -> None:
    rows, labels = np.arange(5, 95, 3), np.array(["a", "b"] * 50)

    first, again, other = (
        sample_by_class(rows, labels, 10, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )

    assert set(first) <= set(rows)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_first_label_is_empty_where_there_is_none() -> None:
    dataset = dataset_of([["b", "a"], [], ["c"]])

    assert first_labels(dataset, dataset.label_set()).tolist() == ["b", "", "c"]
    assert first_labels(dataset, None).tolist() == ["all"] * 3


def test_a_class_that_the_facts_do_not_know_is_named() -> None:
    dataset = dataset_of([["a"], ["b"]])
    known = dataset.label_set().model_copy(update={"classes": ("a",)})

    with pytest.raises(DatasetError, match="has 'b', which is no class of class"):
        dataset.labels(known)
