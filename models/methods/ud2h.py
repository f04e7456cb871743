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
    gamma, lambda_c       weights of the quantization and the clustering loss

Globality: the leading eigenvectors of the graph (cluster structure). Locality: the neighbourhood
graph itself and its finer eigenvectors, weighted by lambda^power.
"""

from __future__ import annotations

import logging
import time
from typing import Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from models.asymmetric import asymmetric_loss, code_step
from models.clustering import clustering_loss, k_means, sharpened, soft_assignment
from models.copies import distinct_rows
from models.linear import (
    as_head,
    check_axes,
    itq_projection,
    principal_axes,
    residual_projection,
)
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
from models.pairs import symmetric_loss
from models.targets import Spectrum, Target, balanced, graded, stable_neighbours

_MEAN_NORM = 10.0  # features are scaled to this mean norm, which fixes the scale of the step size
_ITQ_ROUNDS = 50  # of the start
_log = logging.getLogger(__name__)


class UD2HConfig(MethodConfig):
    """Hyper-parameters of UD2H; the defaults need no knowledge of the number of concepts."""

    similarity: Literal["soft", "hard"] = Field(
        "soft", description="Target: spectral and graded, or +1 and -rho from clusters and graph."
    )
    globality: bool = Field(True, description="Use the cluster structure of the whole set.")
    locality: bool = Field(True, description="Use the neighbourhood graph.")
    asymmetric: bool = Field(
        True, description="Learn free codes of all images; off: pairs within the batch."
    )
    neighbours: int = Field(
        0, ge=0, le=200, description="Neighbours k in the graph; 0: the fewest that are stable."
    )
    eigenvectors: int = Field(
        256, ge=2, le=1024, description="Leading eigenvectors of the graph that are used."
    )
    power: float = Field(
        4.0, ge=0, le=64, description="Weight lambda^power of an eigenvector: higher is coarser."
    )
    neighbour_bits: int = Field(
        0, ge=0, lt=256, description="Bits for neighbours: ITQ on what the other bits leave over."
    )
    beta: float = Field(
        0.0, ge=0, le=1, description="Share of the feature cosine in the target; 0: graph only."
    )
    scale: float = Field(
        3.0, gt=0, le=20, description="Factor on the soft target: higher parts groups further."
    )
    clusters: int = Field(
        0, ge=0, le=1000, description="Clusters M; 0: from the largest gap of the eigenvalues."
    )
    lambda_c: float = Field(0.01, ge=0, le=10, description="Weight of the clustering loss.")
    gamma: float = Field(1e-3, ge=0, le=10, description="Weight of the quantization term.")
    refresh: int = Field(
        0, ge=0, le=100, description="Rebuild the target every so many rounds; 0: never."
    )
    anchor: float = Field(
        0.5, ge=0, le=1, description="Share of the features in a rebuilt graph; 0: outputs only."
    )
    rounds: int = Field(15, ge=1, le=500, description="Rounds of network step and code step.")
    sample: int = Field(2000, ge=8, description="Images sampled for the network step of a round.")
    epochs: int = Field(2, ge=1, le=100, description="Passes over the sample in a network step.")
    batch: int = Field(128, ge=2, description="Images in a mini-batch.")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="Step size of Adam.")
    pca_dims: int = Field(
        128, ge=2, le=1024, description="Principal components used for neighbours and cosine."
    )
    min_images: int = Field(
        500, ge=0, description="Fewer images, copies counted once, get the codes of ITQ."
    )


def build_target(points: Tensor, config: UD2HConfig, seed: int) -> tuple[Target, Tensor]:
    """The target S of `points`, and the cluster number (n,) of each of them.

    Soft, with e_i the row of the weighted eigenvectors:
    S = scale (beta cos(z_i, z_j) + (1 - beta) e_i e_j^T). Most entries are near 0 and only groups
    stand out; the scale makes up for it. Without globality the graph itself takes the place of
    e_i e_j^T, without locality clusters of the points do.

    Args:
        points: (n, d) with unit rows.
        config: the fields up to `clusters` are used; `neighbours` is not 0.
        seed: start of the eigensolver and of K-means.
    """
    spectrum = Spectrum.of(points, config.neighbours, config.eigenvectors, seed)
    wanted = config.clusters or spectrum.eigengap()
    clusters = k_means(spectrum.embedding(0, wanted) if config.locality else points, wanted, seed)
    numbers = torch.from_numpy(clusters)
    graph = spectrum.graph if config.locality else None
    if config.similarity == "hard":
        return balanced(clusters if config.globality else None, graph, len(points)), numbers
    cosine, rest = config.scale * config.beta, config.scale * (1 - config.beta)
    if not config.globality:
        return graded([(cosine, points)], graph, rest), numbers
    groups = spectrum.embedding(config.power) if config.locality else F.one_hot(numbers).float()
    return graded([(cosine, points), (rest, groups)]), numbers


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
            "asymmetric off": {"asymmetric": False},
            "quantization off": {"gamma": 0.0},
            "hard target": {"similarity": "hard"},
            "target refreshed in the mixed space": {"refresh": 5},
            "target refreshed in the output space": {"refresh": 5, "anchor": 0.0},
            "feature cosine in the target": {"beta": 0.5},
            "four bits for neighbours": {"neighbour_bits": 4},
        },
    )
    Config = UD2HConfig
    config: UD2HConfig

    def fit(self, train: TrainingSet, *, on_epoch: OnEpoch = ignore) -> Self:
        """Learn the head from unlabelled features; see `HashMethod.fit`."""
        features = check_features(train, at_least=4)
        rows = distinct_rows(features)
        n, is_few = len(features), len(rows) < self.config.min_images
        if not is_few and 2 * self.bits <= len(rows) < n:
            _log.warning("near-copies count once: %d of %d images train", len(rows), n)
            features = features[rows]
        mean = features.mean(0)
        inputs = features - mean
        scale = _MEAN_NORM / inputs.norm(dim=1).mean().clamp(min=1e-12)
        inputs *= scale
        self.chosen = {"bits from ITQ": self.bits} if is_few else {}
        if is_few:
            _log.warning(
                "UD2H: %d different images are too few for a graph of at least %d: codes of ITQ",
                len(rows),
                self.config.min_images,
            )
        generator = torch.Generator().manual_seed(self.seed)
        learned = self.bits if is_few else self._concept_bits(inputs)
        heads = [as_head(inputs, itq_projection(inputs, learned, _ITQ_ROUNDS, generator))]
        if not is_few:
            learner = AlternatingOptimizer(inputs, heads[0], self.config, self.seed, generator)
            learner.learn(on_epoch)
            self.chosen = learner.chosen
        if learned < self.bits:
            projection, rest = heads[0].weight.detach().T, self.bits - learned
            further = residual_projection(inputs, projection, rest, _ITQ_ROUNDS, generator)
            heads.append(as_head(inputs, further))
        weights = torch.cat([head.weight.detach() for head in heads])
        self.state = {
            "mean": mean,
            "projection": (weights.T * scale).contiguous(),
            "bias": torch.cat([head.bias.detach() for head in heads]),
        }
        return self

    def relax(self, inputs: Tensor) -> Tensor:
        """Network outputs in (-1, 1), (n, bits), of features (n, d)."""
        state = self.state
        return torch.tanh((inputs - state["mean"]) @ state["projection"] + state["bias"])

    def _concept_bits(self, inputs: Tensor) -> int:
        """The bits that learn the target.

        Raises:
            ValueError: none is left for it, or the features have too few dimensions for all bits.
        """
        spare = self.config.neighbour_bits
        if spare >= self.bits:
            raise ValueError(
                f"neighbour_bits is {spare}, which leaves none of {self.bits} bits for concepts; "
                f"use at most {self.bits - 1}"
            )
        check_axes(inputs, self.bits)
        return self.bits - spare


METHOD = UD2H


class AlternatingOptimizer:
    """Network step and code step by turns, the state of one fit.

    Args:
        inputs: (n, d) centred and scaled features.
        head: start, from d to K outputs; learned in place.
        config: configuration of the method.
        seed: seed of target and clusters.
        generator: source of the samples and their order.
    """

    def __init__(
        self,
        inputs: Tensor,
        head: nn.Linear,
        config: UD2HConfig,
        seed: int,
        generator: torch.Generator,
    ) -> None:
        self.inputs, self.config, self.seed = inputs, config, seed
        self.head, self.generator = head, generator
        n, width = inputs.shape
        with torch.no_grad():
            self.codes = torch.where(head(inputs) >= 0, 1.0, -1.0)
        count = min(config.pca_dims, width, n - 1)
        self.points = F.normalize(inputs @ principal_axes(inputs, count))
        if not config.neighbours:
            k = stable_neighbours(self.points, config.eigenvectors, config.power, seed)
            config = self.config = config.model_copy(update={"neighbours": k})
        self.target, clusters = build_target(self.points, config, seed)
        self.chosen = {"neighbours": config.neighbours, "clusters": int(clusters.max()) + 1}
        self.centres = nn.Parameter(self._cluster_means(clusters))
        self.optimizer = torch.optim.Adam(
            [*self.head.parameters(), self.centres], lr=config.learning_rate, fused=True
        )

    def learn(self, on_epoch: OnEpoch) -> None:
        """Teach the head."""
        config, n = self.config, len(self.inputs)
        started = time.perf_counter()
        for number in range(1, config.rounds + 1):
            if config.refresh and number > 1 and (number - 1) % config.refresh == 0:
                self._refresh()
            sampled = torch.randperm(n, generator=self.generator)[: config.sample]
            terms = self._network_step(sampled)
            if config.asymmetric:
                relaxed = self._outputs(sampled)
                pulled = self.target.times(
                    torch.zeros_like(self.codes).index_copy(0, sampled, relaxed)
                )
                self.codes = code_step(self.codes, relaxed, pulled, sampled, config.gamma)
            on_epoch(EpochLog(number, config.rounds, terms, time.perf_counter() - started))

    def _network_step(self, sampled: Tensor) -> dict[str, float]:
        """Some epochs over the sampled images; returns the mean of each loss term."""
        config = self.config
        pull, energy = self.target.times(self.codes)[sampled], self.target.energy()[sampled]
        gram = self.codes.T @ self.codes
        with torch.no_grad():
            sharp = sharpened(soft_assignment(self._outputs(sampled), self.centres))
        sums: dict[str, float] = {}
        for _ in range(config.epochs):
            order = torch.randperm(len(sampled), generator=self.generator)
            for batch in torch.split(order, config.batch):
                rows = sampled[batch]
                relaxed = torch.tanh(self.head(self.inputs[rows]))
                if config.asymmetric:
                    similarity = asymmetric_loss(
                        relaxed, pull[batch], energy[batch], gram, len(self.codes)
                    )
                    goal = self.codes[rows]
                else:
                    similarity = symmetric_loss(relaxed, self.target.rows(rows, rows))
                    goal = torch.where(relaxed.detach() >= 0, 1.0, -1.0)
                terms = {
                    "similarity": similarity,
                    "quantization": config.gamma * (relaxed - goal).square().sum(1).mean(),
                }
                if config.lambda_c:
                    assignment = soft_assignment(relaxed, self.centres)
                    terms["clustering"] = config.lambda_c * clustering_loss(
                        assignment, sharp[batch]
                    )
                self.optimizer.zero_grad()
                torch.autograd.backward(torch.stack(list(terms.values())).sum())
                self.optimizer.step()
                share = len(batch) / len(sampled) / config.epochs
                for name, value in terms.items():
                    sums[name] = sums.get(name, 0.0) + value.item() * share
        return sums

    @torch.no_grad()
    def _outputs(self, rows: Tensor) -> Tensor:
        return torch.tanh(self.head(self.inputs[rows]))

    def _cluster_means(self, clusters: Tensor) -> Tensor:
        """Mean output of each cluster, (M, K)."""
        member = F.one_hot(clusters).float()
        outputs = self._outputs(torch.arange(len(self.inputs)))
        return member.T @ outputs / member.sum(0)[:, None]

    def _refresh(self) -> None:
        """Rebuild target and centres in the mixed space of features and outputs."""
        outputs = F.normalize(self._outputs(torch.arange(len(self.inputs))))
        anchor = self.config.anchor
        mixed = torch.cat([anchor**0.5 * self.points, (1 - anchor) ** 0.5 * outputs], dim=1)
        self.target, clusters = build_target(mixed, self.config, self.seed)
        with torch.no_grad():
            means = self._cluster_means(clusters)
            rows = min(len(means), len(self.centres))
            self.centres[:rows] = means[:rows]
