"""Filtered search: the nearest codes among the images with some labels."""

from __future__ import annotations

from benchmarks.frame import Subject
from benchmarks.library import CLASSES, class_name
from benchmarks.subjects.search import PEER, PROTOCOL, cases, prepare
from pipeline.index.store.base import Where


def _where(share: float) -> Where:
    return Where(labels=tuple(class_name(number) for number in range(round(share * CLASSES))))


SUBJECT = Subject(
    name="filtered",
    title="Filtered search",
    protocol=f"{PROTOCOL} Only images with one of some labels are searched.",
    peer=f"{PEER} faiss is told the places of the images, which it cannot find out by itself.",
    bound="XOR and popcount over the codes that pass.",
    unit="queries",
    prepare=prepare,
    cases=(
        *cases("1 % of the images pass", _where(0.01)),
        *cases("Half of the images pass", _where(0.5)),
    ),
)
