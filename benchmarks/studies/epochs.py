"""Epochs of the deep methods: mAP on validation images cut from the training sets.

python -m benchmarks.studies.epochs [--sets coco18 cifar10-lossless] [--methods csq dch]
    [--epochs 60 30] [--seeds 2] [--bits 32] [--home FOLDER]

600 images of the training set, drawn at random, are the queries; the other images that may be
searched are the database, and those of them in the training set train. The queries of the protocol
are not touched. The real image sets are used where they lie beside the checkout, else the clusters
of the method contract, of which a quarter are queries. Methods that learn from several views are
left out. On coco18 the second figure is that without `person`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.studies.quality import FREQUENT
from models.backbones.registry import load_backbone
from models.contract import clusters
from models.deep import DeepHashMethod
from models.method import HashMethod, TrainingSet
from models.registry import get_method, list_methods
from pipeline.datasets.protocols import PROTOCOLS
from pipeline.datasets.split import make_split
from pipeline.evaluation.metrics import average_precision
from pipeline.evaluation.ranking import Counts, Labels, hamming_histograms
from pipeline.features import FeatureCache
from pipeline.ingest.ingest import import_dataset
from pipeline.settings import Settings
from tests.shared_sets import open_shared

QUERIES, SETS = 600, ("coco18", "cifar10-lossless")


@dataclass(frozen=True)
class Cut:
    """Features (n, d) and labels (n, C), and which rows are validation queries or train.

    Attributes:
        is_query: (n,); the other rows are the database.
        is_train: (n,), none of them a query.
        frequent: column of a label to leave out in a second figure; None: no second figure.
        augmented: features (n_train, d) of augmented views of the training images.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.bool_]
    is_query: NDArray[np.bool_]
    is_train: NDArray[np.bool_]
    frequent: int | None = None
    augmented: tuple[NDArray[np.float32], ...] = ()


def cut(name: str, settings: Settings, n_views: int = 0) -> Cut | None:
    """The searchable images of a set, 600 of the training images as queries; None: not there.

    Args:
        name: of the set.
        settings: where data and features are kept.
        n_views: augmented views to make of each training image.
    """
    source = open_shared(name)
    if source is None:
        return None
    dataset = import_dataset(source, settings)
    label_set = dataset.label_set()
    split = make_split(dataset, PROTOCOLS["given"], label_set, seed=0)
    query = np.random.default_rng(0).choice(split.train, QUERIES, replace=False)
    cache = FeatureCache(load_backbone("efficientnet_lite0"), settings)
    frequent = label_set.column(FREQUENT[name]) if name in FREQUENT else None
    is_query = np.isin(split.database, query)
    is_train = np.isin(split.database, split.train) & ~is_query
    rows = split.database
    return Cut(
        cache.get(dataset)[rows],
        dataset.labels(label_set)[rows],
        is_query,
        is_train,
        frequent,
        cache.augmented_views(dataset, rows[is_train], n_views),
    )


def synthetic() -> Cut:
    """The clusters of the method contract, every fourth point a query."""
    features, labels = (part.numpy() for part in clusters())
    is_query = np.arange(len(features)) % 4 == 0
    return Cut(features, labels, is_query, ~is_query)


def measured(
    method: type[HashMethod], part: Cut, bits: int, config: Mapping[str, object], seed: int
) -> list[float]:
    """The `figures` of a fit on the training images."""
    is_supervised = method.card.supervision == "supervised"
    labels = torch.from_numpy(part.labels[part.is_train]) if is_supervised else None
    views = (part.features[part.is_train], *part.augmented[: method.card.views - 1])
    fitted = method(bits, method.Config.model_validate(config), seed=seed).fit(
        TrainingSet(tuple(torch.from_numpy(np.array(view)) for view in views), labels)
    )
    query, database = (
        fitted.encode(torch.from_numpy(part.features[rows]))
        for rows in (part.is_query, ~part.is_query)
    )
    return figures(part, lambda *labels: [hamming_histograms(query, database, *labels)])


def figures(part: Cut, count: Callable[[Labels, Labels], Iterable[Counts]]) -> list[float]:
    """mAP@all in percent, and that without the frequent label where there is one.

    Args:
        part: the images.
        count: ranks the database, block of queries by block, from the labels of both.
    """
    wanted = [part.labels]
    if part.frequent is not None:
        wanted.append(np.delete(part.labels, part.frequent, axis=1))
    found = []
    for one in wanted:
        blocks = count(one[part.is_query], one[~part.is_query])
        precision = np.concatenate([average_precision(block) for block in blocks])
        has_label = one[part.is_query].any(axis=1)
        found.append(100 * float(precision[has_label].mean()))
    return found


def main() -> None:
    able = [
        name
        for name in list_methods()
        if issubclass(get_method(name), DeepHashMethod) and get_method(name).card.views == 1
    ]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--methods", nargs="+", choices=able, default=able)
    parser.add_argument("--epochs", nargs="+", type=int, default=[60, 30])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--bits", type=int, default=32)
    parser.add_argument("--home", type=Path, help="Keep data and features here, for the next time.")
    options = parser.parse_args()
    settings = Settings(home=options.home or Path(tempfile.mkdtemp(prefix="hashlens-bench-")))
    found = {name: cut(name, settings) for name in options.sets}
    sets = {name: part for name, part in found.items() if part is not None}
    sets = sets or {"clusters": synthetic()}
    names = ["method", *(f"{name}, {epochs}" for name in sets for epochs in options.epochs)]
    print(f"| {' | '.join(names)} |\n|{' --- |' * len(names)}")
    for name in options.methods:
        method = get_method(name)
        cells = [method.card.title]
        for part in sets.values():
            for epochs in options.epochs:
                seeds = range(options.seeds)
                values = [
                    measured(method, part, options.bits, {"epochs": epochs}, seed) for seed in seeds
                ]
                cells.append(cell(np.array(values)))
        print(f"| {' | '.join(cells)} |", flush=True)


def cell(values: NDArray[np.float64]) -> str:
    """Mean and spread over the seeds (rows) of each figure (columns)."""
    spread = values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1])
    return " / ".join(
        f"{mean:.1f} ± {one:.1f}" for mean, one in zip(values.mean(axis=0), spread, strict=True)
    )


if __name__ == "__main__":
    main()
