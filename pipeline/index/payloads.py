"""What the index stores with each code: its manifest row and the fields that filters compare."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cached_property
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from models.wording import unknown
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.datasets.split import make_split, unlabelled_rows
from pipeline.index.store.base import Payload, Where
from pipeline.index.word_filter import has_word, words_of
from pipeline.runs.ground_truth import relevance_labels
from pipeline.runs.preparation import as_executed
from pipeline.runs.run import Run
from pipeline.runs.validation import held_out, with_unlabelled

PAYLOAD = 3  # kept with an index: which fields it has
SEARCHABLE = (2, 3)  # the fields of others cannot be filtered; 2 repeated names of the manifest
PARTS = ("train", "database", "query", "unlabelled", "other", "added")
_NAMESPACE = UUID("6f3f1c1e-8a55-5d0c-9a40-6d1b9be6a1d7")


def item_id(dataset: str, sha256: str) -> str:
    """The stable id of an image in the index: publishing twice overwrites, never duplicates."""
    return item_ids(dataset, [sha256])[0]


def item_ids(dataset: str, digests: Iterable[str]) -> list[str]:
    """`item_id` of many images: the UUIDs of version 5 of their names, without an object each."""
    start, ids = hashlib.sha1(_NAMESPACE.bytes + f"{dataset}:".encode()), []
    for digest in digests:
        named = start.copy()
        named.update(digest.encode())
        text = named.hexdigest()
        variant = "89ab"[int(text[16], 16) & 3]
        ids.append(f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}")
    return ids


def splits_of_rows(
    run: Run, dataset: RetrievalDataset, rows: NDArray[np.int64]
) -> NDArray[np.str_]:
    """The part (n,) of each image of `rows`, one of `PARTS`.

    Images seen by the method, the rest of the database, queries, images without a label, those in
    no part of the split, and images that came after the run: its split is drawn without them.
    """
    return np.array(PARTS)[_parts_of_rows(run, dataset, rows)]


def _parts_of_rows(
    run: Run, dataset: RetrievalDataset, rows: NDArray[np.int64]
) -> NDArray[np.int8]:
    """The place (n,) in `PARTS`."""
    before, label_set = as_executed(run, dataset), relevance_labels(dataset, run.spec)
    whole = make_split(before, run.spec.evaluation_protocol(), label_set, run.spec.split_seed)
    split, validation = held_out(before, whole, run.spec)
    if run.status().n_unlabelled:  # earlier versions did not train on them
        split = with_unlabelled(before, split, run.spec, label_set, validation)
    parts = np.full(len(dataset), PARTS.index("other"), np.int8)
    for name, members in (
        ("unlabelled", unlabelled_rows(dataset, label_set)),
        ("query", split.query),
        ("database", whole.database),
        ("train", split.train),
        ("added", np.arange(len(before), len(dataset))),
    ):
        parts[members] = PARTS.index(name)
    return np.asarray(parts[rows])


def check_where(where: Where, run: Run, dataset: RetrievalDataset) -> None:
    """Refuse a filter by what no image can have, whose empty result would look like an answer.

    Raises:
        ValueError: a label or the part is not known.
    """
    label_set = relevance_labels(dataset, run.spec)
    classes = label_set.classes if label_set else ()
    for label in where.labels:
        if label not in classes:
            raise ValueError(unknown("label", label, tuple(classes)))
    if where.split is not None and where.split not in PARTS:
        raise ValueError(unknown("split", where.split, PARTS))


class IndexItems:
    """What an index holds of images beside their codes, made for those that are asked for.

    Args:
        run: whose index it is.
        dataset: data set of the run.
        rows: manifest rows (n,) of the images.
    """

    def __init__(self, run: Run, dataset: RetrievalDataset, rows: NDArray[np.int64]) -> None:
        self._run, self._dataset, self.rows = run, dataset, rows
        self._label_set = relevance_labels(dataset, run.spec)
        self._accepted: dict[Where, NDArray[np.bool_]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def ids(self, places: NDArray[np.int64]) -> list[str]:
        """Ids of the images at these places (m,)."""
        digests = self._dataset.manifest["sha256"].iloc[self.rows[places]].to_list()
        return item_ids(self._dataset.info.name, digests)

    def payloads(self, places: NDArray[np.int64]) -> list[Payload]:
        """Payloads of the images at these places (m,); no pixels."""
        rows, labels = self.rows[places], self._label_names(places)
        texts = (self._dataset.manifest[name].iloc[rows].to_list() for name in ("image_id", "text"))
        return [
            {
                "row": row,
                "labels": names,
                "split": PARTS[part],
                "words": list(words_of(" ".join([image_id, text, *names]))),
            }
            for row, names, part, image_id, text in zip(
                rows.tolist(), labels, self._parts[places].tolist(), *texts, strict=True
            )
        ]

    def accepted(self, where: Where) -> NDArray[np.bool_]:
        """Which images (n,) pass a filter; kept for the last one, since many queries share it."""
        kept = self._accepted  # another thread may put one of its own there meanwhile
        if where not in kept:
            kept = self._accepted = {where: self._passing(where)}
        return kept[where]

    def _passing(self, where: Where) -> NDArray[np.bool_]:
        passes: NDArray[np.bool_] = np.ones(len(self), bool)
        if where.split is not None:
            named = PARTS.index(where.split) if where.split in PARTS else -1
            passes &= self._parts == named
        if where.labels:
            passes &= self._has_label(where.labels)
        for word in where.words:
            passes &= self._has_word(word)
        passes.flags.writeable = False
        return passes

    @cached_property
    def _parts(self) -> NDArray[np.int8]:
        return _parts_of_rows(self._run, self._dataset, self.rows)

    def _has_word(self, word: str) -> NDArray[np.bool_]:
        classes = self._label_set.classes if self._label_set else ()
        found = self._has_label(tuple(name for name in classes if word in words_of(name)))
        for column in ("image_id", "text"):
            others = np.flatnonzero(~found)
            texts = self._dataset.manifest[column].iloc[self.rows[others]]
            found[others] = has_word(texts, word)
        return found

    def _label_names(self, places: NDArray[np.int64]) -> list[list[str]]:
        if self._label_set is None:
            return [[] for _ in places]
        chosen = self._dataset.manifest[f"labels:{self._label_set.name}"].iloc[self.rows[places]]
        return [list(names) for names in chosen]

    def _has_label(self, wanted: tuple[str, ...]) -> NDArray[np.bool_]:
        known = () if self._label_set is None else self._label_set.classes
        columns = [known.index(name) for name in wanted if name in known]
        if not columns or self._label_set is None:
            return np.zeros(len(self), bool)
        chosen: NDArray[np.bool_] = self._dataset.labels(self._label_set)[:, columns]
        return np.asarray(chosen[self.rows].any(axis=1))
