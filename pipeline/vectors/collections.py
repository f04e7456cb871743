"""Vectors of a Qdrant collection, with ids and labels from the payload of its points."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.datasets.dataset import DatasetError
from pipeline.index.store.own_collections import ForeignPoint, scroll_vectors
from pipeline.settings import Settings
from pipeline.vectors.checking import shaped
from pipeline.vectors.choosing import Chosen
from pipeline.vectors.matching import id_text
from pipeline.vectors.request import QDRANT, VectorsRequest


def read_collection(request: VectorsRequest, settings: Settings) -> Chosen:
    """All vectors of the collection that a request names.

    Raises:
        DatasetError: it has no points, no such vector, or points that lack a field.
        StoreError: the store does not answer, or has no such collection.
    """
    collection = request.source.removeprefix(QDRANT)
    if len(request.vectors) > 1 or len(request.ids) > 1 or len(request.labels) > 1:
        raise DatasetError("of a collection one vector, one field of ids and one of labels is read")
    wanted = request.vectors[0] if request.vectors else ""
    name, points = scroll_vectors(settings, collection, wanted)
    if not points:
        raise DatasetError(f"the collection {collection!r} has no points with a vector {name!r}")
    array, notes = shaped(np.array([point.vector for point in points], np.float32), collection)
    ids = _field(points, request.ids[0], collection) if request.ids else None
    texts = [id_text(value) for value in ids] if ids else [point.id for point in points]
    labels = _field(points, request.labels[0], collection) if request.labels else None
    source = f"payload field {request.ids[0]!r}" if request.ids else "the ids of its points"
    what = f"vectors from {name or 'the only vector'} of {collection}, ids from {source}"
    label_name = request.labels[0].rpartition(".")[2] if request.labels else "class"
    return Chosen(array, texts, labels, label_name, None, (what, *notes))


def _field(points: list[ForeignPoint], name: str, collection: str) -> list[Any]:
    """A payload field of all points; dots lead into objects.

    Raises:
        DatasetError: no point has it.
    """
    values = [_value(point.payload, name) for point in points]
    if all(value is None for value in values):
        known = sorted({key for point in points[:100] for key in point.payload})
        raise DatasetError(
            f"no point of {collection!r} has the payload field {name!r}; there are: "
            f"{', '.join(known) or 'none'}"
        )
    return values


def _value(payload: dict[str, Any], name: str) -> Any:
    value: Any = payload.get(name)
    if value is None and "." in name:
        first, _, rest = name.partition(".")
        inner = payload.get(first)
        value = _value(inner, rest) if isinstance(inner, dict) else None
    return value
