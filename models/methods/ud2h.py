"""UD2H (reconstruction): unsupervised hashing that preserves locality and globality.

After Ni, Ji, Lan, Yuan, Shen, "Unsupervised discriminative deep hashing with locality and globality
preservation", IEEE Signal Processing Letters 2021.

The full text is not public; this follows the published abstract, and everything beyond the abstract
is ours (docs/house-methods.md).

Idea: a target similarity from the neighbourhood graph of the features is approximated by the inner
products of network outputs with free codes of *all* images (asymmetric learning). Network and codes
are updated by turns, the codes in closed form, bit by bit.

    here         shape    meaning
    factor       (n, r)   F; the target is S = F F^T and is never formed
    relaxed      (m, K)   u_i, network outputs of the images sampled in this round
    codes        (n, K)   B, free codes in {-1, +1}
    gram         (K, K)   B^T B
    pull         (m, K)   S B for the sampled rows
    gamma        -        weight of the quantization term

Globality: the leading eigenvectors of the graph (cluster structure). Locality: the neighbourhood
graph itself, the finer eigenvectors (weighted by lambda^power) and, with weight beta, the cosine of
the features. Both factors have few columns, so that time and memory are linear in n.
"""

from __future__ import annotations

import time
from typing import Self

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from models.graph import leading_eigenvectors, neighbour_graph
from models.linear import principal_axes, rotate_to_codes
from models.method import (
    EpochLog,
    HashMethod,
    MethodCard,
    MethodConfig,
    OnEpoch,
    TrainingSet,
    check_features,
    ignore,
)

_MEAN_NORM = 10.0  # features are scaled to this mean norm, which fixes the scale of the step size


class UD2HConfig(MethodConfig):
    """Hyper-parameters of UD2H; the defaults need no knowledge of the number of concepts."""

    neighbours: int = Field(5, ge=1, le=200, description="Neighbours k in the graph (locality).")
    eigenvectors: int = Field(
        256, ge=2, le=1024, description="Leading eigenvectors of the graph used (globality)."
    )
    power: float = Field(
        4.0, ge=0, le=64, description="Weight lambda^power of an eigenvector: higher is coarser."
    )
    beta: float = Field(
        0.5, ge=0, le=1, description="Share of the feature cosine in the target; 0: graph only."
    )
    scale: float = Field(
        3.0, gt=0, le=20, description="Factor on the target: higher pushes groups further apart."
    )
    rounds: int = Field(15, ge=1, le=500, description="Rounds of network step and code step.")
    sample: int = Field(2000, ge=8, description="Images sampled for the network step of a round.")
    epochs: int = Field(2, ge=1, le=100, description="Passes over the sample in a network step.")
    batch: int = Field(128, ge=2, description="Images in a mini-batch.")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="Step size of Adam.")
    gamma: float = Field(1e-3, ge=0, le=10, description="Weight of the quantization term.")
    pca_dims: int = Field(
        128, ge=2, le=1024, description="Principal components used for neighbours and cosine."
    )


def spectral_target(features: Tensor, config: UD2HConfig, seed: int) -> Tensor:
    """The factor F (n, r) of the target S = F F^T.

    S = scale * (beta * cos(z_i, z_j) + (1 - beta) * e_i e_j^T), where e_i is row i of the weighted
    eigenvectors, brought to unit length. Most entries of S are near 0, only neighbours stand out;
    the scale makes up for it (5 mAP points on CIFAR-10; docs/house-methods.md).

    Args:
        features: (n, d) centred.
        config: neighbours, eigenvectors, power, beta, scale and pca_dims are used.
        seed: start of the eigensolver.
    """
    n = len(features)
    axes = principal_axes(features, min(config.pca_dims, features.shape[1], n - 1))
    points = F.normalize(features @ axes)
    graph = neighbour_graph(points, min(config.neighbours, n - 1))
    values, vectors = leading_eigenvectors(graph, min(config.eigenvectors, n - 1), seed)
    weights = torch.from_numpy(values).clamp(min=0) ** config.power
    spectral = F.normalize(torch.from_numpy(vectors) * weights).float()
    shares = torch.tensor([config.beta, 1 - config.beta]) * config.scale
    return torch.cat([shares[0].sqrt() * points, shares[1].sqrt() * spectral], dim=1)


def asymmetric_loss(relaxed: Tensor, pull: Tensor, energy: Tensor, gram: Tensor, n: int) -> Tensor:
    """Mean over the batch of sum_j (u_i^T b_j - K s_ij)^2 / (n K), without the n columns.

    Expands the square: u^T (B^T B) u - 2 K u^T (B^T s_i) + K^2 ||s_i||^2.

    Args:
        relaxed: (b, K) network outputs.
        pull: (b, K) rows of S B.
        energy: (b,) sum_j s_ij^2.
        gram: (K, K) B^T B.
        n: number of codes.
    """
    bits = relaxed.shape[1]
    quadratic = (relaxed @ gram * relaxed).sum(1)
    linear = (relaxed * pull).sum(1)
    return (quadratic - 2 * bits * linear + bits**2 * energy).mean() / (n * bits)


