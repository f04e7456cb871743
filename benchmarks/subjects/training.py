"""Training: fitting ITQ, UD2H and DFADH to features that are there."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path

import faiss
import torch
from sklearn.decomposition import PCA
from sklearn.manifold import SpectralEmbedding

from benchmarks.features import CLASSES, WIDTH, labels, read, write
from benchmarks.frame import Case, Figures, Subject, Work
from models.deep import build_head
from models.method import TrainingSet
from models.methods.dfadh import DFADH, DFADHConfig
from models.registry import get_method
from models.ud2h_config import UD2HConfig

BITS = 64
_BLOCK = 8192
_LARGEST = 100_000  # for peers and bounds whose time per image stays as it is from there on
_UD2H = UD2HConfig()
_DFADH = DFADHConfig(epochs=1)


def fit(method: str, size: int, folder: Path) -> Work:
    """A method without labels, with its defaults."""
    train = TrainingSet((read(size, folder),))

    def work() -> Figures:
        get_method(method)(BITS, seed=0).fit(train)
        return {"count": size}

    return work


def faiss_itq(size: int, folder: Path) -> Work:
    """Faiss's ITQ, which draws a sample of its own."""
    features = read(size, folder).numpy()
    faiss.omp_set_num_threads(1)
    index = faiss.index_factory(WIDTH, f"ITQ{BITS},LSH")

    def work() -> Figures:
        index.train(features)
        return {"count": size}

    return work


def covariance(size: int, folder: Path) -> Work:
    """The product of the features with themselves, summed over images."""
    features = read(size, folder)

    def work() -> Figures:
        total = torch.zeros(WIDTH, WIDTH)
        for block in features.split(_BLOCK):
            total.addmm_(block.T, block)
        return {"count": size}

    return work


def spectral(size: int, folder: Path) -> Work:
    """Principal components, neighbours and eigenvectors of their graph, of a sample like UD2H's."""
    features = read(size, folder)

    def work() -> Figures:
        some = torch.randperm(size)[: _UD2H.max_images]
        components = PCA(min(_UD2H.pca_dims, len(some))).fit_transform(features[some].numpy())
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Graph is not fully connected")
            embedding = SpectralEmbedding(
                BITS, affinity="nearest_neighbors", eigen_solver="lobpcg", random_state=0
            )
            embedding.fit(components)
        return {"count": size}

    return work


def neighbours(size: int, folder: Path) -> Work:
    """All cosines between the images of such a sample, in as many dimensions."""
    some = read(size, folder)[: _UD2H.max_images, : _UD2H.pca_dims].clone()

    def work() -> Figures:
        for block in some.split(_BLOCK):
            block @ some.T
        return {"count": size}

    return work


def dfadh(size: int, folder: Path) -> Work:
    """An epoch of DFADH."""
    train = TrainingSet((read(size, folder),), labels(size))

    def work() -> Figures:
        DFADH(BITS, _DFADH, seed=0).fit(train)
        return {"count": size}

    return work


def plain_loop(size: int, folder: Path) -> Work:
    """An epoch of the same head in plain PyTorch: Adam, cross-entropy of a linear classifier."""
    features, classes = read(size, folder), labels(size).int().argmax(dim=1)

    def work() -> Figures:
        head = torch.nn.Sequential(
            build_head(WIDTH, BITS, _DFADH), torch.nn.Linear(BITS, CLASSES)
        ).train()
        optimizer = torch.optim.Adam(head.parameters(), _DFADH.learning_rate)
        for rows in torch.randperm(size).split(_DFADH.batch):
            loss = torch.nn.functional.cross_entropy(head(features[rows]), classes[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return {"count": size}

    return work


def products(size: int, folder: Path) -> Work:
    """The matrix products of the head's forward and backward passes over one epoch."""
    features, batch = read(size, folder), _DFADH.batch
    hidden = torch.randn(_DFADH.hidden, WIDTH)
    last, out = torch.randn(BITS, _DFADH.hidden), torch.randn(batch, BITS)

    def work() -> Figures:
        for start in range(0, size, batch):
            images = features[start : start + batch]
            middle = images @ hidden.T
            middle @ last.T
            given = out[: len(images)]
            given.T @ middle
            (given @ last).T @ images
        return {"count": size}

    return work


SUBJECT = Subject(
    name="training",
    title="Training",
    protocol=(
        f"Fitting to synthetic features in memory ({WIDTH:,} values, {CLASSES} classes) at {BITS} "
        f"bits; MiB are beyond the features. ITQ sees all images, UD2H a sample of "
        f"{_UD2H.max_images:,} above that many, DFADH all of them for one epoch instead of its "
        f"{DFADHConfig().epochs}, so multiply. A run draws 100,000 images to train on unless told "
        "otherwise (`--max-train`), so that none takes longer than that size does."
    ),
    peer="faiss's ITQ, which draws a sample itself; scikit-learn's spectral embedding of as many "
    "images as UD2H takes, which is a part of what UD2H does; a plain PyTorch loop that trains the "
    "same head as a classifier.",
    bound="the covariance of the features; the cosines between the images of the sample; the "
    "matrix products of the head, forward and backward.",
    unit="images",
    prepare=write,
    cases=(
        Case("HashLens", "ours", partial(fit, "itq"), "ITQ"),
        Case("faiss", "peer", faiss_itq, "ITQ"),
        Case("covariance", "bound", covariance, "ITQ"),
        Case("HashLens", "ours", partial(fit, "ud2h"), "UD2H"),
        Case("scikit-learn, `SpectralEmbedding`", "peer", spectral, "UD2H", _LARGEST),
        Case("cosines of the sample", "bound", neighbours, "UD2H"),
        Case("HashLens", "ours", dfadh, "DFADH, an epoch"),
        Case("plain PyTorch loop", "peer", plain_loop, "DFADH, an epoch", _LARGEST),
        Case("matrix products", "bound", products, "DFADH, an epoch", _LARGEST),
    ),
)
