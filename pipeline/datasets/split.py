"""Splits: query set, database and training set of a data set under a named protocol."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.dataset import DatasetError, LabelSet, RetrievalDataset
from pipeline.datasets.protocols import Protocol

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Row numbers of the manifest, each array sorted.

    `train` may lie inside `database`; no query is in either.
    """

    query: Indices
    database: Indices
    train: Indices


def make_split(
    dataset: RetrievalDataset, protocol: Protocol, label_set: LabelSet | None, seed: int
) -> Split:
    """Split a data set; the same arguments give the same split.

    Images without a label in `label_set` are left out, as is the field's custom. With labels
    that came after the import (`split_by`) nothing is drawn: the split is the one from before, less
    those. Images of one group (variants of the same thing) stay on one side.

    Args:
        dataset: data set to split.
        protocol: how.
        label_set: labels that decide relevance; None for an unlabelled data set.
        seed: seed of the random draws.

    Raises:
        DatasetError: the protocol does not fit the data set; the message says why.
    """
    if protocol.dataset and protocol.dataset != dataset.info.name:
        raise DatasetError(
            f"protocol {protocol.name!r} is for {protocol.dataset}, not for {dataset.info.name}"
        )
    if label_set is not None and label_set.split_by is not None:
        whole = make_split(dataset, protocol, _drawn_by(dataset, label_set), seed)
        return _restricted(dataset, whole, unlabelled_rows(dataset, label_set))
    labels = first_labels(dataset, label_set)
    usable = np.flatnonzero(labels != "")
    rng = np.random.default_rng(seed)
    if protocol.queries == "given":
        query, database = _given(dataset, usable)
    else:
        query = _drawn(dataset, protocol, labels, usable, rng)
        database = _without(usable, query)
    train = _training_rows(dataset, protocol, labels, database, rng)
    if not protocol.train_in_database:
        database = _without(database, train)
    split = Split(np.sort(query), np.sort(database), np.sort(train))
    check_split(dataset, split)
    return split


def unlabelled_rows(dataset: RetrievalDataset, label_set: LabelSet | None) -> Indices:
    """Rows of the images without a label; none where the data set has no labels at all."""
    if label_set is None:
        return np.zeros(0, np.int64)
    return np.flatnonzero(~dataset.labels(label_set).any(axis=1))


def trainable_unlabelled(
    dataset: RetrievalDataset,
    protocol: Protocol,
    label_set: LabelSet | None,
    split: Split,
    seed: int,
) -> Indices:
    """Rows of the images without a label that may train what needs none.

    None where the protocol trains on a number of images a class or outside the database. Under a
    given split those that it puts where the training set is. Groups with a query stay out. With
    labels that came after the import, the training set is what it was without them.
    """
    if label_set is not None and label_set.split_by is not None:
        before = _drawn_by(dataset, label_set)
        whole = make_split(dataset, protocol, before, seed)
        return np.union1d(whole.train, trainable_unlabelled(dataset, protocol, before, whole, seed))
    rows = unlabelled_rows(dataset, label_set)
    if protocol.train_per_class is not None or not protocol.train_in_database:
        return rows[:0]
    if protocol.queries == "given":
        part = dataset.manifest["split"].to_numpy()
        is_marked = (part[split.train] == "train").any()
        rows = rows[np.isin(part[rows], ["train"] if is_marked else ["database", "train"])]
    groups = _numbers(dataset, "group")
    return rows[~np.isin(groups[rows], groups[split.query])]


def _drawn_by(dataset: RetrievalDataset, label_set: LabelSet) -> LabelSet | None:
    return dataset.label_set(label_set.drawn_by) if label_set.drawn_by else None


def _restricted(dataset: RetrievalDataset, whole: Split, left_out: Indices) -> Split:
    parts = (_without(rows, left_out) for rows in (whole.query, whole.database, whole.train))
    split = Split(*parts)
    check_split(dataset, split)
    return split


def _without(rows: Indices, left_out: Indices) -> Indices:
    """Sorted, as `np.setdiff1d` gives them, which takes a second for a million."""
    return np.sort(rows[~np.isin(rows, left_out)])


