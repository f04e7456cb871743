"""ITQ and LSH against faiss, same features, bits and number of seeds: mAP and seconds.

python -m benchmarks.studies.against_faiss [--sets cifar10-lossless coco18] [--bits 32] [--seeds 3]
    [--home FOLDER]

The real image sets are used where they lie beside the checkout, else the clusters of the method
contract. faiss does not centre for LSH, so both get features less their training mean; its ITQ also
scales features to unit length. Codes are measured by the same evaluator. One thread. Seconds are
those of fitting and encoding the database.

faiss's ITQ reaches less. Two things differ: it scales features to unit length before the principal
components, and its rotation step multiplies the singular vectors as U V where the paper's solution
is U V^T (ITQMatrix::train in VectorTransform.cpp). The row "ITQ, faiss's step" is a plain ITQ in
numpy with both: it must agree with faiss, as LSH must. It does not tell the two apart.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.studies.real_features import Data, Features, real_features
from models.codes import HashCodes
from models.contract import clusters
from models.method import TrainingSet
from models.registry import get_method
from pipeline.settings import Settings
from tests.shared_sets import NAMES

Encode = Callable[[Features], HashCodes]
Fit = Callable[[str, Features, int, int], Encode]
_ITQ_STEPS = 50  # the default of both


def ours(name: str, train: Features, bits: int, seed: int) -> Encode:
    """A fitted method of HashLens."""
    method = get_method(name)(bits, seed=seed).fit(TrainingSet((torch.from_numpy(train),)))
    return lambda features: method.encode(torch.from_numpy(features))


def ours_with_their_step(_name: str, train: Features, bits: int, seed: int) -> Encode:
    """ITQ in numpy as faiss has it: unit length, PCA, and U V in place of U V^T."""
    axes = np.linalg.svd(_unit(train), full_matrices=False)[2][:bits].T  # (d, bits)
    components = _unit(train) @ axes
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((bits, bits)))[0]
    for _ in range(_ITQ_STEPS):
        signs = np.where(components @ rotation.T < 0, -1.0, 1.0)
        left, _, right = np.linalg.svd(signs.T @ components)
        rotation = left @ right.T
    return lambda features: HashCodes.from_relaxed(_unit(features) @ axes @ rotation.T)


def theirs(name: str, train: Features, bits: int, seed: int) -> Encode:
    """The same method of faiss, trained."""
    if name == "lsh":
        index = faiss.IndexLSH(train.shape[1], bits, True)
        index.rrot.init(seed)
    else:
        index = faiss.index_factory(train.shape[1], f"ITQ{bits},LSH")
        faiss.downcast_VectorTransform(index.chain.at(0)).itq.seed = seed
        index.train(train)
    return lambda features: HashCodes(index.sa_encode(features), bits)


def _unit(features: Features) -> Features:
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def scores(
    fit: Fit, name: str, data: Data, bits: int, seeds: int
) -> tuple[NDArray[np.float64], float]:
    """MAP of each seed, and mean seconds to fit and to encode the database."""
    values, seconds = [], 0.0
    for seed in range(seeds):
        began = time.perf_counter()
        encode = fit(name, data.train, bits, seed)
        database = encode(data.database)
        seconds += time.perf_counter() - began
        values.append(data.mean_average_precision(encode(data.query), database))
    return np.array(values), seconds / seeds


def synthetic() -> Data:
    """The clusters of the method contract, each point queried against all."""
    features, labels = (part.numpy() for part in clusters())
    features = features - features.mean(axis=0)
    return Data(features, features, features, labels, labels)


def centred(data: Data) -> Data:
    """The same less the mean of the training features."""
    mean = data.train.mean(axis=0)
    parts = (data.train, data.query, data.database)
    return Data(
        *(np.ascontiguousarray(part - mean) for part in parts),
        data.query_labels,
        data.database_labels,
    )


PAIRS: tuple[tuple[str, str, Fit], ...] = (  # title, faiss's method, our side
    ("LSH", "lsh", ours),
    ("ITQ", "itq", ours),
    ("ITQ, faiss's step", "itq", ours_with_their_step),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=NAMES, default=["cifar10-lossless", "coco18"])
    parser.add_argument("--bits", nargs="+", type=int, default=[32])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--home", type=Path, help="Keep data and features here, for the next time.")
    options = parser.parse_args()
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    settings = Settings(home=options.home or Path(tempfile.mkdtemp(prefix="hashlens-bench-")))
    found = {name: real_features(name, settings) for name in options.sets}
    sets = {name: centred(data) for name, data in found.items() if data is not None}
    names = ("set", "method", "bits", "mAP %", "faiss mAP %", "ratio", "s", "faiss s", "ratio")
    print(f"| {' | '.join(names)} |\n|{' --- |' * len(names)}")
    for name, data in (sets or {"clusters": synthetic()}).items():
        for title, method, fit in PAIRS:
            for bits in options.bits:
                _print_row(name, title, method, fit, bits, data, options.seeds)


def _print_row(
    name: str, title: str, method: str, fit: Fit, bits: int, data: Data, seeds: int
) -> None:
    (own, own_s), (other, other_s) = (
        scores(one, method, data, bits, seeds) for one in (fit, theirs)
    )
    spreads = [
        f"{100 * values.mean():.1f} ± {100 * values.std(ddof=1) if seeds > 1 else 0:.1f}"
        for values in (own, other)
    ]
    cells = [
        name,
        title,
        bits,
        *spreads,
        f"{own.mean() / other.mean():.3f}",
    ]
    cells += [f"{own_s:.2f}", f"{other_s:.2f}", f"{own_s / other_s:.2f}"]
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
