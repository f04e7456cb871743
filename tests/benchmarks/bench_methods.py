"""Seconds of one full run of every method: fit, then encode the same images.

python -m tests.benchmarks.bench_methods [--methods itq dfadh] [--images 4000] [--bits 32]
    [--threads 2]

The images are 10 clusters of the width of EfficientNet-Lite0's features, one label each; further
views are noisy copies. Beside the clock stands the time of the processor, summed over threads,
which other work on the machine disturbs less. The ratio is against ITQ in the same run.
"""

from __future__ import annotations

import argparse
import time

import torch
from torch import Tensor

from models.method import HashMethod, TrainingSet
from models.registry import get_method, list_methods

WIDTH, CLASSES, PEER = 1280, 10, "itq"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", nargs="+", choices=list_methods(), default=list_methods())
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--bits", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    features, labels = _images(options.images)
    print("| method | s | CPU s | times ITQ |\n| --- | --- | --- | --- |", flush=True)
    _, peer = seconds(get_method(PEER), features, labels, options.bits)
    for name in options.methods:
        method = get_method(name)
        busy, passed = seconds(method, features, labels, options.bits)
        print(
            f"| {method.card.title} | {passed:.1f} | {busy:.1f} | {passed / peer:.1f} |", flush=True
        )


def seconds(
    method: type[HashMethod], features: Tensor, labels: Tensor, bits: int
) -> tuple[float, float]:
    """Seconds of the processor and of the clock to fit and encode."""
    noise = torch.Generator().manual_seed(1)
    copies = [
        features + 0.1 * torch.randn(features.shape, generator=noise)
        for _ in range(method.card.views - 1)
    ]
    supervised = method.card.supervision == "supervised"
    train = TrainingSet((features, *copies), labels if supervised else None)
    busy, began = time.process_time(), time.perf_counter()
    method(bits, seed=0).fit(train).encode(features)
    return time.process_time() - busy, time.perf_counter() - began


def _images(images: int) -> tuple[Tensor, Tensor]:
    """Features (n, d), not negative like those of the backbone, and one-hot labels."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(CLASSES, WIDTH, generator=generator)
    member = torch.arange(images) % CLASSES
    noise = torch.randn(images, WIDTH, generator=generator)
    return (0.5 * centres[member] + noise).relu(), torch.nn.functional.one_hot(member).bool()


if __name__ == "__main__":
    main()
