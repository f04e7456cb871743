"""What the order of results is worth: codes alone, sorted within a distance, rescored.

python -m benchmarks.studies.result_orders [--sets openmoji cifar10-lossless caltech99 coco18]
    [--methods itq ud2h] [--bits 32 64] [--seeds 3] [--home FOLDER]

Protocol of each set; P@10, NDCG@10 and the neighbours kept among the first ten, in percent, means
over queries, mean and standard deviation over seeds. Codes alone are averaged over ties; the two
other orders have none but equal features.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.backbones.registry import load_backbone
from pipeline.datasets.dataset import RetrievalDataset, load_dataset
from pipeline.evaluation.metrics import ndcg_at, precision_at, recall_at
from pipeline.evaluation.neighbours import nearest_by_cosine, neighbour_counts
from pipeline.evaluation.ranking import Counts, Labels, hamming_histograms, unit_length
from pipeline.evaluation.rankings import SHORTLIST
from pipeline.features import FeatureCache
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.sources import SourceRequest, open_source
from pipeline.runs.benchmark import planned
from pipeline.runs.experiment import plan, run_missing
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings
from tests.shared_sets import NAMES, open_shared

_TOP = 10
_ORDERS = ("codes only", "within a distance", "rescored", "cosine alone")
Values = NDArray[np.float64]


def main() -> None:
    options = _options()
    settings = Settings(home=options.home or Path(tempfile.mkdtemp(prefix="hashlens-bench-")))
    print("| set, labels | bits | method | order | P@10 % | NDCG@10 % | Neighbours@10 % |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for base in bases(options.sets, settings):
        specs = planned(base, options.methods, options.bits, options.seeds)
        run_missing(plan(specs, settings), settings)
        dataset = load_dataset(base.dataset, settings)
        runs = RunRegistry(settings).finished(dataset.info.fingerprint)
        groups: dict[tuple[int, str], list[Run]] = {}
        for spec in specs:
            groups.setdefault((spec.bits, spec.method), []).append(runs[spec.digest])
        for (bits, method), members in groups.items():
            per_seed = np.array([measure(run, dataset, settings) for run in members])
            _print(f"{base.dataset}, {base.label_set}", bits, method, per_seed)


def measure(run: Run, dataset: RetrievalDataset, settings: Settings) -> Values:
    """P@10, NDCG@10 and neighbours kept (orders, 3) of a run, means over its queries."""
    (query_codes, query), (codes, database) = map(run.load_codes, ("query", "database"))
    labels = dataset.labels(dataset.label_set(run.spec.label_set))
    features = FeatureCache(load_backbone(run.spec.backbone), settings).get(dataset)
    mean = features[database].mean(axis=0)
    queries = unit_length(np.asarray(features[query] - mean, np.float32))
    items = unit_length(np.asarray(features[database] - mean, np.float32))
    counts = hamming_histograms(query_codes, codes, labels[query], labels[database])
    nearest = nearest_by_cosine(queries, items, _TOP)
    kept = neighbour_counts(query_codes, codes, nearest, counts)
    rows = [_three(counts, kept)]
    distances, cosines = query_codes.hamming(codes), queries @ items.T
    for order in _ORDERS[1:]:
        places = np.stack([_order(order, d, c) for d, c in zip(distances, cosines, strict=True)])
        rows.append(_three(*_listed(places, labels[query], labels[database], nearest, counts)))
    return np.array(rows)


def _order(order: str, distances: NDArray[np.int32], cosine: NDArray[np.float32]) -> Values:
    """Places of the database (n,), best first."""
    if order == "within a distance":
        return np.lexsort((-cosine, distances))
    if order == "cosine alone":
        return np.argsort(-cosine, kind="stable")
    near = np.argsort(distances, kind="stable")
    first = near[:SHORTLIST]
    return np.concatenate([first[np.argsort(-cosine[first], kind="stable")], near[SHORTLIST:]])


def _listed(
    places: NDArray[np.int64],
    query_labels: Labels,
    database_labels: Labels,
    nearest: NDArray[np.int64],
    total: Counts,
) -> tuple[Counts, Counts]:
    """Counts of a ranking without ties: a level for each item."""
    shared = query_labels.astype(np.float32) @ database_labels.T.astype(np.float32)
    ordered = np.take_along_axis(shared.astype(np.int64), places, 1)
    counts = (ordered[:, :, None] == np.arange(total.shape[2])).astype(np.int64)
    is_near = np.zeros(shared.shape, bool)
    np.put_along_axis(is_near, nearest, True, 1)
    near = np.take_along_axis(is_near, places, 1)
    return counts, np.stack([~near, near], axis=2).astype(np.int64)


def _three(counts: Counts, kept: Counts) -> list[float]:
    return [
        float(precision_at(counts, [_TOP]).mean()),
        float(ndcg_at(counts, _TOP).mean()),
        float(recall_at(kept, [_TOP]).mean()),
    ]


def bases(names: list[str], settings: Settings) -> list[RunSpec]:
    """What is measured on each set; the built-in one by its categories and by its tags."""
    bases = []
    for name in names:
        source = (
            open_source(name, SourceRequest(downloads=settings.home / "downloads"))
            if name == "openmoji"
            else open_shared(name)
        )
        if source is None:
            print(f"{name} skipped: it is not beside the checkout")
            continue
        info = import_dataset(source, settings).info
        for labels in info.label_sets:
            spec = {"dataset": name, "method": "itq", "label_set": labels.name}
            bases.append(RunSpec.model_validate({**spec, "protocol": info.default_protocol}))
    return bases


def _print(what: str, bits: int, method: str, per_seed: Values) -> None:
    for number, order in enumerate(_ORDERS):
        cells = []
        for values in 100 * per_seed[:, number].T:
            spread = f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else ""
            cells.append(f"{values.mean():.1f}{spread}")
        print(f"| {what} | {bits} | {method} | {order} | {' | '.join(cells)} |", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=["openmoji", *NAMES])
    parser.add_argument("--methods", nargs="+", default=["itq", "ud2h"])
    parser.add_argument("--bits", nargs="+", type=int, default=[32, 64])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--home", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
