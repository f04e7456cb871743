"""Seconds of one full run of every method: fit, then encode the same images.

python -m benchmarks.studies.methods [--methods itq dfadh] [--images 4000] [--bits 32]
    [--threads 2]

The images are 10 clusters of the width of EfficientNet-Lite0's features, one label each; further
views are noisy copies. Beside the clock stands the time of the processor, summed over threads,
which other work on the machine disturbs less. The ratio is against ITQ in the same run, measured
once something has run before it: the first fit of a process pays for what later ones find ready.
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
    _, peer = both = peer_seconds(features, labels, options.bits)
    for name in options.methods:
        method = get_method(name)
        timed = both if name == PEER else seconds(method, features, labels, options.bits)
        print(_row(method.card.title, *timed, peer), flush=True)


def peer_seconds(features: Tensor, labels: Tensor, bits: int) -> tuple[float, float]:
    """Those of ITQ, the second time."""
    seconds(get_method(PEER), features, labels, bits)
    return seconds(get_method(PEER), features, labels, bits)


def _row(title: str, busy: float, passed: float, peer: float) -> str:
    return f"| {title} | {passed:.2f} | {busy:.2f} | {passed / peer:.1f} |"


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
