"""Alternatives: what somebody would pick instead of hash codes, an entry per way to store features.

All see the same vectors, features centred at the mean of the training images and scaled to unit
length, but for the entry that shows what centring is worth. All are trained on training images,
without labels. All are searched exactly, by the inner product of the stored vectors with the
query's, which keeps its real values unless the entry says otherwise. Adding one is an entry of
`ALTERNATIVES` and its test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_COMPONENTS = 64  # principal components that product quantization works on
_CENTROIDS = 256  # of each sub-quantizer: a byte
_PRODUCT_BYTES = (4, 8, 16, 32)

Family = Literal[
    "float", "not centred", "scalar", "PCA", "PQ", "PCA + PQ", "PCA + OPQ", "signs", "RaBitQ"
]


@dataclass(frozen=True)
class Alternative:
    """One way to store features.

    Attributes:
        name: key of stored reports.
        family: what differs from it in the number of bytes alone.
        title: name for people, without the bytes.
        summary: what it is, a sentence.
        codec: key for `codecs.train_codec`; empty: signs, which are not trained.
        components: principal components that are stored in place of the features; 0: all values.
        n_centroids: of each sub-quantizer; each needs a training image.
        n_parts: equal parts that all values of a feature are cut into; 0: into none.
        is_seeded: whether the seed matters.
        has_bit_query: whether the query is reduced to signs too, and compared by Hamming distance.
        is_centred: whether the mean of the training images is taken off before.
    """

    name: str
    family: Family
    title: str
    summary: str
    codec: str
    components: int = 0
    n_centroids: int = 0
    n_parts: int = 0
    is_seeded: bool = False
    has_bit_query: bool = False
    is_centred: bool = True

    def obstacle(self, n_train: int, d: int) -> str:
        """Why it cannot be trained; empty where it can.

        Args:
            n_train: training images.
            d: values of a feature.
        """
        if self.components > (available := min(d, n_train - 1)):
            return (
                f"needs {self.components} principal components; {n_train:,} training images of "
                f"{d:,}-d features have {max(available, 0)}"
            )
        if self.n_parts and d % self.n_parts:
            return f"needs features that can be cut into {self.n_parts} equal parts, not {d:,}-d"
        if self.n_centroids > n_train:
            return (
                f"needs {self.n_centroids} training images, one per centroid; there are {n_train:,}"
            )
        return ""


def _components(count: int) -> Alternative:
    return Alternative(
        f"pca-{count}",
        "PCA",
        f"PCA, {count} values",
        f"The {count} leading principal components, as float32.",
        "Flat",
        components=count,
    )


def _product(n_bytes: int, family: Literal["PCA + PQ", "PCA + OPQ"]) -> Alternative:
    is_rotated = family == "PCA + OPQ"
    rotated = ", rotated to suit the parts" if is_rotated else ""
    return Alternative(
        f"{'opq' if is_rotated else 'pq'}-{n_bytes}",
        family,
        family,
        f"{_COMPONENTS} principal components{rotated}, in {n_bytes} parts of a byte each.",
        f"{'OPQ,' if is_rotated else ''}PQ{n_bytes}np",
        components=_COMPONENTS,
        n_centroids=_CENTROIDS,
        is_seeded=True,
    )


def _plain_product(n_bytes: int) -> Alternative:
    return Alternative(
        f"plain-pq-{n_bytes}",
        "PQ",
        "PQ",
        f"All values, in {n_bytes} parts of a byte each.",
        f"PQ{n_bytes}np",
        n_centroids=_CENTROIDS,
        n_parts=n_bytes,
        is_seeded=True,
    )


ALTERNATIVES = {
    alternative.name: alternative
    for alternative in (
        Alternative("float32", "float", "float32", "Every value as it is.", "Flat"),
        Alternative(
            "float32-raw",
            "not centred",
            "float32, not centred",
            "Every value as it is, without taking off the mean before.",
            "Flat",
            is_centred=False,
        ),
        Alternative("float16", "scalar", "float16", "Every value in two bytes.", "SQfp16"),
        Alternative(
            "int8", "scalar", "int8", "Every value in a byte, between its extremes.", "SQ8"
        ),
        *(_components(count) for count in (64, 32, 16)),
        Alternative(
            "signs",
            "signs",
            "signs, float query",
            "The sign of every value, compared with a query of real values.",
            "",
        ),
        Alternative(
            "signs-hamming",
            "signs",
            "signs, bit query",
            "The sign of every value, also of the query.",
            "",
            has_bit_query=True,
        ),
        Alternative(
            "rabitq",
            "RaBitQ",
            "RaBitQ",
            "Signs after a random rotation, with two factors per image that correct them.",
            "RR,RaBitQ",
            is_seeded=True,
        ),
        *(_plain_product(n_bytes) for n_bytes in _PRODUCT_BYTES),
        *(_product(n_bytes, "PCA + PQ") for n_bytes in _PRODUCT_BYTES),
        *(_product(n_bytes, "PCA + OPQ") for n_bytes in _PRODUCT_BYTES),
    )
}


def alternatives_document() -> str:
    """All alternatives as a table in Markdown."""
    lines = [f"| {one.title} | `{one.name}` | {one.summary} |" for one in ALTERNATIVES.values()]
    return "\n".join(["| alternative | name | what is stored |", "| --- | --- | --- |", *lines])
