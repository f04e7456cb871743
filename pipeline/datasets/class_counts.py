"""Looking into a data set: classes by part of the split, and how many images have a label."""

from __future__ import annotations

import pandas as pd

from pipeline.datasets.dataset import LabelSet, RetrievalDataset
from pipeline.datasets.split import unlabelled_rows

_PARTS = ("query", "database", "train", "")


def class_counts(dataset: RetrievalDataset, labels: LabelSet) -> pd.DataFrame:
    """Images of each class in each part of the manifest's split.

    Returns:
        One row per class, most frequent first; columns `images`, then the parts that occur, when
        there are any. Training images are counted in `train` only.
    """
    hot = dataset.labels(labels)
    part = dataset.manifest["split"].to_numpy()
    table = pd.DataFrame({"images": hot.sum(axis=0)}, index=pd.Index(labels.classes, name="class"))
    names = [name for name in _PARTS if (part == name).any()]
    if names != [""]:
        for name in names:
            table[name or "no part"] = hot[part == name].sum(axis=0)
    return table.sort_values("images", ascending=False, kind="stable")


def labelled_words(dataset: RetrievalDataset, labels: LabelSet | None) -> str:
    """How many images have a label, for what is measured on those; empty where all do."""
    n_unlabelled = len(unlabelled_rows(dataset, labels))
    if labels is None or not n_unlabelled:
        return ""
    n = len(dataset)
    return f"{n - n_unlabelled:,} of {n:,} images have a {labels.name} label; measured on those"
