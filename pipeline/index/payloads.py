"""What the index stores with each code: names, labels, part and words, for display and filters."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid5

import numpy as np
from numpy.typing import NDArray

from models.wording import unknown
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.datasets.split import make_split, unlabelled_rows
from pipeline.index.store.base import Payload, Where, words_of
from pipeline.runs.ground_truth import relevance_labels
from pipeline.runs.preparation import as_executed
from pipeline.runs.run import Run
from pipeline.runs.validation import held_out, with_unlabelled

if TYPE_CHECKING:
    import pandas as pd

PAYLOAD = 2  # kept with an index; one with other fields cannot be filtered and is built again
PARTS = ("train", "database", "query", "unlabelled", "other", "added")
_NAMESPACE = UUID("6f3f1c1e-8a55-5d0c-9a40-6d1b9be6a1d7")


def item_id(dataset: str, sha256: str) -> str:
    """The stable id of an image in the index: publishing twice overwrites, never duplicates."""
    return str(uuid5(_NAMESPACE, f"{dataset}:{sha256}"))


def splits_of_rows(
    run: Run, dataset: RetrievalDataset, rows: NDArray[np.int64]
) -> NDArray[np.str_]:
    """The part (n,) of each image of `rows`, one of `PARTS`.

    Images seen by the method, the rest of the database, queries, images without a label, those in
    no part of the split, and images that came after the run: its split is drawn without them.
    """
    before, label_set = as_executed(run, dataset), relevance_labels(dataset, run.spec)
    whole = make_split(before, run.spec.evaluation_protocol(), label_set, run.spec.split_seed)
    split, validation = held_out(before, whole, run.spec)
    if run.status().n_unlabelled:  # earlier versions did not train on them
        split = with_unlabelled(before, split, run.spec, label_set, validation)
    parts = np.full(len(dataset), "other", dtype="U10")
    parts[unlabelled_rows(dataset, label_set)] = "unlabelled"
    for name, members in (("query", split.query), ("database", whole.database)):
        parts[members] = name
    parts[split.train], parts[len(before) :] = "train", "added"
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
        self._dataset, self.rows = dataset, rows
        self._parts = splits_of_rows(run, dataset, rows)
        self._label_set = relevance_labels(dataset, run.spec)

    def __len__(self) -> int:
        return len(self.rows)

    def ids(self, places: NDArray[np.int64]) -> list[str]:
        """Ids of the images at these places (m,)."""
        digests = self._dataset.manifest["sha256"].iloc[self.rows[places]]
        return [item_id(self._dataset.info.name, str(digest)) for digest in digests]

    def payloads(self, places: NDArray[np.int64]) -> list[Payload]:
        """Payloads of the images at these places (m,); no pixels."""
        rows = self.rows[places]
        chosen = self._dataset.manifest.iloc[rows]
        columns = (chosen[name] for name in ("image_id", "sha256", "text"))
        names = self._label_names(chosen)
        return [
            {
                "row": int(row),
                "image_id": image_id,
                "sha256": sha256,
                "text": text,
                "labels": labels,
                "split": str(part),
                "words": list(words_of(" ".join([image_id, text, *labels]))),
            }
            for row, part, labels, image_id, sha256, text in zip(
                rows, self._parts[places], names, *columns, strict=True
            )
        ]

    def accepted(self, where: Where) -> NDArray[np.bool_]:
        """Which images (n,) pass a filter."""
        passes: NDArray[np.bool_] = np.ones(len(self), bool)
        if where.split is not None:
            passes &= np.char.equal(self._parts, where.split)
        if where.labels:
            passes[~self._has_label(where.labels)] = False
        if where.words:  # read for few, where something else filters as well
            places = np.flatnonzero(passes)
            passes[places] = self._has_words(places, {*where.words})
        return passes

    def _has_words(self, places: NDArray[np.int64], wanted: set[str]) -> list[bool]:
        chosen = self._dataset.manifest.iloc[self.rows[places]]
        texts = zip(chosen["image_id"], chosen["text"], self._label_names(chosen), strict=True)
        return [
            wanted <= {*words_of(" ".join([image_id, text, *labels]))}
            for image_id, text, labels in texts
        ]

    def _label_names(self, chosen: pd.DataFrame) -> list[list[str]]:
        if self._label_set is None:
            return [[] for _ in range(len(chosen))]
        return [list(names) for names in chosen[f"labels:{self._label_set.name}"]]

    def _has_label(self, wanted: tuple[str, ...]) -> NDArray[np.bool_]:
        known = () if self._label_set is None else self._label_set.classes
        columns = [known.index(name) for name in wanted if name in known]
        if not columns or self._label_set is None:
            return np.zeros(len(self), bool)
        chosen: NDArray[np.bool_] = self._dataset.labels(self._label_set)[:, columns]
        return np.asarray(chosen[self.rows].any(axis=1))
