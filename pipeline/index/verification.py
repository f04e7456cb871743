"""Whether an index holds what it was built from: codes, and features where it keeps some."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.evaluation.ranking import ranked
from pipeline.index.index_features import IndexFeatures
from pipeline.index.store.base import CodeStore, StoreError

N_PROBES = 20  # queries compared with brute force before a version goes live
_PROBE_DEPTH = 10
_MAX_DEVIATION = 0.02  # of a cosine of features kept in one byte per value


class WrongCodes(StoreError):  # noqa: N818 - the name says what is wrong
    """An index does not hold the codes of its run, or the features of its images."""


def verify_index(collection: str, store: CodeStore, codes: HashCodes) -> None:
    """Compare the count, and the distances of some searches, with the codes that it was built from.

    Raises:
        WrongCodes: they differ.
        StoreError: the store does not answer.
    """
    stored = store.count(collection)
    if stored != len(codes):
        raise WrongCodes(f"{collection} holds {stored} codes instead of {len(codes)}")
    probes = codes[_probes(len(codes))]
    depth = min(_PROBE_DEPTH, len(codes))
    _, expected = ranked(probes, codes, depth)
    for row in range(len(probes)):
        distances = [hit.distance for hit in store.search(collection, probes[[row]], depth).hits]
        if distances != expected[row].tolist():
            raise WrongCodes(
                f"{collection} returns distances {distances} where the codes give "
                f"{expected[row].tolist()}"
            )


def verify_features(
    collection: str,
    store: CodeStore,
    codes: HashCodes,
    rows: NDArray[np.int64],
    features: IndexFeatures,
) -> None:
    """Compare the cosines of some searches with those of the features it was built from.

    Args:
        collection: by name or alias.
        store: holds it.
        codes: (n) it was built from.
        rows: (n,) manifest rows of the codes.
        features: of the images.

    Raises:
        WrongCodes: they differ by more than the precision of what is stored.
        StoreError: the store does not answer.
    """
    for probe in _probes(len(codes)).tolist():
        query = features.cosine.of_row(int(rows[probe]))
        hits = store.rescored(collection, codes[[probe]], query, _PROBE_DEPTH).hits
        found = np.array([hit.cosine for hit in hits], np.float64)
        hit_rows = np.array([int(str(hit.payload["row"])) for hit in hits], np.int64)
        deviation = np.abs(found + features.cosine.values(query)(hit_rows)).max(initial=0.0)
        if not deviation <= _MAX_DEVIATION:
            raise WrongCodes(
                f"{collection} gives cosines that differ by {deviation:.3f} from those of the "
                "features"
            )


def _probes(n_codes: int) -> NDArray[np.int64]:
    return np.linspace(0, n_codes - 1, N_PROBES).astype(np.int64)
