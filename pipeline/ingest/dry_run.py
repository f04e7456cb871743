"""The dry run: everything an import would do and find, with nothing stored in the library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.datasets.dataset import DatasetError, DatasetInfo, RetrievalDataset
from pipeline.datasets.problems import Problem
from pipeline.datasets.protocols import PROTOCOLS
from pipeline.datasets.split import make_split
from pipeline.datasets.split_choice import SplitChoice
from pipeline.ingest.add_images import compare
from pipeline.ingest.description import describe
from pipeline.ingest.ingest import same_content_as
from pipeline.ingest.layouts.reading import Guess, ReadOptions
from pipeline.ingest.near_duplicates import near_pairs
from pipeline.ingest.previews import Copy, Frozen, Thumb, look, look_again, thumbs_of
from pipeline.ingest.source import Source
from pipeline.progress import Progress, ignore_progress
from pipeline.settings import Settings

MOST_PAIRS = 500  # that are listed; all are counted
MOST_PICTURED = 24  # pairs with thumbnails, each of which reads two images once more
_SIDES = {True: "query", False: "database"}  # by whether an image is a query
SIZE_EDGES = (0, 32, 64, 128, 256, 512, 1024, 2048, 4096)  # pixels of the longer side


class NearPair(Frozen):
    """Two images that look alike; a leak when one is a query and the other is not.

    Attributes:
        first: name of an image.
        second: name of the other.
        distance: bits of 64 that their difference hashes differ in.
        is_leak: whether they are on both sides of the split.
        is_copy: whether their files have the same content, of which `first` is kept.
        sides: part of the split that each is in; empty where that does not matter.
    """

    first: str
    second: str
    distance: int
    is_leak: bool
    is_copy: bool = False
    sides: tuple[str, str] = ("", "")


class Plan(Frozen):
    """Outcome of an import, as a dry run foresees it.

    Attributes:
        info: the facts as the import would write them.
        guesses: layouts that fit, most likely first; empty for built-in sources.
        columns: columns of the table, empty without one.
        reading: how it was read, with what was found out filled in.
        n_files: items and files that are not taken.
        n_bytes: size of the items.
        classes: label set -> (class, images), most frequent first.
        n_unlabelled: images without a label in the first set.
        sizes: images whose longer side is below each of `SIZE_EDGES[1:]`; the last has the rest.
        parts: images in the query set, the database and the training set by the protocol.
        split_problem: why the protocol cannot split this; empty when it can.
        problems: files not taken as they are.
        near: copies across the split, then pairs that look alike, those across the split first;
            at most `MOST_PAIRS`.
        n_near: how many look alike.
        n_leaks: images named on both sides of the split, and exact and near pairs across it.
        notes: how the source was understood, where that is not plain.
        warnings: readings that were probably not meant.
        doubt: why the import has to be confirmed; empty for no reason.
        n_known: images that the data set to add to has already.
        same_as: the data set that has this content already; empty for none.
        thumbs: some of the images.
        pair_thumbs: the images of the first `MOST_PICTURED` pairs; a copy has that of `first`.
    """

    info: DatasetInfo
    guesses: tuple[Guess, ...]
    columns: tuple[str, ...]
    reading: ReadOptions
    n_files: int
    n_bytes: int
    classes: dict[str, tuple[tuple[str, int], ...]]
    n_unlabelled: int
    sizes: tuple[int, ...]
    parts: dict[str, int]
    split_problem: str
    problems: tuple[Problem, ...]
    near: tuple[NearPair, ...]
    n_near: int
    n_leaks: int
    same_as: str
    thumbs: tuple[Thumb, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    doubt: str = ""
    n_known: int = 0
    pair_thumbs: tuple[Thumb, ...] = ()

    @property
    def n_duplicates(self) -> int:
        """Files with the content of another."""
        return sum(problem.is_a("duplicate") for problem in self.problems)


def make_plan(
    source: Source,
    settings: Settings,
    *,
    split: SplitChoice = SplitChoice(),
    into: RetrievalDataset | None = None,
    guesses: Sequence[Guess] = (),
    columns: Sequence[str] = (),
    reading: ReadOptions = ReadOptions(),
    on_progress: Progress = ignore_progress,
) -> Plan:
    """Read and check every image as the import would, storing nothing.

    Args:
        source: source that would be imported.
        settings: say where the library is; read only, to recognise what is there.
        split: how it would be split.
        into: the data set to add to; None for a new one.
        guesses: layouts that the source may have.
        columns: columns of its table.
        reading: how it was read.
        on_progress: called with images done and images in all.

    Raises:
        DatasetError: no image could be taken, the split does not fit, or the label sets are other
            ones than those of `into`.
    """
    rows, hashes, thumbs, copies = look(source, settings.threads, on_progress)
    known = into.info.value_ranges if into else None
    info, manifest, problems = describe(source, rows, split, known or ())
    look_again(source, rows, info.value_ranges or (), hashes, thumbs)
    near = near_pairs(np.array(hashes, dtype=np.uint64))
    parts, sides, split_problem = _parts(RetrievalDataset(info, manifest, Path()))
    pairs = [*map(_copied, copies), *_pairs(near, manifest["image_id"].tolist(), sides)]
    growth = None if into is None else compare(into, manifest, source.kinds)
    exact_leaks = sum(problem.is_a("leak") for problem in problems)
    return Plan(
        info=info,
        guesses=tuple(guesses),
        columns=tuple(columns),
        reading=reading,
        n_files=len(source.items) + sum(p.action == "skipped" for p in source.problems),
        n_bytes=sum(item.size for item in source.items),
        classes={labels.name: _counts(manifest, labels.name) for labels in info.label_sets},
        n_unlabelled=_n_unlabelled(manifest, info),
        sizes=_sizes(manifest),
        parts=parts,
        split_problem=split_problem,
        problems=(*problems, *(growth.relabelled if growth else ())),
        near=tuple(pairs[:MOST_PAIRS]),
        n_near=len(near),
        n_leaks=exact_leaks + sum(pair.is_leak and not pair.is_copy for pair in pairs),
        same_as=same_content_as(info.fingerprint, settings),
        thumbs=tuple(thumbs),
        pair_thumbs=thumbs_of(_pictured(pairs), source, info.value_ranges or (), on_progress),
        notes=tuple(source.notes),
        warnings=(*source.warnings, *(growth.warnings if growth else ())),
        doubt=source.doubt,
        n_known=0 if growth is None else len(manifest) - len(growth.new),
    )


def _pairs(
    near: Sequence[tuple[int, int, int]], names: Sequence[str], sides: Sequence[bool]
) -> list[NearPair]:
    """Pairs of rows and their distance in words, those across the split first."""
    pairs = [
        NearPair(
            first=names[first],
            second=names[other],
            distance=distance,
            is_leak=is_leak,
            sides=(_SIDES[sides[first]], _SIDES[sides[other]]) if is_leak else ("", ""),
        )
        for first, other, distance in near
        for is_leak in [sides[first] != sides[other]]
    ]
    return sorted(pairs, key=lambda pair: not pair.is_leak)


def _copied(copy: Copy) -> NearPair:
    """Two files with the same content on both sides of the split."""
    return NearPair(
        first=copy.kept.image_id,
        second=copy.dropped.image_id,
        distance=0,
        is_leak=True,
        is_copy=True,
        sides=(copy.kept.split, copy.dropped.split),
    )


def _pictured(pairs: Sequence[NearPair]) -> list[str]:
    """Names of the images that the first pairs are shown by."""
    return [
        name
        for pair in pairs[:MOST_PICTURED]
        for name in (pair.first, *(() if pair.is_copy else (pair.second,)))
    ]


def _parts(dataset: RetrievalDataset) -> tuple[dict[str, int], list[bool], str]:
    """Sizes of the parts under the default protocol, which rows are queries, and what hinders."""
    info = dataset.info
    labels = info.label_sets[0] if info.label_sets else None
    is_query = np.zeros(len(dataset), bool)
    try:
        split = make_split(dataset, PROTOCOLS[info.default_protocol], labels, info.split_seed)
    except DatasetError as error:
        return {}, is_query.tolist(), str(error)
    is_query[split.query] = True
    parts = {name: len(getattr(split, name)) for name in ("query", "database", "train")}
    return parts, is_query.tolist(), ""


def _counts(manifest: pd.DataFrame, name: str) -> tuple[tuple[str, int], ...]:
    counted = Counter(label for labels in manifest[f"labels:{name}"] for label in labels)
    return tuple(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))


def _n_unlabelled(manifest: pd.DataFrame, info: DatasetInfo) -> int:
    if not info.label_sets:
        return len(manifest)
    return sum(not len(labels) for labels in manifest[f"labels:{info.label_sets[0].name}"])


def _sizes(manifest: pd.DataFrame) -> tuple[int, ...]:
    longer = manifest[["width", "height"]].max(axis=1).to_numpy()
    place = np.searchsorted(SIZE_EDGES, longer, side="right") - 1
    return tuple(np.bincount(place, minlength=len(SIZE_EDGES)).tolist())
