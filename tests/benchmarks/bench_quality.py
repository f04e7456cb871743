"""mAP of the methods on the real image sets beside the checkout: mean and spread over seeds.

python -m tests.benchmarks.bench_quality [--sets cifar10-lossless caltech99 coco18] [--seeds 3]
    [--bits 32] [--methods lsh itq ud2h] [--home FOLDER]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from models.registry import list_methods
from pipeline.datasets.importing import import_dataset
from pipeline.execute import cosine_report, execute
from pipeline.runs import Run, RunRegistry
from pipeline.settings import Settings
from pipeline.spec import RunSpec
from tests.shared_sets import NAMES, ROOT, open_shared


def main() -> None:
    options = _options()
    home = options.home or Path(tempfile.mkdtemp(prefix="hashlens-bench-"))
    settings = Settings(home=home)
    print(f"{'set':<18}{'ranking':<8}{'bits':>5}  {'mAP %':>6}{'sd':>6}{'legacy':>8}{'train s':>9}")
    for name in options.sets:
        source = open_shared(name)
        if source is None:
            print(f"{name:<18}skipped: {ROOT} has no such set")
            continue
        dataset = import_dataset(source, settings)
        for bits in options.bits:
            for method in options.methods:
                runs = [
                    _run(
                        RunSpec(
                            dataset=name, method=method, bits=bits, seed=seed, protocol="given"
                        ),
                        settings,
                    )
                    for seed in range(options.seeds)
                ]
                if method == options.methods[0]:
                    cosine = cosine_report(runs[0].spec, dataset, settings)
                    print(f"{name:<18}{'cosine':<8}{'':>5}  {100 * cosine.map:>6.1f}")
                _print_row(name, method, bits, runs)


def _run(spec: RunSpec, settings: Settings) -> Run:
    registry = RunRegistry(settings)
    done = registry.find(spec)
    if done:
        return done
    run = registry.create(spec)
    execute(run, settings)
    return run


def _print_row(name: str, method: str, bits: int, runs: list[Run]) -> None:
    values = np.array([run.report().map for run in runs]) * 100
    seconds = np.mean([run.report().timings["training_s"] for run in runs])
    spread = values.std(ddof=1) if len(values) > 1 else 0.0
    legacy = 100 * np.mean([run.report().map_legacy for run in runs])
    print(
        f"{name:<18}{method:<8}{bits:>5}  {values.mean():>6.1f}{spread:>6.2f}{legacy:>8.1f}"
        f"{seconds:>9.1f}",
        flush=True,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--methods", nargs="+", choices=list_methods(), default=list_methods())
    parser.add_argument("--bits", nargs="+", type=int, default=[32])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--home", type=Path, help="Keep data and runs here, to go on later.")
    return parser.parse_args()


if __name__ == "__main__":
    main()
