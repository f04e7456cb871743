"""From stored images to features, beside the bare forward pass of the same network in the same run.

python -m benchmarks.bench_encoding [--set caltech99] [--backbones efficientnet_lite0 ...]
    [--images 512] [--threads 2] [--device cpu]

Rows, in ms per image: decoding (one thread), preprocessing (one thread), the network alone on
images that are ready, the feature cache as it was (preprocessing between the passes) and as it is,
each with its ratio to the network alone, and the peak of memory. timm networks need no weights
here: `timm:NAME` is built with random ones.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from models.backbones.base import Backbone, frozen
from models.backbones.registry import load_backbone
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.embedding import BATCH
from pipeline.features import FeatureCache
from pipeline.ingest.ingest import import_dataset
from pipeline.settings import Settings
from tests.shared_sets import open_shared

T = TypeVar("T")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", default="caltech99")
    parser.add_argument("--backbones", nargs="+", default=["efficientnet_lite0"])
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), device=asked.device)
        source = open_shared(asked.set)
        assert source is not None, f"the image set {asked.set} is not there"
        dataset = import_dataset(source, settings)
        numbers = np.linspace(0, len(dataset) - 1, asked.images).astype(np.int64)
        print(f"{asked.set}, {asked.images} images, {asked.threads} threads, {asked.device}")
        for name in asked.backbones:
            _measure(_backbone(name).on(asked.device), dataset, numbers, settings)


def _backbone(name: str) -> Backbone:
    if not name.startswith("timm:"):
        return load_backbone(name)
    import timm
    from timm.data import create_transform, resolve_model_data_config

    network = timm.create_model(name.removeprefix("timm:"), pretrained=False, num_classes=0)
    data = resolve_model_data_config(network)
    prepare = create_transform(**data, is_training=False)
    return frozen(name, network.num_features, name.replace(":", "-"), prepare, network)


def _measure(
    backbone: Backbone, dataset: RetrievalDataset, numbers: NDArray[np.int64], settings: Settings
) -> None:
    rows, times = numbers.tolist(), dict[str, float]()

    def timed(name: str, work: Callable[[], T]) -> T:
        began = time.perf_counter()
        made = work()
        times[name] = 1000 * (time.perf_counter() - began) / len(rows)
        return made

    images = timed("decode", lambda: [dataset.load_image(row) for row in rows])
    ready = timed("preprocess", lambda: [backbone.preprocess(image) for image in images])
    backbone.forward(torch.stack(ready[:BATCH]))  # the first pass prepares the network
    batches = [torch.stack(ready[at : at + BATCH]) for at in range(0, len(ready), BATCH)]
    bare = timed("network alone", lambda: [backbone.forward(batch) for batch in batches])
    before = timed("cache, as it was", lambda: _as_it_was(backbone, dataset, rows))
    cache = FeatureCache(backbone, settings)
    now = timed("cache", lambda: cache.get(dataset, images=numbers))
    expected = torch.cat(bare).numpy()
    scale = float(np.abs(expected).max())
    for found in (before, now):
        assert np.abs(found - expected).max() <= 1e-4 * scale, "other features"
    print(f"\n{backbone.name}")
    print(f"{'':18}{'ms per image':>14}{'images/s':>10}{'to the network':>16}")
    for name, ms in times.items():
        print(f"{name:18}{ms:14.2f}{1000 / ms:10.0f}{ms / times['network alone']:16.2f}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


def _as_it_was(
    backbone: Backbone, dataset: RetrievalDataset, rows: list[int]
) -> NDArray[np.float32]:
    """One thread decodes the next batch; preprocessing waits for the network, and it for that."""
    batches = [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]

    def decoded(batch: list[int]) -> list[Image.Image]:
        return [dataset.load_image(row) for row in batch]

    made: list[Tensor] = []
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(decoded, batches[0])
        for number in range(len(batches)):
            images = coming.result()
            if number + 1 < len(batches):
                coming = pool.submit(decoded, batches[number + 1])
            made.append(backbone.embed(images))
    return torch.cat(made).numpy()


if __name__ == "__main__":
    main()
