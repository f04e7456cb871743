"""Which three methods to train first on a data set, and why: by its labels, size and supervision.

The order of quality behind it is that of docs/benchmarks/quality.md; what was measured on the data
set itself is the Advisor's.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.catalog import method_card
from pipeline.datasets.dataset import DatasetInfo, LabelSet
from pipeline.wording import plural

_BITS = ((20_001, 64), (200, 32), (50, 16), (0, 8))  # from so many images on, so many bits
_FEW_PER_CLASS = 5  # images of a class, below which there is little to learn from its labels
_MANY = 20_000  # images from which a method of mini-batches is worth its time


@dataclass(frozen=True)
class Recommendation:
    """A method to begin with.

    Attributes:
        method: name.
        title: for people.
        bits: code length, the same for all of a data set.
        reason: why, a sentence.
    """

    method: str
    title: str
    bits: int
    reason: str


def recommended_methods(info: DatasetInfo, label_set: str = "") -> list[Recommendation]:
    """Three methods to train first.

    Args:
        info: facts of the data set.
        label_set: name of the labels to learn from; empty: the first.
    """
    sets = {labels.name: labels for labels in info.label_sets}
    labels = sets.get(label_set, next(iter(sets.values()), None))
    chosen = [
        ("itq", "It needs no labels and trains in seconds: the baseline that others have to beat."),
        ("ud2h", _of_unsupervised(info)),
        _third(info, labels),
    ]
    bits = recommended_bits(info.n)
    return [Recommendation(name, method_card(name).title, bits, why) for name, why in chosen]


def recommended_bits(n_images: int) -> int:
    """The code length to begin with: the more images, the more codes they need to differ."""
    return next(bits for least, bits in _BITS if n_images >= least)


def _of_unsupervised(info: DatasetInfo) -> str:
    size = plural(info.n, "image")
    return f"Best of the methods without labels in our benchmarks, and quick on {size}."


def _third(info: DatasetInfo, labels: LabelSet | None) -> tuple[str, str]:
    """A method that learns from the labels, where they can teach anything."""
    if labels is None:
        return _without_labels(info, "There are no labels")
    n_classes = len(labels.classes)
    if n_classes < 2:
        return _without_labels(info, f"All images have the same label of {labels.name}")
    if info.n / n_classes < _FEW_PER_CLASS:
        few = f"Labels of {labels.name} have only {info.n / n_classes:.1f} images each"
        return _without_labels(info, few)
    classes = f"{n_classes:,} labels of {labels.name}"
    if labels.kind == "multi":
        return "dfadh", f"It learns from the {classes}, of which an image may have several."
    return "orthohash", f"It learns from the {classes}, one per image, and does so quickly."


def _without_labels(info: DatasetInfo, why: str) -> tuple[str, str]:
    if info.n >= _MANY:
        return "bihalf", f"{why}, and a small network can learn from {info.n:,} images alone."
    return "lsh", f"{why}: random codes show what the other two have learned."
