"""Codecs: what stores a vector in fewer bytes, with the scan that searches what is stored.

faiss does the work. The one room that imports it, since it loads a second library of threads.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes

Vectors = NDArray[np.float32]
_REPEATS = 5
_TOP = 100  # results of a search
_BYTE = 8
_OPQ_ROUNDS = 10  # of 50: the squared error is 0 to 2.5 % larger, at a third of the time


@dataclass(frozen=True, eq=False)
class Codec:
    """A trained codec of vectors (n, d), compared with a real-valued query by inner product.

    Attributes:
        index: of faiss, empty.
        is_signs: whether a code holds the signs alone.
    """

    index: faiss.Index
    is_signs: bool = False

    @property
    def code_bytes(self) -> int:
        """Bytes of a vector's code."""
        return int(self.index.sa_code_size())

    def encode(self, vectors: Vectors) -> NDArray[np.uint8]:
        """Codes (n, code_bytes) of vectors (n, d)."""
        if self.is_signs:
            return HashCodes.from_relaxed(vectors).packed
        codes: NDArray[np.uint8] = self.index.sa_encode(np.ascontiguousarray(vectors, np.float32))
        return codes

    def decode(self, codes: NDArray[np.uint8], d: int) -> Vectors:
        """Vectors (n, d) that codes stand for: what a search compares a query with."""
        vectors: Vectors = self.index.sa_decode(np.ascontiguousarray(codes))
        return vectors[:, :d]

    def search_s(self, codes: NDArray[np.uint8], queries: Vectors) -> float:
        """Seconds to scan all codes for a query of `queries` (q, d) on one core.

        The fastest of a few scans, since whatever disturbs a measurement makes it longer.
        """
        width = self.index.d - queries.shape[1]
        padded = np.pad(np.asarray(queries, np.float32), ((0, 0), (0, width)))
        searched = faiss.clone_index(self.index)
        stored = searched
        if isinstance(searched, faiss.IndexPreTransform):
            stored = faiss.downcast_index(searched.index)
        stored.add_sa_codes(np.ascontiguousarray(codes))
        searched.ntotal = stored.ntotal
        best = float("inf")
        with _one_thread():
            for _ in range(_REPEATS):
                began = time.perf_counter()
                for query in padded:
                    searched.search(query[None], min(_TOP, len(codes)))
                best = min(best, time.perf_counter() - began)
        return best / len(queries)


def train_codec(key: str, train: Vectors, seed: int) -> Codec:
    """Train a codec of faiss.

    Args:
        key: of faiss's `index_factory`, for example `SQ8` or `PQ16np`; behind `OPQ,` or `RR,` the
            vectors are rotated before, as suits product quantization or at random.
        train: vectors (n, d) that it is trained on.
        seed: of clustering and of random rotations.
    """
    d, (rotation, _, stored) = train.shape[1], key.rpartition(",")
    index = faiss.index_factory(d, stored, faiss.METRIC_INNER_PRODUCT)
    with _one_thread():
        if isinstance(index, faiss.IndexPQ):
            _cluster_with(index.pq, seed)
        if rotation:
            index = faiss.IndexPreTransform(_rotation(rotation, index, train, seed), index)
        index.train(train)
    return Codec(index)


def _rotation(name: str, index: faiss.Index, train: Vectors, seed: int) -> faiss.LinearTransform:
    d = train.shape[1]
    if name == "RR":
        random = faiss.RandomRotationMatrix(d, d)
        random.init(seed)
        return random
    if name != "OPQ" or not isinstance(index, faiss.IndexPQ):
        raise ValueError(f"there is no rotation {name!r} of {type(index).__name__}")
    learned = faiss.OPQMatrix(d, index.pq.M)
    learned.niter = _OPQ_ROUNDS
    pq = faiss.ProductQuantizer(d, index.pq.M, index.pq.nbits)
    _cluster_with(pq, seed)
    learned.pq = pq  # read while it trains, and no longer
    learned.train(train)
    learned.pq = None
    return learned


def signs(d: int) -> Codec:
    """The codec of signs, a bit per value: its scan adds up what each byte of a code is worth.

    A product quantizer whose 256 centroids of 8 values each are all patterns of signs, so that a
    `HashCodes` is a code of it. Nothing is trained.
    """
    n_bytes = -(-d // _BYTE)
    index = faiss.IndexPQ(_BYTE * n_bytes, n_bytes, _BYTE, faiss.METRIC_INNER_PRODUCT)
    patterns = HashCodes(np.arange(256, dtype=np.uint8)[:, None], _BYTE).signs()
    centroids = np.tile(patterns, (n_bytes, 1)).astype(np.float32)
    faiss.copy_array_to_vector(centroids.ravel(), index.pq.centroids)
    index.is_trained = True
    return Codec(index, is_signs=True)


def binary_index(codes: HashCodes) -> bytes:
    """A file of faiss, for `read_index_binary`, that searches codes (n) by Hamming distance.

    The padding of codes is 0 in all of them, so that distances are those of the codes.
    """
    index = faiss.IndexBinaryFlat(_BYTE * codes.packed.shape[1])
    index.add(np.ascontiguousarray(codes.packed))
    return bytes(faiss.serialize_index_binary(index).tobytes())


def _cluster_with(pq: faiss.ProductQuantizer, seed: int) -> None:
    pq.cp.seed = seed
    pq.cp.min_points_per_centroid = 1  # `Alternative.obstacle` is what refuses too few


@contextmanager
def _one_thread() -> Iterator[None]:
    """Times are of one core, and results do not depend on how many there are."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
