"""Nearest images by cosine: agreement with faiss; graded against flat gain.

python -m benchmarks.studies.neighbours [--sets openmoji cifar10-lossless caltech99 coco18]
    [--home FOLDER]

First the ten nearest of each set by faiss's exact index beside ours: the similarity at each rank,
so that equal ones may stand in any order. Then NDCG@10 of each method with the cosine as gain
beside the one with the gain 1 for each of the ten nearest. What it takes: `python -m benchmarks
evaluation`.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from benchmarks.studies.result_orders import bases
from models.backbones.registry import load_backbone
from pipeline.datasets.dataset import load_dataset
from pipeline.evaluation.neighbours import nearest_by_cosine
from pipeline.evaluation.ranking import ranked, unit_length
from pipeline.features import FeatureCache
from pipeline.runs.benchmark import planned
from pipeline.runs.cosine_neighbours import mean_features
from pipeline.runs.experiment import plan, run_missing
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.settings import Settings
from tests.shared_sets import NAMES

_TOP = 10
_METHODS = ("lsh", "pcah", "itq", "agh", "bihalf", "ud2h")
Features = NDArray[np.float32]


def main() -> None:
    options = _options()
    settings = Settings(home=options.home or Path(tempfile.mkdtemp(prefix="hashlens-bench-")))
    print("| set, labels | queries | largest difference of similarity | same ten |")
    print("| --- | --- | --- | --- |")
    gains = []
    for base in bases(options.sets, settings):
        dataset = load_dataset(base.dataset, settings)
        cache = FeatureCache(load_backbone(base.backbone), settings)
        specs = planned(base, _METHODS, [32], 1)
        run_missing(plan(specs, settings), settings)
        runs = RunRegistry(settings).finished(dataset.info.fingerprint)
        features = cache.get(dataset)
        query, database = (runs[specs[0].digest].load_codes(p)[1] for p in ("query", "database"))
        mean = mean_features(features, database)
        queries, items = (unit_length(features[rows] - mean) for rows in (query, database))
        print(f"| {base.dataset}, {base.label_set} | {_agreement(queries, items)} |", flush=True)
        gains += [
            (base.dataset, base.label_set, spec.method, *_gains(runs[spec.digest], queries, items))
            for spec in specs
        ]
    print("\n| set, labels | method | NDCG@10, gain 1 % | NDCG@10, gain cosine % |")
    print("| --- | --- | --- | --- |")
    for name, labels, method, flat, graded in gains:
        print(f"| {name}, {labels} | {method} | {100 * flat:.1f} | {100 * graded:.1f} |")
    flat, graded = zip(*(row[3:] for row in gains), strict=True)
    print(f"\nRank correlation over all rows: {spearmanr(flat, graded).statistic:.3f}")


def _agreement(queries: Features, items: Features) -> str:
    ours = nearest_by_cosine(queries, items, _TOP)
    index = faiss.IndexFlatIP(items.shape[1])
    index.add(items)
    theirs, places = index.search(queries, _TOP)
    mine = np.take_along_axis(queries @ items.T, ours, 1)
    same = np.mean([set(a) == set(b) for a, b in zip(ours.tolist(), places.tolist(), strict=True)])
    return f"{len(queries):,} | {np.abs(mine - theirs).max():.1e} | {100 * same:.1f} %"


def _gains(run: Run, queries: Features, items: Features) -> tuple[float, float]:
    """NDCG@10 of a run's ranking with flat and with graded gain, ties by position."""
    codes, database = (run.load_codes(part)[0] for part in ("query", "database"))
    order = ranked(codes, database, _TOP)[0]
    similarity = queries @ items.T
    nearest = nearest_by_cosine(queries, items, _TOP)
    cosine = np.zeros_like(similarity)
    np.put_along_axis(cosine, nearest, np.take_along_axis(similarity, nearest, 1).clip(0), 1)
    discount = 1 / np.log2(np.arange(2, _TOP + 2))
    scores = []
    for gain in ((cosine > 0).astype(np.float32), cosine):
        ideal = -np.sort(-np.take_along_axis(gain, nearest, 1), axis=1) @ discount
        reached = np.take_along_axis(gain, order, 1) @ discount
        scores.append(float((reached / np.maximum(ideal, 1e-12)).mean()))
    return scores[0], scores[1]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=["openmoji", *NAMES])
    parser.add_argument("--home", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
