"""The Browse page without Streamlit: which images pass the filters, and what is known of one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboard.services.text import file_size
from pipeline.datasets.base import LabelSet, RetrievalDataset

PARTS = ("query", "database", "train")


@dataclass(frozen=True)
class Filters:
    """What images must have; empty for anything.

    Attributes:
        label_set: whose classes count.
        classes: at least one of these.
        part: of the manifest's split.
        text: in name, caption or labels, in any case.
    """

    label_set: str = ""
    classes: tuple[str, ...] = ()
    part: str = ""
    text: str = ""


def matching(
    dataset: RetrievalDataset, filters: Filters, *, any_class: bool = False
) -> NDArray[np.int64]:
    """Manifest rows (n,) of the images that pass.

    Args:
        dataset: to look at.
        filters: to pass.
        any_class: leave the filter by class out, for the chart of classes.
    """
    manifest = dataset.manifest
    passes = np.ones(len(dataset), bool)
    if filters.part:
        passes &= (manifest["split"] == filters.part).to_numpy()
    if filters.classes and not any_class:
        labels = dataset.label_set(filters.label_set)
        columns = [labels.column(name) for name in filters.classes if name in labels.classes]
        passes &= dataset.labels(labels)[:, columns].any(axis=1)
    wanted = filters.text.strip().lower()
    if wanted:
        haystack = manifest["image_id"] + "\n" + manifest["text"]
        for labels in dataset.info.label_sets:
            haystack = haystack + "\n" + manifest[f"labels:{labels.name}"].str.join("\n")
        passes &= haystack.str.lower().str.contains(wanted, regex=False).to_numpy(bool)
    return np.flatnonzero(passes)


def class_bars_table(
    dataset: RetrievalDataset, labels: LabelSet, rows: NDArray[np.int64], most: int
) -> pd.DataFrame:
    """Columns class and images of the most frequent classes among some rows."""
    counts = dataset.labels(labels)[rows].sum(axis=0)
    order = np.argsort(-counts, kind="stable")[:most]
    return pd.DataFrame(
        {"class": [labels.classes[i] for i in order], "images": [int(counts[i]) for i in order]}
    )


def given_parts(dataset: RetrievalDataset) -> tuple[str, ...]:
    """The parts that the manifest's split has."""
    present = set(dataset.manifest["split"])
    return tuple(part for part in PARTS if part in present)


def facts(dataset: RetrievalDataset, row: int) -> list[tuple[str, str]]:
    """Name and value of everything known about an image."""
    own = dataset.manifest.iloc[row]
    labels = [
        (names.name.capitalize(), ", ".join(own[f"labels:{names.name}"]) or "none")
        for names in dataset.info.label_sets
    ]
    path = dataset.image_path(row)
    size = file_size(path.stat().st_size) if path.exists() else "gone"
    group = [("Group", str(own["group"]))] if own["group"] != own["image_id"] else []
    return [
        *labels,
        ("Image", str(own["image_id"])),
        ("Caption", str(own["text"])),
        ("Part", str(own["split"]) or "drawn at evaluation"),
        ("Size", f"{own['width']} × {own['height']} pixels, {size}"),
        *group,
        ("SHA-256", str(own["sha256"])),
    ]
