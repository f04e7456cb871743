"""UD2H: asymmetric against symmetric learning, and what each approximation costs.

python -m benchmarks.studies.ud2h [--studies learning approximations] [--home FOLDER]
    [--sets cifar10-lossless cifar10-jpeg] [--seeds 3]

learning: mAP of the queries after each round, against the seconds of training until then.
approximations: mAP and seconds as parts of the dense form come back: all eigenvectors, features of
    full width for the neighbours, all images in each network step.

The real image sets have to lie beside the checkout; cifar10-jpeg takes half an hour of feature
extraction the first time. 32 bits. How it grows: `python -m benchmarks training`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.studies.real_features import Data, real_features
from models.alternating import AlternatingOptimizer, unit_components, with_neighbours
from models.codes import HashCodes
from models.linear import as_head, itq_projection
from models.method import EpochLog, TrainingSet
from models.methods.ud2h import UD2H
from models.ud2h_config import UD2HConfig
from pipeline.settings import Settings

BITS, SETS = 32, ("cifar10-lossless", "cifar10-jpeg")
EVERYTHING = 10**6  # more than there are: cut to what exists
APPROXIMATIONS: dict[str, dict[str, int]] = {
    "default": {},
    "all eigenvectors": {"eigenvectors": EVERYTHING},
    "neighbours in all dimensions": {"pca_dims": EVERYTHING},
    "all images in each network step": {"sample": EVERYTHING},
    "dense form: all three": {
        "eigenvectors": EVERYTHING,
        "pca_dims": EVERYTHING,
        "sample": EVERYTHING,
    },
}
SYMMETRIC_ROUNDS = 4  # times as many rounds, so that it can reach its best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    studies = ("learning", "approximations")
    parser.add_argument("--studies", nargs="+", choices=studies, default=studies)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--home", type=Path, help="Keep data and features here, for the next time.")
    options = parser.parse_args()
    settings = Settings(home=options.home or Path(tempfile.mkdtemp(prefix="hashlens-bench-")))
    found = {name: real_features(name, settings) for name in options.sets}
    sets = {name: data for name, data in found.items() if data is not None}
    for name, data in sets.items():
        if "learning" in options.studies:
            learning(name, data)
        if "approximations" in options.studies and name != "cifar10-jpeg":
            approximations(name, data, options.seeds)


def learning(name: str, data: Data) -> None:
    """MAP against seconds, asymmetric and symmetric; evaluation is not counted."""
    rounds = UD2HConfig().rounds
    curves = {
        "asymmetric": curve(data, UD2HConfig()),
        "symmetric": curve(data, UD2HConfig(asymmetric=False, rounds=SYMMETRIC_ROUNDS * rounds)),
    }
    print(f"\nlearning on {name}, n = {len(data.database):,}; seconds after the target is built\n")
    print("| form | round | s | mAP % |\n|" + " --- |" * 4)
    for form, points in curves.items():
        best = max(range(len(points)), key=lambda place: points[place][1])
        shown = {1, 2, 3, 5, 8, 15, 30, 45, 60, best + 1}
        for number, (seconds, value) in enumerate(points, 1):
            if number in shown:
                print(f"| {form} | {number} | {seconds:.2f} | {100 * value:.1f} |")
    best_s, highest = max(curves["symmetric"], key=lambda point: point[1])
    reached = next((s for s, value in curves["asymmetric"] if value >= highest), None)
    when = "never" if reached is None else f"after {reached:.2f} s"
    print(
        f"\nThe symmetric form's best, {100 * highest:.1f} % after {best_s:.2f} s, "
        f"is reached by the asymmetric form {when}.",
        flush=True,
    )


def curve(data: Data, config: UD2HConfig) -> list[tuple[float, float]]:
    """Seconds of training and mAP after each round."""
    features = torch.from_numpy(np.array(data.database))
    queries = torch.from_numpy(np.array(data.query))
    mean = features.mean(0)
    scale = 10 / (features - mean).norm(dim=1).mean()
    generator, inputs = torch.Generator().manual_seed(0), (features - mean) * scale
    head = as_head(inputs, itq_projection(inputs, BITS, 50, generator))
    component = unit_components(inputs, config.pca_dims)
    config = with_neighbours(config, component, 0)
    learner = AlternatingOptimizer(inputs, component, head, config, 0, generator)
    points: list[tuple[float, float]] = []
    measuring = 0.0

    @torch.no_grad()
    def measure(log: EpochLog) -> None:
        nonlocal measuring
        began = time.perf_counter()
        codes = (
            HashCodes.from_relaxed(learner.head((part - mean) * scale).numpy())
            for part in (queries, features)
        )
        points.append((log.seconds - measuring, data.mean_average_precision(*codes)))
        measuring += time.perf_counter() - began

    learner.learn(measure)
    return points


def approximations(name: str, data: Data, seeds: int) -> None:
    """MAP and seconds as parts of the dense form come back."""
    print(f"\napproximations on {name}, n = {len(data.database):,}, {seeds} seeds\n")
    print("| form | mAP % | s |\n|" + " --- |" * 3)
    features = torch.from_numpy(np.array(data.database))
    queries = torch.from_numpy(np.array(data.query))
    for form, changes in APPROXIMATIONS.items():
        config = UD2HConfig().model_copy(update=changes)  # beyond the ranges that users have
        values, seconds = [], 0.0
        for seed in range(seeds):
            began = time.perf_counter()
            method = UD2H(BITS, config, seed=seed).fit(TrainingSet((features,)))
            seconds += time.perf_counter() - began
            codes = method.encode(queries), method.encode(features)
            values.append(data.mean_average_precision(*codes))
        spread = np.std(values, ddof=1) if seeds > 1 else 0
        shown = f"{100 * np.mean(values):.1f} ± {100 * spread:.1f}"
        print(f"| {form} | {shown} | {seconds / seeds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
