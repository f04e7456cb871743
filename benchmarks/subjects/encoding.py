"""Encoding: images to features by a network, and features to codes by a method."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import faiss
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks import features, pictures
from benchmarks.frame import Case, Figures, Subject, Work
from models.backbones.base import Backbone
from models.backbones.registry import load_backbone
from models.deep import build_head
from models.method import HashMethod, TrainingSet
from models.methods.dfadh import DFADH, DFADHConfig
from models.registry import get_method
from pipeline.datasets.dataset import RetrievalDataset, load_dataset
from pipeline.embedding import BATCH
from pipeline.features import FeatureCache
from pipeline.ingest.importing import execute_import
from pipeline.ingest.request import ImportRequest
from pipeline.settings import Settings

NETWORK, SIDE, BITS, TRAINED = "efficientnet_lite0", 256, 64, 5_000
IMAGES, ONLY_AT = 1_000, 10_000  # through the network; at sizes up to the second alone
_BLOCK = 8192
_DFADH = DFADHConfig(epochs=1)
_FEATURES = "Images to features, EfficientNet-Lite0"


def prepare(size: int, folder: Path) -> None:
    """Features, and a data set of pictures."""
    features.write(size, folder)
    settings = _settings(folder)
    if size <= ONLY_AT and not (settings.datasets_path / "pictures").exists():
        pictures.write(min(size, IMAGES), SIDE, folder / "pictures")
        request = ImportRequest(source=str(folder / "pictures"), name="pictures")
        execute_import(request, settings)


def _settings(folder: Path) -> Settings:
    return Settings(home=folder / "encoding", threads=1, device="cpu")


def _opened(folder: Path) -> tuple[Backbone, RetrievalDataset]:
    torch.set_num_threads(1)
    return load_backbone(NETWORK), load_dataset("pictures", _settings(folder))


def cache(_size: int, folder: Path) -> Work:
    """As a run has its features computed: into the cache on the disk, which is empty."""
    backbone, dataset = _opened(folder)
    settings = _settings(folder)
    shutil.rmtree(settings.features_path, ignore_errors=True)

    def work() -> Figures:
        found = FeatureCache(backbone, settings).get(dataset)
        return {"count": len(found)}

    return work


def plain_loop(_size: int, folder: Path) -> Work:
    """Decode, preprocess and forward, a batch after the other."""
    backbone, dataset = _opened(folder)
    paths = [dataset.image_path(row) for row in range(len(dataset))]

    def work() -> Figures:
        made: list[Tensor] = []
        for start in range(0, len(paths), BATCH):
            images = [Image.open(path).convert("RGB") for path in paths[start : start + BATCH]]
            with torch.inference_mode():
                made.append(backbone.forward(torch.stack([*map(backbone.preprocess, images)])))
        return {"count": sum(map(len, made))}

    return work


def forward(_size: int, folder: Path) -> Work:
    """The network alone, on a batch that is ready."""
    backbone, dataset = _opened(folder)
    images = [dataset.load_image(row) for row in range(min(BATCH, len(dataset)))]
    ready = torch.stack([*map(backbone.preprocess, images)])

    def work() -> Figures:
        for start in range(0, len(dataset), BATCH):
            with torch.inference_mode():
                backbone.forward(ready[: len(dataset) - start])
        return {"count": len(dataset)}

    return work


def codes(fitted: Callable[[Tensor], HashMethod], size: int, folder: Path) -> Work:
    """All features through a method."""
    torch.set_num_threads(1)
    inputs = features.read(size, folder)
    method = fitted(inputs[:TRAINED])

    def work() -> Figures:
        return {"count": len(method.encode(inputs))}

    return work


def _itq(some: Tensor) -> HashMethod:
    return get_method("itq")(BITS, seed=0).fit(TrainingSet((some,)))


def _dfadh(some: Tensor) -> HashMethod:
    train = TrainingSet((some,), features.labels(len(some)))
    return DFADH(BITS, _DFADH, seed=0).fit(train)


def faiss_itq(size: int, folder: Path) -> Work:
    """The same by faiss's ITQ."""
    inputs = features.read(size, folder).numpy()
    faiss.omp_set_num_threads(1)
    index = faiss.index_factory(features.WIDTH, f"ITQ{BITS},LSH")
    index.train(inputs[:TRAINED])

    def work() -> Figures:
        return {"count": len(index.sa_encode(inputs))}

    return work


def plain_head(size: int, folder: Path) -> Work:
    """The same head in plain PyTorch, all images at once as far as memory goes, and its signs."""
    torch.set_num_threads(1)
    inputs = features.read(size, folder)
    head = build_head(features.WIDTH, BITS, _DFADH).eval()

    def work() -> Figures:
        with torch.inference_mode():
            signs = [head(block).numpy() >= 0 for block in inputs.split(_BLOCK)]
        return {"count": len(np.packbits(np.concatenate(signs), axis=1))}

    return work


def products(widths: tuple[int, ...], size: int, folder: Path) -> Work:
    """The matrix products alone."""
    torch.set_num_threads(1)
    inputs = features.read(size, folder)
    weights = [torch.randn(a, b) for a, b in zip((features.WIDTH, *widths), widths, strict=False)]

    def work() -> Figures:
        for block in inputs.split(_BLOCK):
            for weight in weights:
                block = block @ weight
        return {"count": size}

    return work


_ITQ, _HEAD = "Features to codes, ITQ", "Features to codes, DFADH"
SUBJECT = Subject(
    name="encoding",
    title="Encoding",
    protocol=(
        f"{IMAGES:,} JPEGs of {SIDE} x {SIDE} pixels go through EfficientNet-Lite0 at 224 pixels "
        f"into an empty cache, whatever the size, which counts the features ({features.WIDTH:,} "
        f"values) that become codes of {BITS} bits. Where onnxruntime is installed it is tried, "
        "and kept where it is faster, which is how a row can be below the bound, which is torch's."
    ),
    peer="a plain PyTorch loop: decode with Pillow, preprocess, forward, batch by batch; faiss's "
    "ITQ; the same head in plain PyTorch.",
    bound="the forward pass of the network alone, on a batch that is ready; the matrix products.",
    unit="images",
    prepare=prepare,
    cases=(
        Case("HashLens, into the cache", "ours", cache, _FEATURES, ONLY_AT, once=True),
        Case("plain PyTorch loop", "peer", plain_loop, _FEATURES, ONLY_AT),
        Case("forward alone", "bound", forward, _FEATURES, ONLY_AT),
        Case("HashLens", "ours", partial(codes, _itq), _ITQ),
        Case("faiss", "peer", faiss_itq, _ITQ),
        Case("matrix product", "bound", partial(products, (BITS,)), _ITQ),
        Case("HashLens", "ours", partial(codes, _dfadh), _HEAD),
        Case("plain PyTorch", "peer", plain_head, _HEAD),
        Case("matrix products", "bound", partial(products, (_DFADH.hidden, BITS)), _HEAD),
    ),
)
