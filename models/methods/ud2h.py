"""UD2H (reconstruction): unsupervised hashing that preserves locality and globality.

After Ni, Ji, Lan, Yuan, Shen, "Unsupervised discriminative deep hashing with locality and globality
preservation", IEEE Signal Processing Letters 2021. The full text is not public; this follows the
abstract, and everything beyond it is ours (docs/house-methods.md).

Idea: a target similarity from the neighbourhood graph of the features is approximated by the inner
products of network outputs with free codes of *all* images (asymmetric learning). Network and codes
are updated by turns, the codes in closed form, bit by bit.

    here         shape    meaning
    S            (n, n)   target, never formed (models/targets.py)
    relaxed      (m, K)   u_i, network outputs of the images sampled in this round
    codes        (n, K)   B, free codes in {-1, +1}
    gram         (K, K)   B^T B
    pull         (m, K)   S B for the sampled rows
    centres      (M, K)   cluster centres in the output space
    gamma, lambda_c, lambda_n    weights of quantization, clustering and neighbourhood loss

Globality: the leading eigenvectors of the graph (cluster structure). Locality: the neighbourhood
graph itself and its finer eigenvectors, weighted by lambda^power, and the neighbourhood loss, which
the network learns beside the target (models/neighbourhood.py).
"""

from __future__ import annotations

import logging
from typing import Self

import torch
from torch import Tensor, nn

from models.alternating import AlternatingOptimizer, unit_components, with_neighbours
from models.copies import distinct_rows
from models.linear import as_head, check_axes, itq_projection
from models.method import HashMethod, MethodCard, OnEpoch, TrainingSet, check_features, ignore
from models.ud2h_config import UD2HConfig

_MEAN_NORM = 10.0  # features are scaled to this mean norm, which fixes the scale of the step size
_ITQ_ROUNDS = 50  # of the start
_log = logging.getLogger(__name__)


class UD2H(HashMethod):
    """Unsupervised discriminative deep hashing, reconstructed from its abstract."""

    card = MethodCard(
        name="ud2h",
        title="UD2H (reconstruction)",
        summary="Graph structure, global and local, drawn into the codes by asymmetric learning.",
        authors="Z. Ni, Z. Ji, L. Lan, Y.-H. Yuan, X. Shen",
        venue="IEEE Signal Processing Letters",
        year=2021,
        paper="",
        supervision="unsupervised",
        fidelity="reconstruction",
        deviations=(
            "Reconstructed from the published abstract; losses and settings are not public.",
            "The target is a soft spectral similarity instead of hard clusters.",
            "Near-copies count once; fewer than 500 images get the codes of ITQ.",
        ),
        ablations={
            "globality off": {"globality": False},
            "locality off": {"locality": False},
            "clustering loss off": {"lambda_c": 0.0},
            "neighbourhood loss off": {"lambda_n": 0.0},
            "asymmetric off": {"asymmetric": False},
            "quantization off": {"gamma": 0.0},
            "hard target": {"similarity": "hard"},
            "target refreshed in the mixed space": {"refresh": 5},
            "target refreshed in the output space": {"refresh": 5, "anchor": 0.0},
            "feature cosine in the target": {"beta": 0.5},
            "rather kind": {"find": "rather kind"},
            "both kind and thing": {"find": "both"},
            "rather thing": {"find": "rather thing"},
            "same thing": {"find": "same thing"},
        },
    )
    Config = UD2HConfig
    config: UD2HConfig

    def fit(self, train: TrainingSet, *, on_epoch: OnEpoch = ignore) -> Self:
        """Learn the head from unlabelled features; see `HashMethod.fit`."""
        features = self._sampled(check_features(train, at_least=4))
        kept = self._distinct(features)
        features = features if kept is None else kept
        mean = features.mean(0)
        inputs = features - mean
        scale = _MEAN_NORM / inputs.norm(dim=1).mean().clamp(min=1e-12)
        inputs *= scale
        check_axes(inputs, self.bits)
        generator = torch.Generator().manual_seed(self.seed)
        head = self._head(inputs, kept is None, generator, on_epoch)
        self.state = {
            "mean": mean,
            "projection": (head.weight.detach().T * scale).contiguous(),
            "bias": head.bias.detach(),
        }
        return self

    def relax(self, inputs: Tensor) -> Tensor:
        """Network outputs in (-1, 1), (n, bits), of features (n, d)."""
        state = self.state
        return torch.tanh((inputs - state["mean"]) @ state["projection"] + state["bias"])

    def _sampled(self, features: Tensor) -> Tensor:
        """At most `max_images` of the features, said in the log."""
        most, n = self.config.max_images, len(features)
        if n <= most:
            return features
        _log.warning("UD2H trains on a sample of %d of %d images", most, n)
        generator = torch.Generator().manual_seed(self.seed)
        return features[torch.randperm(n, generator=generator)[:most].sort().values]

    def _distinct(self, features: Tensor) -> Tensor | None:
        """The features without near-copies; None where those are too few for a graph."""
        rows, least = distinct_rows(features), self.config.min_images
        if len(rows) < least:
            _log.warning(
                "UD2H: %d different images are too few for a graph of at least %d: codes of ITQ",
                len(rows),
                least,
            )
            return None
        if len(rows) == len(features) or len(rows) < 2 * self.bits:
            return features
        _log.warning("near-copies count once: %d of %d images train", len(rows), len(features))
        return features[rows]

    def _head(
        self, inputs: Tensor, is_itq: bool, generator: torch.Generator, on_epoch: OnEpoch
    ) -> nn.Linear:
        """The head of ITQ, taught unless ITQ's codes are wanted."""
        head = as_head(inputs, itq_projection(inputs, self.bits, _ITQ_ROUNDS, generator))
        self.chosen = {"bits from ITQ": self.bits}
        if is_itq:
            return head
        points = unit_components(inputs, self.config.pca_dims)
        config = with_neighbours(self.config, points, self.seed)
        if config.find != "same kind" and not config.lambda_n:
            _log.warning("UD2H: '%s' changes nothing, as lambda_n is 0", config.find)
        learner = AlternatingOptimizer(inputs, points, head, config, self.seed, generator)
        learner.learn(on_epoch)
        self.chosen = learner.chosen
        return head


METHOD = UD2H
