"""The Browse page without Streamlit: which images pass the filters, and what is known of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.datasets.dataset import LabelSet, RetrievalDataset
from pipeline.wording import file_size, plural

SPLITS = ("query", "database", "train")
TagsOf = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Filters:
    """What images must have; empty for anything.

    Attributes:
        label_set: whose classes count.
        classes: at least one of these.
        split: value of the manifest's split.
        text: in name, caption or labels, in any case.
        tag: that people put on it.
    """

    label_set: str = ""
    classes: tuple[str, ...] = ()
    split: str = ""
    text: str = ""
    tag: str = ""


def matching(
    dataset: RetrievalDataset, filters: Filters, tags: TagsOf, *, any_class: bool = False
) -> NDArray[np.int64]:
    """Manifest rows (n,) of the images that pass.

    Args:
        dataset: to look at.
        filters: to pass.
        tags: of images, by their SHA-256.
        any_class: leave the filter by class out, for the chart of classes.
    """
    manifest = dataset.manifest
    passes = np.ones(len(dataset), bool)
    if filters.split:
        passes &= (manifest["split"] == filters.split).to_numpy()
    if filters.classes and not any_class:
        labels = dataset.label_set(filters.label_set)
        columns = [labels.column(name) for name in filters.classes if name in labels.classes]
        passes &= dataset.labels(labels)[:, columns].any(axis=1)
    if filters.tag:
        tagged = [image for image, words in tags.items() if filters.tag in words]
        passes &= manifest["sha256"].isin(tagged).to_numpy()
    wanted = filters.text.strip().lower()
    if wanted:
        haystack = manifest["image_id"] + "\n" + manifest["text"]
        for labels in dataset.info.label_sets:
            haystack = haystack + "\n" + manifest[f"labels:{labels.name}"].str.join("\n")
        passes &= haystack.str.lower().str.contains(wanted, regex=False).to_numpy(bool)
    return np.flatnonzero(passes)


def class_bars_table(
    dataset: RetrievalDataset, labels: LabelSet, rows: NDArray[np.int64], limit: int
) -> pd.DataFrame:
    """Columns class and images of the most frequent classes among some rows."""
    counts = dataset.labels(labels)[rows].sum(axis=0)
    order = np.argsort(-counts, kind="stable")[:limit]
    return pd.DataFrame(
        {"class": [labels.classes[i] for i in order], "images": [int(counts[i]) for i in order]}
    )


def given_splits(dataset: RetrievalDataset) -> tuple[str, ...]:
    """The values that the manifest's split has."""
    present = {*dataset.manifest["split"].unique()}
    return tuple(split for split in SPLITS if split in present)


def facts(
    dataset: RetrievalDataset, row: int, tags: Sequence[str], n_runs: int, n_coded: int
) -> list[tuple[str, str]]:
    """Name and value of everything known about an image.

    Args:
        dataset: that it is in.
        row: of the manifest.
        tags: that people put on it.
        n_runs: finished runs on the data set.
        n_coded: how many of them have a code of it.
    """
    image = dataset.manifest.iloc[row]
    labels = [
        (names.name.capitalize(), ", ".join(image[f"labels:{names.name}"]) or "none")
        for names in dataset.info.label_sets
    ]
    path = dataset.image_path(row)
    size = "none: the data set is made of vectors"
    if dataset.has_pictures:
        n_bytes = file_size(path.stat().st_size) if path.exists() else "missing"
        size = f"{image['width']} × {image['height']} pixels, {n_bytes}"
    group = [("Group", str(image["group"]))] if image["group"] != image["image_id"] else []
    return [
        *labels,
        *([("Tags", ", ".join(tags))] if tags else []),
        ("Codes", f"in {n_coded} of {plural(n_runs, 'run')}" if n_runs else "no run yet"),
        ("Image", str(image["image_id"])),
        ("Caption", str(image["text"])),
        ("Split", str(image["split"]) or "drawn at evaluation"),
        ("Picture" if not dataset.has_pictures else "Size", size),
        *group,
        ("SHA-256", str(image["sha256"])),
    ]
