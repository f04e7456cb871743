"""The code map: distinct codes of a run on a plane, near each other where they differ in few bits.

The plane is t-SNE's (van der Maaten and Hinton 2008) over Hamming distances. It keeps
neighbourhoods; the distance between two far groups means nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.analysis.opened_run import OpenRun
from pipeline.evaluation.code_statistics import code_buckets

MOST_CODES = 500  # on the map: t-SNE of as many takes a second
LINKED_WITHIN = 2  # bits between two codes that a line joins
_PERPLEXITY, _STEPS, _LEAST = 20, 400, 5  # of t-SNE; fewer codes than the least lie on a line
_NEAREST = 3  # codes on the map between which a code that is not on it is placed


@dataclass(frozen=True, eq=False)
class CodeMap:
    """Distinct codes on a plane.

    Attributes:
        table: a row per code, in the order of `codes`: x and y in [0, 1], images (of the database
            with this code), row (in the manifest, of the image that stands for them), label (of
            most of them; empty without labels), purity (their share in [0, 1]).
        codes: the n codes, fullest first.
        bucket: (m,) for each database image the row of its code in the table, or -1.
        n_distinct: distinct codes of the whole database.
    """

    table: pd.DataFrame
    codes: HashCodes
    bucket: NDArray[np.int64]
    n_distinct: int

    @property
    def n_images(self) -> int:
        """Database images whose codes are on the map."""
        return int(self.table["images"].sum())

    def place(self, code: HashCodes) -> tuple[float, float]:
        """Where a code belongs: at itself, or else between the nearest on the map."""
        distances = code.hamming(self.codes)[0]
        nearest = np.argsort(distances, kind="stable")[: 1 if not distances.min() else _NEAREST]
        x, y = self.table.iloc[nearest][["x", "y"]].mean()
        return float(x), float(y)

    def links(self) -> NDArray[np.int64]:
        """Pairs (l, 2) of rows of the table that are within 2 bits and mostly of one label."""
        label = self.table["label"].where(self.table["purity"] > 0).to_numpy()
        is_link = (self.codes.hamming(self.codes) <= LINKED_WITHIN) & (label[:, None] == label)
        return np.argwhere(np.triu(is_link, 1))


def read_map(opened: OpenRun) -> CodeMap:
    """Place the codes of a random sample of the database on a plane; the same at every call."""
    whole = code_buckets(opened.database_codes)
    drawn = whole.bucket[np.random.default_rng(0).permutation(len(whole.bucket))]
    drawn = np.concatenate([[0], drawn])  # the fullest is always there
    first = np.sort(np.unique(drawn, return_index=True)[1])[:MOST_CODES]
    chosen = np.sort(drawn[first])  # numbers of the codes, fullest first
    codes = HashCodes(whole.codes.packed[chosen], opened.bits)
    number = np.full(len(whole.codes), -1)
    number[chosen] = np.arange(len(chosen))
    bucket = number[whole.bucket]
    places = _plane(codes)
    table = pd.DataFrame(
        {
            "x": places[:, 0],
            "y": places[:, 1],
            "images": whole.sizes[chosen],
            **_described(opened, bucket, len(chosen)),
        }
    )
    return CodeMap(table, codes, bucket, len(whole.codes))


def rows_at(code_map: CodeMap, opened: OpenRun, numbers: list[int]) -> list[int]:
    """Manifest rows of the images whose codes are these rows of the table, in their order."""
    return [
        int(row) for number in numbers for row in opened.database_rows[code_map.bucket == number]
    ]


def _plane(codes: HashCodes) -> NDArray[np.float64]:
    """(n, 2) in [0, 1]."""
    distances = codes.hamming(codes).astype(np.float64)
    n = len(codes)
    if n < _LEAST:
        return np.stack([np.linspace(0, 1, n) if n > 1 else [0.5], np.full(n, 0.5)], axis=1)
    from sklearn.manifold import TSNE  # takes most of a second to load

    plane = TSNE(
        metric="precomputed",
        init="random",
        perplexity=min(_PERPLEXITY, (n - 1) / 3),
        max_iter=_STEPS,
        random_state=0,
    ).fit_transform(distances)
    low, high = plane.min(axis=0), plane.max(axis=0)
    return np.asarray((plane - low) / np.maximum(high - low, 1e-9), float)


def _described(opened: OpenRun, bucket: NDArray[np.int64], n: int) -> dict[str, list[object]]:
    """Label, purity and picture of each code."""
    rows: list[object] = []
    labels: list[object] = []
    purities: list[object] = []
    order = np.argsort(bucket, kind="stable")
    parts = np.split(order, np.searchsorted(bucket[order], np.arange(n)))[1:]
    for places in parts:
        label, has_label = _majority(opened, places)
        rows.append(int(opened.database_rows[places[has_label.argmax()]]))
        labels.append(label)
        purities.append(float(has_label.mean()))
    return {"row": rows, "label": labels, "purity": purities}


def _majority(opened: OpenRun, places: NDArray[np.int64]) -> tuple[str, NDArray[np.bool_]]:
    """The most frequent label of images in the database, and which of them have it."""
    none = np.zeros(len(places), bool)
    if opened.labels is None:
        return "", none
    labels = opened.labels[opened.database_rows[places]]
    best = int(labels.sum(axis=0).argmax())
    return (opened.classes[best], labels[:, best]) if labels.any() else ("no label", none)
