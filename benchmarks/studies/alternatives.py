"""Quality per byte: hash codes and the alternatives to them, on the built-in and the real sets.

python -m benchmarks.studies.alternatives [--sets openmoji cifar10-lossless caltech99 coco18]
    [--methods lsh hashing_baseline itq ud2h] [--bits 32 64] [--seeds 3] [--home FOLDER]

Alternatives and methods see the same features and queries, and no labels; methods are ranked in
every way. Mean and standard deviation over seeds where the seed matters. Times of one thread.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import torch

from models.backbones.registry import load_backbone
from models.registry import get_method, list_methods
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.evaluation.metric_table import METRICS
from pipeline.evaluation.rankings import RANKINGS
from pipeline.evaluation.relevance import LABELS
from pipeline.evaluation.report import Report
from pipeline.features import FeatureCache
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.sources import SourceRequest, open_source
from pipeline.runs.alternative_reports import measure_alternatives
from pipeline.runs.benchmark import planned
from pipeline.runs.experiment import plan, run_missing
from pipeline.runs.ground_truth import GroundTruth
from pipeline.runs.measurement import evaluate_run
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings
from tests.shared_sets import NAMES, ROOT, open_shared

SETS = ("openmoji", *(name for name in NAMES if name != "cifar10-jpeg"))
SHOWN = ("map", "precision_at_10", "ndcg_at_100", "neighbours_at_10")


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    settings = Settings(home=options.home or Path(tempfile.mkdtemp(prefix="hashlens-bench-")))
    for name in options.sets:
        dataset = imported(name, settings)
        if dataset is None:
            print(f"{name} skipped: {ROOT} has no such set")
            continue
        base = RunSpec(
            dataset=name,
            method="lsh",
            label_set=dataset.label_set().name,
            protocol=dataset.info.default_protocol,
        )
        rows = [
            *alternatives(base, dataset, settings, options.seeds),
            *methods(base, dataset, options, settings),
        ]
        print(f"\n{name}, {base.label_set}, protocol {base.protocol}\n")
        names = ["stored", "bytes", *(METRICS[one].heading for one in SHOWN), "train s"]
        names += ["encode ms", "search ms"]
        for cells in (names, ["---"] * len(names), *rows):
            print(f"| {' | '.join(cells)} |", flush=True)


def imported(name: str, settings: Settings) -> RetrievalDataset | None:
    """The set, imported; None where it is not there."""
    if name == "openmoji":
        source = open_source(name, SourceRequest(downloads=settings.home / "downloads"))
        return import_dataset(source, settings)
    shared = open_shared(name)
    return None if shared is None else import_dataset(shared, settings)


def alternatives(
    base: RunSpec, dataset: RetrievalDataset, settings: Settings, seeds: int
) -> list[list[str]]:
    """A row per alternative."""
    truth = GroundTruth(base, dataset, settings)
    cache = FeatureCache(load_backbone(base.backbone), settings)
    measured = [measure_alternatives(truth, settings, cache, seed=seed) for seed in range(seeds)]
    return [
        row(one.title, [reports[one] for reports in measured[: seeds if one.is_seeded else 1]])
        for one in measured[0]
    ]


def methods(
    base: RunSpec,
    dataset: RetrievalDataset,
    options: argparse.Namespace,
    settings: Settings,
) -> list[list[str]]:
    """A row per method, code length and ranking; what is done is not run again."""
    names, bits, seeds = options.methods, options.bits, options.seeds
    outcomes = run_missing(plan(planned(base, names, bits, seeds), settings), settings)
    cache = FeatureCache(load_backbone(base.backbone), settings)
    groups: dict[tuple[str, int, str], list[Report]] = {}
    for outcome in outcomes:
        run = outcome.run
        for ranking in RANKINGS if outcome.is_done else ():
            if (LABELS, ranking) not in run.measurements:
                evaluate_run(run, dataset, settings, cache, relevance=LABELS, ranking=ranking)
            key = run.spec.method, run.spec.bits, ranking
            groups.setdefault(key, []).append(run.report(LABELS, ranking))
    return [
        row(f"**{get_method(method).card.title}, {length} bits**, {ranking}", reports)
        for (method, length, ranking), reports in groups.items()
    ]


def row(title: str, reports: list[Report]) -> list[str]:
    """Means over seeds, with the standard deviation."""

    def cell(values: list[float], factor: float, digits: int) -> str:
        mean = f"{factor * statistics.fmean(values):.{digits}f}"
        spread = f" ± {factor * statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
        return mean + spread

    def time(name: str, factor: float, digits: int) -> str:
        values = [report.timings[name] for report in reports if name in report.timings]
        return f"{factor * statistics.fmean(values):.{digits}f}" if values else ""

    n_images = reports[0].n_query + reports[0].n_database
    return [
        title,
        f"{reports[0].bytes_per_item:,}",
        *(cell([report.value(one) for report in reports], 100, 1) for one in SHOWN),
        time("training_s", 1, 1),
        time("encoding_s", 1e6 / n_images, 1),
        time("search_s", 1000, 3),
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    unlearned = ["lsh", "hashing_baseline", "itq", "ud2h"]
    parser.add_argument("--methods", nargs="+", choices=list_methods(), default=unlearned)
    parser.add_argument("--bits", nargs="+", type=int, default=[32, 64])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--home", type=Path, help="Keep data and features here, to go on later.")
    return parser.parse_args()


if __name__ == "__main__":
    main()
