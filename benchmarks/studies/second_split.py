"""DFADH and others on a second split of COCO-18, of images that are no queries in the first.

python -m benchmarks.studies.second_split [--methods dfadh hyp2 orthohash csq dpn] [--bits 16 32 64]
    [--seeds 3] [--home FOLDER]

`person` is on 56 % of the set; here 1,500 of its images are drawn beside all others, so that it is
on a third. 800 queries, the others are the database, three quarters of which train.
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.studies.real_features import Data, real_features
from models.method import HashMethod, TrainingSet
from models.registry import get_method, list_methods
from pipeline.evaluation import metrics
from pipeline.evaluation.ranking import Counts, hamming_histograms
from pipeline.settings import Settings

FREQUENT, QUERIES, TRAINING = 1500, 800, 0.75
SEED = 11
COLUMNS = ("bits", "method", "mAP %", "without person %", "NDCG@100", "ACG@100")


def main() -> None:
    options = _options()
    settings = Settings(home=options.home or Path(tempfile.mkdtemp(prefix="hashlens-bench-")))
    data = real_features("coco18", settings)
    if data is None:
        print("coco18 is not there")
        return
    query, database = second_split(data)
    train = database[: int(TRAINING * len(database))]
    labels = data.database_labels
    print(
        f"{len(query)} queries, {len(database):,} in the database, {len(train):,} train; ", end=""
    )
    shown = np.concatenate([query, database])
    print(f"the most frequent label is on {labels[shown].mean(0).max():.0%}\n")
    print(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}")
    training = TrainingSet(
        (torch.from_numpy(data.database[train]),), torch.from_numpy(labels[train])
    )
    for bits, name in product(options.bits, options.methods):
        values = np.array(
            [
                measured(get_method(name)(bits, seed=seed).fit(training), data, query, database)
                for seed in range(options.seeds)
            ]
        )
        spread = values.std(0, ddof=1) if options.seeds > 1 else np.zeros(4)
        cells = [
            f"{mean:.{digits}f} ± {error:.{digits}f}"
            for mean, error, digits in zip(values.mean(0), spread, (1, 1, 3, 3), strict=True)
        ]
        print(f"| {bits} | {name} | {' | '.join(cells)} |", flush=True)


def second_split(data: Data) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of queries and of the database, among the images of the first split's database."""
    rng = np.random.default_rng(SEED)
    labels = data.database_labels
    frequent = labels[:, labels.sum(0).argmax()]
    some = rng.permutation(np.flatnonzero(frequent))[:FREQUENT]
    kept = rng.permutation(np.concatenate([some, rng.permutation(np.flatnonzero(~frequent))]))
    return kept[:QUERIES], kept[QUERIES:]


def measured(
    method: HashMethod, data: Data, query: NDArray[np.int64], database: NDArray[np.int64]
) -> tuple[float, float, float, float]:
    """MAP, mAP without the most frequent label (both in percent), NDCG@100 and ACG@100."""
    labels = data.database_labels
    codes = [method.encode(torch.from_numpy(data.database[rows])) for rows in (query, database)]

    def counts(columns: NDArray[np.bool_]) -> Counts:
        kept = labels[:, columns]
        return hamming_histograms(*codes, kept[query], kept[database], threads=1)

    rest = np.arange(labels.shape[1]) != labels.sum(0).argmax()
    every, without = counts(np.ones_like(rest)), counts(rest)
    has_other = labels[query][:, rest].any(1)
    return (
        100 * float(metrics.average_precision(every).mean()),
        100 * float(metrics.average_precision(without)[has_other].mean()),
        float(metrics.ndcg_at(every, 100).mean()),
        float(metrics.acg_at(every, 100).mean()),
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    default = ["dfadh", "hyp2", "orthohash", "csq", "dpn"]
    parser.add_argument("--methods", nargs="+", choices=list_methods(), default=default)
    parser.add_argument("--bits", nargs="+", type=int, default=[16, 32, 64])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--home", type=Path, help="Keep data and features here.")
    return parser.parse_args()


if __name__ == "__main__":
    main()
