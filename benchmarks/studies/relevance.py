"""Whether the order of methods without labels is the one by labels.

python -m benchmarks.studies.relevance [--sets openmoji cifar10-lossless caltech99 coco18]
    [--methods lsh itq ...] [--bits 32] [--home FOLDER]

Methods that see no labels, one seed, protocol of each set: mAP by labels, the ten nearest of the
features that are kept, and copies that are found; and Spearman's rank correlations between the
orders of methods.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from scipy.stats import spearmanr

from benchmarks.studies.result_orders import bases
from models.backbones.registry import load_backbone
from pipeline.datasets.dataset import load_dataset
from pipeline.evaluation.relevance import COPIES
from pipeline.features import FeatureCache
from pipeline.runs.benchmark import planned
from pipeline.runs.experiment import plan, run_missing
from pipeline.runs.measurement import evaluate_run
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.shared_sets import NAMES

_METHODS = ("lsh", "pcah", "sh", "itq", "agh", "bihalf", "greedyhash_u", "sdc", "ssdh", "ud2h")
_NEIGHBOURS = "neighbours@10"
_COLUMNS = (
    "mAP by labels %",
    "P@10 by labels %",
    "Neighbours@10 %",
    "mAP of copies %",
    "R@1 of copies %",
)


def main() -> None:
    options = _options()
    settings = Settings(home=options.home or Path(tempfile.mkdtemp(prefix="hashlens-bench-")))
    print(f"| set, labels | method | {' | '.join(_COLUMNS)} |")
    print("| --- " * (2 + len(_COLUMNS)) + "|")
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
            by_neighbours, by_copies = (
                evaluate_run(run, dataset, settings, cache, relevance=one).report
                for one in (_NEIGHBOURS, COPIES)
            )
            row = (
                by_labels.map,
                by_labels.value("precision_at_10"),
                by_neighbours.value("precision_at_10"),
                by_copies.map,
                by_copies.value("recall_at_1"),
            )
            values.append(row)
            cells = " | ".join(f"{100 * value:.1f}" for value in row)
            print(f"| {name} | {spec.method} | {cells} |", flush=True)
        maps, precisions, kept, copies, _ = zip(*values, strict=True)
        pairs = ((kept, maps), (kept, precisions), (copies, maps), (copies, kept))
        found.append((name, [spearmanr(*pair).statistic for pair in pairs]))
    print(
        "\n| set, labels | rank correlation of Neighbours@10 with mAP | with P@10 "
        "| of copies with mAP | with Neighbours@10 |"
    )
    print("| --- | --- | --- | --- | --- |")
    for name, correlations in found:
        print(f"| {name} | {' | '.join(f'{value:+.2f}' for value in correlations)} |")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=["openmoji", *NAMES])
    parser.add_argument("--methods", nargs="+", default=list(_METHODS))
    parser.add_argument("--bits", type=int, default=32)
    parser.add_argument("--home", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