def code_step(
    codes: Tensor, relaxed: Tensor, factor: Tensor, sampled: Tensor, gamma: float
) -> Tensor:
    """One sweep of exact minimisation over the bits of the free codes (after ADSH, AAAI 2018).

    Minimises sum_{i in sampled, j} (u_i^T b_j - K s_ij)^2 + gamma n K sum_i ||u_i - b_i||^2 over
    one column of B at a time, so the objective never rises. A bit that does not matter stays.

    Args:
        codes: (n, K) in {-1, +1}.
        relaxed: (m, K) network outputs of the sampled rows.
        factor: (n, r) of the target.
        sampled: (m,) their row numbers.
        gamma: weight of the quantization term.
    """
    n, bits = codes.shape
    codes = codes.clone()
    linear = bits * (factor @ (factor[sampled].T @ relaxed))  # (n, K): K S^T U
    linear[sampled] += gamma * n * bits * relaxed
    products = relaxed.T @ relaxed  # (K, K)
    for bit in range(bits):
        others = products[:, bit].clone()
        others[bit] = 0
        preference = linear[:, bit] - codes @ others
        codes[:, bit] = torch.where(preference == 0, codes[:, bit], preference.sign())
    return codes


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
        ),
    )
    Config = UD2HConfig
    config: UD2HConfig

    def fit(self, train: TrainingSet, *, on_epoch: OnEpoch = ignore) -> Self:
        """Learn the head from unlabelled features; see `HashMethod.fit`."""
        features = check_features(train, at_least=4)
        generator = torch.Generator().manual_seed(self.seed)
        mean = features.mean(0)
        scale = _MEAN_NORM / (features - mean).norm(dim=1).mean().clamp(min=1e-12)
        inputs = (features - mean) * scale
        head = self._start(inputs, generator)
        factor = spectral_target(inputs, self.config, self.seed)
        self._alternate(head, inputs, factor, generator, on_epoch)
        self.state = {
            "mean": mean,
            "projection": (head.weight.detach().T * scale).contiguous(),
            "bias": head.bias.detach().clone(),
        }
        return self

    def relax(self, inputs: Tensor) -> Tensor:
        """Network outputs in (-1, 1), (n, bits), of features (n, d)."""
        return torch.tanh(
            (inputs - self.state["mean"]) @ self.state["projection"] + self.state["bias"]
        )

    def _start(self, inputs: Tensor, generator: torch.Generator) -> nn.Linear:
        """A linear head that starts from ITQ, with mean absolute output 1 before the tanh."""
        axes = principal_axes(inputs, self.bits)
        projection = axes @ rotate_to_codes(inputs @ axes, 50, generator)
        head = nn.Linear(inputs.shape[1], self.bits)
        with torch.no_grad():
            scale = (inputs @ projection).abs().mean().clamp(min=1e-12)
            head.weight.copy_((projection / scale).T)
            head.bias.zero_()
        return head

    def _alternate(
        self,
        head: nn.Linear,
        inputs: Tensor,
        factor: Tensor,
        generator: torch.Generator,
        on_epoch: OnEpoch,
    ) -> None:
        """Network step and code step by turns; changes `head` in place."""
        config, n = self.config, len(inputs)
        optimizer = torch.optim.Adam(head.parameters(), lr=config.learning_rate)
        with torch.no_grad():
            codes = torch.where(head(inputs) >= 0, 1.0, -1.0)
        cross = factor.T @ factor  # (r, r)
        started = time.perf_counter()
        for round_ in range(1, config.rounds + 1):
            sampled = torch.randperm(n, generator=generator)[: config.sample]
            rows = factor[sampled]
            pull, energy = rows @ (factor.T @ codes), (rows @ cross * rows).sum(1)
            gram = codes.T @ codes
            terms = {"similarity": 0.0, "quantization": 0.0}
            for _ in range(config.epochs):
                order = torch.randperm(len(sampled), generator=generator)
                for batch in torch.split(order, config.batch):
                    relaxed = torch.tanh(head(inputs[sampled[batch]]))
                    similarity = asymmetric_loss(relaxed, pull[batch], energy[batch], gram, n)
                    gap = (relaxed - codes[sampled[batch]]).square().sum(1).mean()
                    optimizer.zero_grad()
                    torch.autograd.backward(similarity + config.gamma * gap)
                    optimizer.step()
                    share = len(batch) / len(sampled) / config.epochs
                    terms["similarity"] += similarity.item() * share
                    terms["quantization"] += config.gamma * gap.item() * share
            with torch.no_grad():
                relaxed = torch.tanh(head(inputs[sampled]))
                codes = code_step(codes, relaxed, factor, sampled, config.gamma)
            on_epoch(EpochLog(round_, config.rounds, terms, time.perf_counter() - started))


METHOD = UD2H