def check_split(dataset: RetrievalDataset, split: Split) -> None:
    """Refuse a split with an empty part, or with a query that is also in database or training set.

    Raises:
        DatasetError: naming the part, or an image that is on both sides.
    """
    for name in ("query", "database", "train"):
        if not len(getattr(split, name)):
            raise DatasetError(f"the {name} set of {dataset.info.name!r} is empty")
    is_other = np.zeros(len(dataset), bool)
    is_other[split.database] = is_other[split.train] = True
    for column in ("sha256", "group"):
        numbers = _numbers(dataset, column)
        both = np.isin(numbers[split.query], numbers[is_other])
        if both.any():
            shared = sorted({*dataset.manifest[column].iloc[split.query[both]]})
            raise DatasetError(
                f"{len(shared)} images are queries and in the database of {dataset.info.name!r} "
                f"(same {column}), for example {shared[0]}"
            )


def _numbers(dataset: RetrievalDataset, column: str) -> NDArray[np.int64]:
    """A number for each image's value of a column; equal values have the same."""
    import pandas as pd  # a third of a second, which lists of what can be imported do without

    return pd.factorize(dataset.manifest[column])[0].astype(np.int64)


def first_labels(dataset: RetrievalDataset, label_set: LabelSet | None) -> NDArray[np.str_]:
    """A class name an image to stratify by; empty where it has no label in `label_set`."""
    if label_set is None:
        return np.full(len(dataset), "all")
    column = dataset.manifest[f"labels:{label_set.name}"]
    return np.array([names[0] if len(names) else "" for names in column], np.str_)


def sample_by_class(
    rows: Indices, labels: NDArray[np.str_], most: int, rng: np.random.Generator
) -> Indices:
    """At most so many rows, each class by its share; all where there are no more.

    Args:
        rows: sorted rows (m,) to draw from.
        labels: (n,) a class of each image, as `first_labels` gives it.
        most: rows that are kept; 0: all.
        rng: draws them.
    """
    if not most or len(rows) <= most:
        return rows
    import pandas as pd  # a third of a second, which lists of what can be imported do without

    classes, names = pd.factorize(labels[rows], sort=True)
    sizes = np.bincount(classes, minlength=len(names))
    order = rng.permutation(len(rows))
    by_class = order[np.argsort(classes[order], kind="stable")]
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    shares = (np.arange(len(rows)) - starts + rng.random(len(sizes)).repeat(sizes)) / sizes.repeat(
        sizes
    )
    return np.sort(rows[by_class[np.argsort(shares, kind="stable")[:most]]])


def _given(dataset: RetrievalDataset, usable: Indices) -> tuple[Indices, Indices]:
    given = dataset.manifest["split"].to_numpy()[usable]
    if not (given == "query").any():
        raise DatasetError(
            f"{dataset.info.name!r} was imported without a split; use the protocol 'holdout'"
        )
    return usable[given == "query"], usable[np.isin(given, ["database", "train"])]


def _drawn(
    dataset: RetrievalDataset,
    protocol: Protocol,
    labels: NDArray[np.str_],
    usable: Indices,
    rng: np.random.Generator,
) -> Indices:
    """Rows of the queries, drawn by class and in whole groups."""
    groups = _numbers(dataset, "group")
    import pandas as pd  # a third of a second, which lists of what can be imported do without

    leaders = pd.Series(usable).groupby(groups[usable], sort=False).first().to_numpy()
    share = min(protocol.query_size, protocol.query_limit / max(len(leaders), 1))
    chosen: list[Indices] = []
    classes, names = pd.factorize(labels[leaders], sort=True)
    for number, name in enumerate(names):
        members = rng.permutation(leaders[classes == number])
        if protocol.queries == "per_class":
            wanted = int(protocol.query_size)
            if len(members) <= wanted:
                raise DatasetError(
                    f"protocol {protocol.name!r} needs more than {wanted} images per class, "
                    f"{str(name)!r} has {len(members)}"
                )
        else:  # the fraction is rounded at random, so that small classes get their share
            wanted = int(share * len(members) + rng.random())
        chosen.append(members[:wanted])
    drawn = np.concatenate([usable[:0], *chosen])
    if protocol.queries == "share":  # rounding may have drawn a few too many
        drawn = rng.permutation(drawn)[: protocol.query_limit]
    return usable[np.isin(groups[usable], groups[drawn])]


def _training_rows(
    dataset: RetrievalDataset,
    protocol: Protocol,
    labels: NDArray[np.str_],
    database: Indices,
    rng: np.random.Generator,
) -> Indices:
    """The whole database, its given training part, or a fixed number of each class."""
    if protocol.train_per_class is not None:
        drawn = [
            rng.permutation(database[labels[database] == name])[: protocol.train_per_class]
            for name in np.unique(labels[database])
        ]
        return np.concatenate([database[:0], *drawn])
    if protocol.queries == "given":
        marked = database[dataset.manifest["split"].to_numpy()[database] == "train"]
        return marked if len(marked) else database
    return database
