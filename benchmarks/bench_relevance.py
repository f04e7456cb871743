"""Whether the order of methods without labels is the one by labels.

python -m benchmarks.bench_relevance [--sets openmoji cifar10-lossless caltech99 coco18]
    [--methods lsh itq ...] [--bits 32] [--home FOLDER]

Methods that see no labels, one seed, protocol of each set: mAP by labels and by the ten nearest of
the features, and Spearman's rank correlation between the two orders of methods.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from scipy.stats import spearmanr

from benchmarks.bench_result_orders import bases
from models.backbones.registry import load_backbone
from pipeline.datasets.dataset import load_dataset
from pipeline.features import FeatureCache
from pipeline.runs.benchmark import planned
from pipeline.runs.experiment import plan, run_missing
from pipeline.runs.measurement import evaluate_run
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.shared_sets import NAMES

_METHODS = ("lsh", "pcah", "sh", "itq", "agh", "bihalf", "greedyhash_u", "sdc", "ssdh", "ud2h")
_NEIGHBOURS = "neighbours@10"


def main() -> None:
    options = _options()
    settings = Settings(home=options.home or Path(tempfile.mkdtemp(prefix="hashlens-bench-")))
    print("| set, labels | method | mAP by labels % | P@10 by labels % | Neighbours@10 % |")
    print("| --- | --- | --- | --- | --- |")
    found = []
    for base in bases(options.sets, settings):
        specs = planned(base, options.methods, [options.bits], 1)
        run_missing(plan(specs, settings), settings)
        dataset = load_dataset(base.dataset, settings)
        cache = FeatureCache(load_backbone(base.backbone), settings)
        runs = RunRegistry(settings).finished(dataset.info.fingerprint)
        name, values = f"{base.dataset}, {base.label_set}", []
        for spec in specs:
            run = runs[spec.digest]
            by_labels = run.report("labels")
            by_neighbours = evaluate_run(run, dataset, settings, cache, relevance=_NEIGHBOURS)
            row = (
                by_labels.map,
                by_labels.value("precision_at_10"),
                by_neighbours.report.value("precision_at_10"),
            )
            values.append(row)
            cells = " | ".join(f"{100 * value:.1f}" for value in row)
            print(f"| {name} | {spec.method} | {cells} |", flush=True)
        maps, precisions, kept = zip(*values, strict=True)
        found.append((name, spearmanr(maps, kept)[0], spearmanr(precisions, kept)[0]))
    print("\n| set, labels | rank correlation of Neighbours@10 with mAP | with P@10 |")
    print("| --- | --- | --- |")
    for name, with_map, with_precision in found:
        print(f"| {name} | {with_map:+.2f} | {with_precision:+.2f} |")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=["openmoji", *NAMES])
    parser.add_argument("--methods", nargs="+", default=list(_METHODS))
    parser.add_argument("--bits", type=int, default=32)
    parser.add_argument("--home", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
