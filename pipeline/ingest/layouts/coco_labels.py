"""The labels in a COCO document: images, annotations and categories, joined by ids."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from pipeline.datasets.dataset import DatasetError
from pipeline.datasets.problems import Problem
from pipeline.ingest.layouts.documents import Parts, name_in
from pipeline.ingest.tree import File

_NAMES = ("file_name", "path", "coco_url", "flickr_url", "url")  # the first that is given
_Pair = tuple[str, str]


class CocoLabels(NamedTuple):
    """Labels that a document gives.

    Attributes:
        images: file names with sorted category names.
        problems: parts of it that could not be used.
        notes: how it was understood, where that is not plain.
        warnings: readings that were probably not meant.
    """

    images: list[tuple[str, tuple[str, ...]]]
    problems: list[Problem]
    notes: list[str]
    warnings: list[str]


def coco_labels(document: dict[str, Any], file: File) -> CocoLabels:
    """File name and sorted category names of every image; crowds do not count.

    Raises:
        DatasetError: no image has an id and a name, or no annotation names image and category.
    """
    made = CocoLabels([], [], [], [])
    parts = Parts(file)
    images = _images(document, parts, file, made)
    names = _names(parts.objects(document["categories"], "categories"), file, made)
    shared = _shared_ids(images, file, made.problems)
    pairs = _pairs(document, parts, file, made)
    classes = _joined(pairs, _known(images, pairs, file, made), names, file, made)
    made.problems.extend(parts.problems)
    made.images.extend(
        (name, tuple(sorted(classes[image_id])))
        for image_id, name in dict.fromkeys(images)
        if image_id not in shared
    )
    if document["annotations"] and not any(labels for _, labels in made.images):
        made.warnings.append(f"{file.name}: no annotation belongs to an image of the file")
    return made


def _images(document: dict[str, Any], parts: Parts, file: File, made: CocoLabels) -> list[_Pair]:
    """Id and file name of each image.

    Raises:
        DatasetError: none has both.
    """
    entries = parts.objects(document["images"], "images")
    pairs = [(name_in(entry.get("id")), _name(entry)) for entry in entries]
    whole = [pair for pair in pairs if all(pair)]
    if document["images"] and not whole:
        first = entries[0] if entries else {}
        raise _incomplete(file, "images", first, ("id", "file_name"))
    if len(whole) < len(pairs):
        lost = len(pairs) - len(whole)
        _note(file, made, f"{lost:,} of {len(pairs):,} images lack an id or a file_name")
    return whole


def _names(entries: Sequence[dict[str, Any]], file: File, made: CocoLabels) -> dict[str, str]:
    """Category names by id. What several names share one id for is empty: none is meant."""
    of: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        if name_in(entry.get("id")) and name_in(entry.get("name")):
            of[name_in(entry["id"])].add(name_in(entry["name"]))
    for category, names in of.items():
        if len(names) > 1:
            made.warnings.append(
                f"{file.name}: the category id {category} has the names "
                f"{', '.join(sorted(names))}; its annotations give no label"
            )
    single = {category: "".join(names) if len(names) == 1 else "" for category, names in of.items()}
    alike = [name for name, n in Counter(filter(None, single.values())).items() if n > 1]
    if alike:
        made.notes.append(f"{file.name}: categories of one name are one class: {', '.join(alike)}")
    return single


def _pairs(document: dict[str, Any], parts: Parts, file: File, made: CocoLabels) -> Counter[_Pair]:
    """How often image id and category id stand together; an empty one is counted as lost.

    Raises:
        DatasetError: no annotation has both.
    """
    annotations = parts.objects(document["annotations"], "annotations")
    pairs = Counter(
        (name_in(annotation.get("image_id")), name_in(thing.get("category_id")))
        for annotation in annotations
        for thing in _things(annotation, parts)
        if not thing.get("iscrowd")
    )
    whole = Counter({pair: n for pair, n in pairs.items() if all(pair)})
    if pairs and not whole:
        raise _incomplete(file, "annotations", annotations[0], ("image_id", "category_id"))
    if len(whole) < len(pairs):
        lost = sum((pairs - whole).values())
        _note(file, made, f"{lost:,} annotations lack an image_id or a category_id")
    return whole


def _things(annotation: dict[str, Any], parts: Parts) -> Iterator[dict[str, Any]]:
    """An annotation, or the segments of one that is panoptic."""
    if "segments_info" in annotation and "category_id" not in annotation:
        yield from parts.objects(annotation["segments_info"], "segments")
    else:
        yield annotation


def _joined(
    pairs: Counter[_Pair],
    known: dict[str, str],
    names: dict[str, str],
    file: File,
    made: CocoLabels,
) -> dict[str, set[str]]:
    """Category names by image id; what belongs to nothing is noted."""
    classes: dict[str, set[str]] = defaultdict(set)
    for (written, category), n in pairs.items():
        image_id = known.get(written) or known.get(_number(written), "")
        if not image_id:
            _note(file, made, f"{n} annotations name the image id {written}, not there")
        elif category not in names:
            _note(
                file,
                made,
                f"{n} annotations of the image id {written} name the category "
                f"id {category}, not there",
            )
        elif names[category]:
            classes[image_id].add(names[category])
    return classes


def _known(
    images: Sequence[_Pair], pairs: Counter[_Pair], file: File, made: CocoLabels
) -> dict[str, str]:
    """Image ids by what the annotations call them: ids, or else one thing that tells images apart.

    One way counts for the whole file: the stem `1` is not what an annotation of the id 1 means.
    """
    ways: dict[str, Callable[[str, str], str]] = {
        "id": lambda image_id, _: image_id,
        "id, up to zeros in front": lambda image_id, _: _number(image_id),
        "file_name": lambda _, name: name,
        "file name without folders": lambda _, name: _path(name).name,
        "file name without folders and suffix": lambda _, name: _path(name).stem,
    }
    written = {_number(image_id) for image_id, _ in pairs} | {image_id for image_id, _ in pairs}
    for way, of in ways.items():
        known: dict[str, set[str]] = defaultdict(set)
        for image_id, name in images:
            known[of(image_id, name)].add(image_id)
        if known.keys() & written:
            if way != "id":
                made.notes.append(f"{file.name}: annotations name images by their {way}")
            return {called: min(ids) for called, ids in known.items() if len(ids) == 1}
    return {}


def _shared_ids(images: Sequence[_Pair], file: File, problems: list[Problem]) -> set[str]:
    """Ids of several images: nothing tells which of them an annotation means."""
    named: dict[str, list[str]] = defaultdict(list)
    for image_id, name in dict.fromkeys(images):
        named[image_id].append(name)
    shared = {image_id: names for image_id, names in named.items() if len(names) > 1}
    for image_id, names in shared.items():
        problems += [
            Problem(
                name,
                f"shares the id {image_id} in {file.name} with {len(names) - 1} other "
                "images; nothing tells whose its annotations are",
            )
            for name in names
        ]
    return set(shared)


def _name(image: dict[str, Any]) -> str:
    return next(
        (image[key] for key in _NAMES if image.get(key) and isinstance(image[key], str)), ""
    )


def _path(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/"))


def _number(text: str) -> str:
    """A number without zeros in front of it; any other text as it is."""
    return text.lstrip("0") or "0" if text.isascii() and text.isdigit() else text


def _incomplete(
    file: File, what: str, first: dict[str, Any], needed: tuple[str, str]
) -> DatasetError:
    has = " and ".join(f"{key} {first.get(key)!r}" for key in needed)
    return DatasetError(
        f"{file.name} is no complete COCO file: {what} need {' and '.join(needed)}, "
        f"the first has {has}"
    )


def _note(file: File, made: CocoLabels, reason: str) -> None:
    made.problems.append(Problem(file.name, reason, "noted"))
