"""Near-duplicates: groups of images that a chain of small distances joins.

By the codes of a run, by perceptual hash (pHash) or by difference hash (dHash). The two hashes are
computed once for each data set:

    duplicates/<data set>.npz   sha256 (n,), pHash and dHash (n, 8) packed
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from models.codes import HashCodes
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.files import write_atomic
from pipeline.progress import Progress, ignore_progress
from pipeline.runs.image_descriptors import described, difference_signs, perceptual_hash
from pipeline.settings import Settings

TAG = "duplicate"  # put on the images of a group but the one that is kept
MOST_PAIRS = 500_000  # joined; where a distance gives more, it is too wide to mean anything
MOST_COMPARED = 100_000  # codes that are compared pair by pair, in half a minute
_WIDEST = 12  # bits: hashes of 64 that differ in more are of other pictures
_CELLS = 16_000_000  # pairs that are compared at once
_HASHES = {"pHash": 0, "dHash": 1}


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of images within a few bits of each other.

    Attributes:
        first, second: (p,) places of the two, the first is less.
        distances: (p,) bits that differ, in rising order.
        n: images compared.
        widest: largest distance at which all pairs are here.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    distances: NDArray[np.int64]
    n: int
    widest: int

    def groups(self, distance: int) -> list[NDArray[np.int64]]:
        """Places of each group at a distance, the largest group first, then by place."""
        near = self.distances <= distance
        ends = np.stack([self.first[near], self.second[near]])
        members, edges = np.unique(ends, return_inverse=True)
        if not len(members):
            return []
        first, second = edges.reshape(ends.shape)
        shape = (len(members), len(members))
        graph = coo_array((np.ones(len(first), bool), (first, second)), shape=shape)
        _, group = connected_components(graph, directed=False)
        order = np.argsort(group, kind="stable")
        parts = np.split(members[order], np.flatnonzero(np.diff(group[order])) + 1)
        return sorted(parts, key=lambda part: (-len(part), part[0]))

    def counts(self) -> list[int]:
        """How many groups there are at each distance from 0 to `widest`."""
        return [len(self.groups(distance)) for distance in range(self.widest + 1)]


def near_pairs(codes: HashCodes) -> Pairs:
    """All pairs of codes (n) within 12 bits, or fewer where that would be more than 500,000.

    Of more than `MOST_COMPARED` codes, equal ones alone: each is paired with the next.
    """
    if len(codes) > MOST_COMPARED:
        return _equal(codes)
    words, n = codes.words(), len(codes)
    widest = min(_WIDEST, codes.bits // 4)
    at_distance = np.zeros(codes.bits + 1, np.int64)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = []
    for start, distances in _blocks(words):
        at_distance += np.bincount(distances.ravel(), minlength=len(at_distance))[: codes.bits + 1]
        widest = _within(at_distance, widest)
        rows, columns = np.nonzero(distances <= widest)
        found.append((rows + start, columns + start, distances[rows, columns].astype(np.int64)))
    first, second, distance = (np.concatenate(part) for part in zip(*found, strict=True))
    kept = (distance <= widest) & (first < second)
    order = np.lexsort((second[kept], first[kept], distance[kept]))
    return Pairs(first[kept][order], second[kept][order], distance[kept][order], n, widest)


def _equal(codes: HashCodes) -> Pairs:
    _, code = np.unique(codes.words(), axis=0, return_inverse=True)
    order = np.argsort(code, kind="stable")
    is_next = np.diff(code[order]) == 0
    first, second = order[:-1][is_next], order[1:][is_next]
    by_place = np.argsort(first, kind="stable")
    none = np.zeros(len(first), np.int64)
    return Pairs(first[by_place], second[by_place], none, len(codes), widest=0)


def stored_hashes(dataset: RetrievalDataset, settings: Settings) -> dict[str, HashCodes] | None:
    """PHash and dHash (n) of all images by name; None where some have none yet."""
    known = _read(_path(dataset, settings))
    digests = [bytes.fromhex(sha256) for sha256 in dataset.manifest["sha256"]]
    if any(digest not in known for digest in digests):
        return None
    packed = np.stack([known[digest] for digest in digests])
    return {
        name: HashCodes(np.ascontiguousarray(packed[:, place]), 64)
        for name, place in _HASHES.items()
    }


def compute_hashes(
    dataset: RetrievalDataset, settings: Settings, on_progress: Progress = ignore_progress
) -> None:
    """Compute pHash and dHash of the images that have none yet, and keep them.

    Raises:
        ImageError: an image cannot be read, or the data set has no pictures.
        OSError: they cannot be kept.
    """
    path = _path(dataset, settings)
    known = _read(path)
    digests = [bytes.fromhex(sha256) for sha256 in dataset.manifest["sha256"]]
    missing = np.array([row for row, digest in enumerate(digests) if digest not in known])
    if not len(missing):
        return
    bits = described(dataset, missing, _both, settings.threads, on_progress)
    packed = np.packbits(bits > 0, axis=1).reshape(len(missing), 2, 8)
    known |= dict(zip((digests[row] for row in missing), packed, strict=True))
    content = io.BytesIO()
    keys = np.frombuffer(b"".join(known), np.uint8).reshape(-1, 32)
    np.savez(content, sha256=keys, hashes=np.stack(list(known.values())))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, content.getvalue())


def duplicate_table(
    dataset: RetrievalDataset, groups: list[NDArray[np.int64]], codes: HashCodes
) -> pd.DataFrame:
    """A row per image in a group.

    Columns group, keep (yes for the first of each), image, sha256, distance (bits to the first).

    Args:
        dataset: whose images.
        groups: manifest rows of each.
        codes: of all images (n), by which they were found.
    """
    parts = []
    for number, rows in enumerate(groups, 1):
        chosen = dataset.manifest.iloc[rows]
        parts.append(
            pd.DataFrame(
                {
                    "group": number,
                    "keep": ["yes"] + ["no"] * (len(rows) - 1),
                    "image": chosen["image_id"].to_numpy(),
                    "sha256": chosen["sha256"].to_numpy(),
                    "distance": codes[rows[:1]].hamming(codes[rows])[0],
                }
            )
        )
    columns = ["group", "keep", "image", "sha256", "distance"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _blocks(words: NDArray[np.uint64]) -> Iterator[tuple[int, NDArray[np.uint16]]]:
    """Distances of successive images to themselves and all that follow, (b, n - start)."""
    n = len(words)
    start = 0
    while start < n:
        stop = min(n, start + max(1, _CELLS // (n - start)))
        distances = np.zeros((stop - start, n - start), np.uint16)
        for word in range(words.shape[1]):
            differing = words[start:stop, None, word] ^ words[None, start:, word]
            distances += np.bitwise_count(differing)
        yield start, distances
        start = stop


def _within(at_distance: NDArray[np.int64], widest: int) -> int:
    """The largest distance within which there are not too many pairs; at least 0."""
    within = np.cumsum(at_distance)
    while widest > 0 and within[widest] > MOST_PAIRS:
        widest -= 1
    return widest


def _both(image: Image.Image) -> NDArray[np.float32]:
    """The 128 signs of both hashes."""
    return np.concatenate([perceptual_hash(image), difference_signs(image)])


def _path(dataset: RetrievalDataset, settings: Settings) -> Path:
    return settings.home / "duplicates" / f"{dataset.info.name}.npz"


def _read(path: Path) -> dict[bytes, NDArray[np.uint8]]:
    """Hashes (2, 8) by content; none where the file is missing or damaged: they are computed."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            keys = [key.tobytes() for key in stored["sha256"]]
            return dict(zip(keys, stored["hashes"], strict=True))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}
