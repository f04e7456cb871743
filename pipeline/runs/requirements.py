"""why_not: what keeps a method from training on a data set, in words for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.registry import get_method, list_methods
from pipeline.datasets.dataset import DatasetInfo

if TYPE_CHECKING:  # torch comes with it
    from models.method import MethodCard


def why_not(card: MethodCard, info: DatasetInfo, label_set: str = "") -> str:
    """Why a method cannot train on a data set with these labels; empty if it can.

    Args:
        card: card of the method.
        info: facts of the data set.
        label_set: name of the labels; empty for the first.
    """
    if card.supervision != "supervised":
        return ""
    sets = {labels.name: labels for labels in info.label_sets}
    if not sets:
        return f"{card.title} needs labels, and {info.name!r} has none"
    labels = sets.get(label_set, info.label_sets[0])
    if len(labels.classes) < 2:
        return f"{card.title} needs two classes or more, and {labels.name!r} has one"
    return ""


def needs(card: MethodCard) -> tuple[str, ...]:
    """Needs of a method beside images, each in a few words."""
    needed = []
    if card.supervision == "supervised":
        needed.append("labels")
    if card.views > 1:
        augmented = card.views - 1
        needed.append("an augmented view" if augmented == 1 else f"{augmented} augmented views")
    return tuple(needed)


def keeps_checkpoints(method: str) -> bool:
    """Whether training stops within a mini-batch and resumes from there.

    A method without mini-batches stops after a round or step, and its training restarts; so it
    is taken to be where the method does not exist any more.
    """
    return method in list_methods() and _is_deep(method)


def can_finetune(card: MethodCard) -> bool:
    """Whether the method can teach the backbone, too."""
    return _is_deep(card.name)


def _is_deep(method: str) -> bool:
    from models.deep import DeepHashMethod

    return issubclass(get_method(method), DeepHashMethod)
