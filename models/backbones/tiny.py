"""A small network with random weights, for tests of the pipeline only."""

from __future__ import annotations

import torch

from models.backbones.base import Backbone, frozen, preprocessing
from models.backbones.efficientnet_lite import EfficientNetLite, fold_batch_norms

TINY = "tiny"
BACKBONES = {TINY: "random weights, 32 px, 64-d; for tests of the pipeline only"}


def load(name: str) -> Backbone:
    """A network with seeded random weights, fast enough for unit tests."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = EfficientNetLite(0.25, 0.3, stem=8, head=64, n_classes=0)
    fold_batch_norms(network.eval())
    return frozen(name, 64, "tiny-random-32px", preprocessing(32, 32), network)
