"""What the index stores with each code: names, labels, part and words, for display and filters."""

from __future__ import annotations

from uuid import UUID, uuid5

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.dataset import RetrievalDataset
from pipeline.datasets.split import make_split, unlabelled_rows
from pipeline.index.store.base import Payload, words_of
from pipeline.runs.ground_truth import relevance_labels
from pipeline.runs.preparation import as_executed
from pipeline.runs.run import Run
from pipeline.runs.validation import held_out, with_unlabelled

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


def item_payloads(run: Run, dataset: RetrievalDataset, rows: NDArray[np.int64]) -> list[Payload]:
    """The payload of each image of `rows`; no pixels."""
    chosen = dataset.manifest.iloc[rows]
    label_set = relevance_labels(dataset, run.spec)
    names = None if label_set is None else dataset.label_names(label_set)
    columns = (chosen[name] for name in ("image_id", "sha256", "text"))
    return [
        {
            "row": int(row),
            "image_id": image_id,
            "sha256": sha256,
            "text": text,
            "labels": list(names[row]) if names else [],
            "split": str(part),
            "words": list(words_of(" ".join([image_id, text, *(names[row] if names else ())]))),
        }
        for row, part, image_id, sha256, text in zip(
            rows, splits_of_rows(run, dataset, rows), *columns, strict=True
        )
    ]
