"""Which image each vector is of: by id, by the end of a path, or by order."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.dataset import DatasetError, RetrievalDataset
from pipeline.ingest.finding import NameIndex
from pipeline.ingest.stored_names import stored_files
from pipeline.wording import plural

_SHOWN = 3


@dataclass(frozen=True)
class Matched:
    """Vectors with their images.

    Attributes:
        places: (m,) rows of the vectors that are of an image.
        rows: (m,) manifest rows of these images.
        lacking: manifest rows of images without a vector.
        unknown: ids of vectors that are of no image of the data set.
        notes: how they were matched.
    """

    places: NDArray[np.int64]
    rows: NDArray[np.int64]
    lacking: NDArray[np.int64]
    unknown: tuple[str, ...]
    notes: tuple[str, ...]


def id_text(value: Any) -> str:
    """An id as text: bytes decoded, whole numbers without a fraction, blanks around it gone."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    return "" if value is None else str(value).strip().strip("\0")


def check_distinct(ids: Sequence[str]) -> None:
    """Refuse ids that are missing or occur twice.

    Raises:
        DatasetError: some are.
    """
    if n_empty := sum(not name for name in ids):
        raise DatasetError(f"ids are missing for {n_empty:,} of {plural(len(ids), 'vector')}")
    twice = [name for name, n in Counter(ids).items() if n > 1]
    if twice:
        raise DatasetError(
            f"ids that occur more than once: {len(twice):,}, such as {_some(twice)}; each image "
            "has one vector"
        )


def by_order(n: int, dataset: RetrievalDataset) -> Matched:
    """Vectors in the order of the images.

    Raises:
        DatasetError: there are not as many.
    """
    if n != len(dataset):
        raise DatasetError(
            f"{plural(n, 'vector')} without ids, and {dataset.info.name!r} has "
            f"{plural(len(dataset), 'image')} (copies and damaged files were left out when it was "
            "imported); name the images with --ids"
        )
    names = dataset.manifest["image_id"]
    note = (
        "no ids: taken in the order of the images, the first vector for "
        f"{names.iloc[0]}, the last for {names.iloc[-1]}"
    )
    every = np.arange(n)
    return Matched(every, every, np.zeros(0, np.int64), (), (note,))


def by_id(ids: Sequence[str], dataset: RetrievalDataset) -> Matched:
    """Vectors by the ids or paths of their images, one to one.

    An id that is no image's name as it stands is looked for by the longest common end of the path,
    as label files are joined.

    Raises:
        DatasetError: ids occur twice, several fall on one image, or none is of an image.
    """
    check_distinct(ids)
    found, how = _found(ids, dataset)
    _drop_other_folders(ids, found, how, dataset)
    _drop_weaker(ids, found, how, dataset)
    places = np.array([place for place, row in enumerate(found) if row is not None], np.int64)
    rows = np.array([row for row in found if row is not None], np.int64)
    unknown = tuple(name for name, row in zip(ids, found, strict=True) if row is None)
    if not len(rows):
        names = dataset.manifest["image_id"].iloc[:_SHOWN]
        raise DatasetError(
            f"no id is of an image of {dataset.info.name!r}: the ids are like {_some(ids)}, the "
            f"images like {_some(list(names))}"
        )
    ways = Counter(how[place] for place in places.tolist() if how[place])
    notes = [f"{n:,} ids found {way}" for way, n in ways.most_common()]
    notes.insert(0, f"{len(rows):,} of {plural(len(ids), 'vector')} matched by id")
    if unknown:
        notes.append(
            f"{plural(len(unknown), 'vector')} of no image of the data set, left out: "
            f"{_some(unknown)}"
        )
    lacking = np.setdiff1d(np.arange(len(dataset)), rows)
    return Matched(places, rows, lacking, unknown, tuple(notes))


def _found(ids: Sequence[str], dataset: RetrievalDataset) -> tuple[list[int | None], list[str]]:
    """The manifest row of each id, and how it was found; empty for its very name."""
    exact = {name: row for row, name in enumerate(dataset.manifest["image_id"])}
    found: list[int | None] = [exact.get(name) for name in ids]
    how = [""] * len(ids)
    if None not in found:
        return found, how
    files, row_of = stored_files(dataset)
    names = NameIndex(files)
    for place, name in enumerate(ids):
        if found[place] is None:
            match = names.find(re.sub(r"^file:/+", "/", name)) or names.by_number(name)
            if match is not None:
                found[place] = row_of[match.file.name]
                how[place] = match.how or "under another root"
    return found, how


def _drop_other_folders(
    ids: Sequence[str], found: list[int | None], how: Sequence[str], dataset: RetrievalDataset
) -> None:
    """Forget matches whose folders differ where others' do not.

    `val/1.jpg` for `test/1.jpg` is a folder that was renamed, when all are so; beside a match of
    another kind it is another image.
    """
    names = dataset.manifest["image_id"]
    roots: dict[tuple[str, str] | None, list[int]] = defaultdict(list)
    for place, row in enumerate(found):
        if row is not None:
            roots[_other_root(ids[place], names.iloc[row]) if how[place] else None].append(place)
    if len(roots) < 2:
        return
    for root, places in roots.items():
        if root is not None:
            for place in places:
                found[place] = None


def _other_root(name: str, image: str) -> tuple[str, str] | None:
    """What stands before the common end of two paths; None where one path ends like the other."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    others = image.split("/")
    n = 1  # the names themselves are known to mean the same
    while n < min(len(parts), len(others)) and parts[-n - 1] == others[-n - 1]:
        n += 1
    if n == len(parts) or n == len(others):
        return None
    return "/".join(parts[:-n]), "/".join(others[:-n])


def _drop_weaker(
    ids: Sequence[str], found: list[int | None], how: Sequence[str], dataset: RetrievalDataset
) -> None:
    """Of several ids that fall on one image keep the one that names it in full.

    Raises:
        DatasetError: none does.
    """
    of_row: dict[int, list[int]] = defaultdict(list)
    for place, row in enumerate(found):
        if row is not None:
            of_row[row].append(place)
    for row, places in of_row.items():
        if len(places) > 1:
            full = [place for place in places if not how[place]]
            if len(full) != 1:
                claims = _some([ids[place] for place in places])
                raise DatasetError(
                    f"{claims} all fall on the image {dataset.manifest['image_id'].iloc[row]}; "
                    "name images with as many folders as the data set does"
                )
            for place in places:
                if place != full[0]:
                    found[place] = None


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + ", ..." * (len(names) > _SHOWN)
