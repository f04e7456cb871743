"""The uniform comparison (`python -m pipeline bench`) on the real image sets beside the checkout.

python -m benchmarks.studies.quality [--sets cifar10-lossless caltech99 coco18] [--seeds 3]
    [--bits 32] [--methods lsh itq ud2h] [--cutoff 1000] [--home FOLDER]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from models.registry import get_method, list_methods
from pipeline.datasets.dataset import load_dataset
from pipeline.evaluation.evaluate import evaluate
from pipeline.ingest.ingest import import_dataset
from pipeline.runs.benchmark import compare, planned
from pipeline.runs.benchmark_table import markdown
from pipeline.runs.experiment import Outcome
from pipeline.runs.registry import RunRegistry
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings
from tests.shared_sets import NAMES, ROOT, open_shared

FREQUENT = {"coco18": "person"}  # on more than half of the images: also measured without it


def main() -> None:
    options = _options()
    settings = Settings(home=options.home or Path(tempfile.mkdtemp(prefix="hashlens-bench-")))
    for name in options.sets:
        source = open_shared(name)
        if source is None:
            print(f"{name} skipped: {ROOT} has no such set")
            continue
        import_dataset(source, settings)
        base = RunSpec(dataset=name, method="lsh", label_set="class", protocol="given")
        without = FREQUENT.get(name, "")
        result = compare(
            base,
            options.methods,
            options.bits,
            options.seeds,
            settings,
            without=without,
            on_outcome=_say,
        )
        print(f"\n{name}\n\n{markdown(result, without)}\n", flush=True)
        if options.cutoff:
            print(at_cutoff(base, options, settings), flush=True)


def at_cutoff(base: RunSpec, options: argparse.Namespace, settings: Settings) -> str:
    """MAP over the first ranks only, as many papers count it, of the codes that are stored."""
    dataset = load_dataset(base.dataset, settings)
    labels = dataset.labels(dataset.label_set(base.label_set))
    runs = RunRegistry(settings).finished(dataset.info.fingerprint)
    found: dict[tuple[int, str], list[float]] = {}
    for spec in planned(base, options.methods, options.bits, options.seeds):
        if run := runs.get(spec.digest):
            (query_codes, query), (codes, database) = map(run.load_codes, ("query", "database"))
            protocol = spec.evaluation_protocol().model_copy(update={"cutoff": options.cutoff})
            report = evaluate(query_codes, codes, labels[query], labels[database], protocol).report
            found.setdefault((spec.bits, spec.method), []).append(100 * report.map)
    lines = [f"| ranking | bits | mAP@{options.cutoff:,} % |", "| --- | --- | --- |"]
    for (bits, method), values in found.items():
        spread = f" ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
        title = get_method(method).card.title
        lines.append(f"| {title} | {bits} | {np.mean(values):.1f}{spread} |")
    return "\n".join(lines) + "\n"


def _say(outcome: Outcome) -> None:
    said = f"{outcome.number}/{outcome.total} {outcome.title}: {outcome.state}, {outcome.text}"
    print(said, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    default = [name for name in NAMES if name != "cifar10-jpeg"]  # 60,000 images take half an hour
    parser.add_argument("--sets", nargs="+", choices=NAMES, default=default)
    parser.add_argument("--methods", nargs="+", choices=list_methods(), default=list_methods())
    parser.add_argument("--bits", nargs="+", type=int, default=[32])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cutoff", type=int, help="Also mAP over this many first ranks.")
    parser.add_argument("--home", type=Path, help="Keep data and runs here, to go on later.")
    return parser.parse_args()


if __name__ == "__main__":
    main()
