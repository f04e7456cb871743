"""The asymmetric learning of UD2H: target, network step and code step by turns."""

from __future__ import annotations

import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.asymmetric import asymmetric_loss, code_step
from models.clustering import clustering_loss, k_means, sharpened, soft_assignment
from models.kinds_and_things import FACTORS
from models.linear import principal_axes
from models.method import EpochLog, OnEpoch
from models.neighbourhood import Neighbourhood
from models.pairs import symmetric_loss
from models.targets import Spectrum, Target, balanced, graded, stable_neighbours
from models.ud2h_config import UD2HConfig


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


def unit_components(inputs: Tensor, count: int) -> Tensor:
    """Leading principal components of centred features (n, d), unit rows: (n, at most count)."""
    n, width = inputs.shape
    return F.normalize(inputs @ principal_axes(inputs, min(count, width, n - 1)))


def with_neighbours(config: UD2HConfig, points: Tensor, seed: int) -> UD2HConfig:
    """The configuration with its neighbours chosen, where they were left open."""
    if config.neighbours:
        return config
    k = stable_neighbours(points, config.eigenvectors, config.power, seed)
    return config.model_copy(update={"neighbours": k})


class AlternatingOptimizer:
    """Network step and code step by turns, the state of one fit.

    Args:
        inputs: (n, d) centred and scaled features.
        points: (n, p) their principal components with unit rows, which the graph is built of.
        head: start, from d to K outputs; learned in place.
        config: configuration of the method, `neighbours` not 0.
        seed: seed of target and clusters.
        generator: source of the samples and their order.
    """

    def __init__(
        self,
        inputs: Tensor,
        points: Tensor,
        head: nn.Linear,
        config: UD2HConfig,
        seed: int,
        generator: torch.Generator,
    ) -> None:
        self.inputs, self.points, self.config, self.seed = inputs, points, config, seed
        self.head, self.generator = head, generator
        self.codes = self._signs()
        self.target, clusters = build_target(points, config, seed)
        self.neighbourhood = Neighbourhood.of(points) if config.lambda_n else None
        self.chosen = {"neighbours": config.neighbours, "clusters": int(clusters.max()) + 1}
        if self.neighbourhood:
            self.chosen["overlap of neighbourhoods, %"] = round(100 * self.neighbourhood.overlap)
            factors = FACTORS[config.find]
            self.lambda_n = factors.weight * config.lambda_n
            usual = config.sharpness or self.neighbourhood.sharpness
            self.sharpness = factors.sharpness * usual
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
            current = self._signs()
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
                if self.neighbourhood:
                    loss = self.neighbourhood.loss(relaxed, rows, current, self.sharpness)
                    terms["neighbourhood"] = self.lambda_n * loss
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
    def _signs(self) -> Tensor:
        """The codes that the network gives all images at present, (n, K) in {-1, +1}."""
        return torch.where(self.head(self.inputs) >= 0, 1.0, -1.0)

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
