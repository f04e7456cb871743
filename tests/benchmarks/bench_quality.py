"""The uniform comparison (`python -m pipeline bench`) on the real image sets beside the checkout.

python -m tests.benchmarks.bench_quality [--sets cifar10-lossless caltech99 coco18] [--seeds 3]
    [--bits 32] [--methods lsh itq ud2h] [--home FOLDER]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from models.registry import list_methods
from pipeline.bench import Outcome, compare, markdown
from pipeline.datasets.importing import import_dataset
from pipeline.settings import Settings
from pipeline.spec import RunSpec
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
    parser.add_argument("--home", type=Path, help="Keep data and runs here, to go on later.")
    return parser.parse_args()


if __name__ == "__main__":
    main()
