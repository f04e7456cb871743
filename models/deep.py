"""DeepHashMethod: a head on cached features, trained by mini-batches of a loss."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from models.checkpoint import Checkpoints, Snapshot, forked_random_state
from models.copies import without_copies
from models.finetuning import Source, StoredViews, TrainableBackbone
from models.method import (
    HashMethod,
    MethodConfig,
    OnEpoch,
    TrainingSet,
    check_features,
    ignore,
)
from models.training import Group, LossTerms, OnStep, fit_epochs, ignore_step

MEAN_NORM = 10.0  # features are scaled to this mean norm, which fixes the scale of the step size


def passes(epochs: int) -> Any:
    """The field `epochs` of a configuration, with its default."""
    return Field(epochs, ge=1, le=1000, description="Passes over the training set.")


class DeepConfig(MethodConfig):
    """Hyper-parameters that all deep methods share."""

    hidden: int = Field(1024, ge=0, le=8192, description="Width of the hidden layer; 0: linear.")
    dropout: float = Field(0.5, ge=0, lt=1, description="Dropout before the code layer.")
    batch_norm: bool = Field(True, description="Batch norm after the code layer.")
    epochs: int = passes(60)
    batch: int = Field(128, ge=2, le=65536, description="Images in a mini-batch.")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="Step size of Adam at the start.")
    weight_decay: float = Field(0.0, ge=0, le=1, description="L2 penalty on the weights.")


@dataclass(frozen=True)
class Batch:
    """A mini-batch.

    Attributes:
        rows: (b,) numbers of its images in the training set.
        views: inputs of the head, (b, d) each: the plain images, these and an augmented view of
            them, or two augmented views, as the card's number of views asks.
        relaxed: output of the head for each view, (b, K).
        labels: (b, C) bool, None for methods that are not supervised.
    """

    rows: Tensor
    views: tuple[Tensor, ...]
    relaxed: tuple[Tensor, ...]
    labels: Tensor | None

    @property
    def known_labels(self) -> Tensor:
        """The labels of a supervised method's batch."""
        assert self.labels is not None  # checked before training
        return self.labels


class DeepHashMethod(HashMethod):
    """Head and loop; a method gives `loss`, and where needed `on_fit_start` or `activation`.

    What a method changes while it trains lies in attributes that are tensors: checkpoints find them
    there. Everything else it derives from its arguments in `on_fit_start` or `on_epoch_start`.
    """

    config: DeepConfig
    copies_count_once: ClassVar[bool] = False  # where the neighbourhood of features is the target

    @abstractmethod
    def loss(self, batch: Batch) -> LossTerms:
        """Named scalar terms; their sum is minimised."""

    def on_fit_start(self, train: TrainingSet) -> None:
        """Prepare what the loss needs: targets, centres, label statistics."""

    def on_epoch_start(self, epoch: int) -> None:
        """Change what depends on the epoch (from 1): continuation, schedules."""

    def learnable(self) -> list[Tensor]:
        """Modules and parameters learned beside the head; asked for after `on_fit_start`."""
        return []

    def activation(self, outputs: Tensor) -> Tensor:
        """Map the code layer (b, K) to relaxed codes."""
        return torch.tanh(outputs)

    def fit(
        self,
        train: TrainingSet,
        *,
        on_epoch: OnEpoch = ignore,
        on_step: OnStep = ignore_step,
        checkpoints: Checkpoints | None = None,
        trunk: TrainableBackbone | None = None,
        device: str = "cpu",
    ) -> Self:
        """Train the head on `train`; see `HashMethod.fit`.

        Meanwhile `state` holds the weights so far. A fit that is cut short leaves it as it was.

        Args:
            train: features of the backbone as it is at the start.
            on_epoch: called after each epoch; may encode.
            on_step: called after each mini-batch; may raise Cancelled.
            checkpoints: resume from the last one, and keep new ones.
            trunk: a backbone that learns too; it embeds the images again in every step.
            device: where head and loss compute; what is prepared between epochs is on the CPU.
        """
        train = self._checked(train, are_features_fixed=trunk is None)
        features, labels = train.features, self._checked_labels(train)
        mean, scale = mean_and_scale(features)
        self.on_fit_start(TrainingSet(tuple((v - mean).mul_(scale) for v in train.views), labels))
        place = torch.device(device)
        generator = torch.Generator().manual_seed(self.seed)
        source = trunk or StoredViews(train.views, generator)
        before = self.state
        with forked_random_state(place):  # weights and dropout draw from torch's own state
            torch.manual_seed(self.seed)
            head = build_head(features.shape[1], self.bits, self.config).to(place)
            self._move_to(place)
            self._point_state_at(head, mean.to(place), scale.to(place))
            snapshot = Snapshot(head, self, self.learnable(), generator, source.parameters, place)
            try:
                fit_epochs(
                    self._groups(head, source),
                    len(features),
                    self._loss_of_rows(head, source, labels, place),
                    epochs=self.config.epochs,
                    batch=self.config.batch,
                    weight_decay=self.config.weight_decay,
                    generator=generator,
                    on_epoch=on_epoch,
                    on_epoch_start=self._start_of_epochs(source, place),
                    on_step=on_step,
                    on_gradients=source.on_gradients,
                    accumulate=source.accumulate,
                    snapshot=snapshot,
                    checkpoints=checkpoints,
                )
            except BaseException:
                self.state = before
                raise
            finally:
                self._move_to(torch.device("cpu"))
        self.state = {name: tensor.cpu().clone() for name, tensor in self.state.items()}
        return self

    def relax(self, inputs: Tensor) -> Tensor:
        """Relaxed codes (n, bits) of features (n, d)."""
        return self.relaxation()(inputs)

    def relaxation(self) -> Callable[[Tensor], Tensor]:
        """See HashMethod; the head is built once."""
        state = self.state
        with torch.device("meta"):  # no initial weights, which would draw from torch's own state
            head = build_head(len(state["mean"]), self.bits, self.config)
        prefix = "head."
        head.load_state_dict(
            {name.removeprefix(prefix): t for name, t in state.items() if name.startswith(prefix)},
            assign=True,
        )
        head.eval()

        def relaxed(inputs: Tensor) -> Tensor:
            inputs = inputs.to(state["mean"].device)  # the CPU, unless it trains on another device
            return self.activation(head((inputs - state["mean"]) * state["scale"])).detach().cpu()

        return relaxed

    def _start_of_epochs(self, source: Source, place: torch.device) -> Callable[[int], None]:
        """What happens before each epoch, on the CPU."""

        def start(epoch: int) -> None:
            source.on_epoch_start(epoch)
            self._move_to(torch.device("cpu"))
            self.on_epoch_start(epoch)
            self._move_to(place)

        return start

    def _groups(self, head: nn.Module, source: Source) -> list[Group]:
        """What is learned, each at its step size."""
        groups = [Group([*head.parameters(), *self.learnable()], self.config.learning_rate)]
        if source.parameters:
            groups.append(Group([*source.parameters.values()], source.learning_rate))
        return groups

    def _loss_of_rows(
        self, head: nn.Module, source: Source, labels: Tensor | None, place: torch.device
    ) -> Callable[[Tensor], LossTerms]:
        """The loss as a function of the numbers of the images in a mini-batch."""
        mean, scale = self.state["mean"], self.state["scale"]

        def loss(rows: Tensor) -> LossTerms:
            views = [view.to(place) for view in source.views(rows, self.card.views)]
            inputs = tuple((view - mean) * scale for view in views)
            relaxed = tuple(self.activation(head(view)) for view in inputs)
            fixed = tuple(view.detach() for view in inputs)  # a target must not follow the loss
            own = labels[rows].to(place) if labels is not None else None
            makes_there = nullcontext() if place.type == "cpu" else place
            with makes_there:  # what the loss makes itself
                return self.loss(Batch(rows.to(place), fixed, relaxed, own))

        return loss

    def _move_to(self, place: torch.device) -> None:
        """Move the tensors of this method, learned ones too, and keep who refers to them."""
        for tensor in [*vars(self).values(), *self.learnable()]:
            if isinstance(tensor, Tensor) and tensor.device != place:
                tensor.data = tensor.data.to(place)

    def _point_state_at(self, head: nn.Module, mean: Tensor, scale: Tensor) -> None:
        """Let the state be the tensors of a head in training, which change with it."""
        weights = {f"head.{name}": tensor.detach() for name, tensor in head.state_dict().items()}
        self.state = {"mean": mean, "scale": scale.reshape(1), **weights}

    def _checked(self, train: TrainingSet, *, are_features_fixed: bool) -> TrainingSet:
        """The training set, with copies counted once where that is wanted and possible.

        Raises:
            ValueError: views are missing, differ in shape or are not finite.
        """
        check_features(train, at_least=2)
        card, views = self.card, train.views
        if len(views) < card.views:
            raise ValueError(
                f"{card.title} trains on {card.views} views of each image, the plain one and "
                f"{card.views - 1} augmented, got {len(views)}"
            )
        for view in views[1:]:
            check_features(TrainingSet((view,)), at_least=2)
            if view.shape != views[0].shape:
                raise ValueError(f"views differ in shape: {[tuple(v.shape) for v in views]}")
        if self.copies_count_once and are_features_fixed:
            return without_copies(train, at_least=2 * self.bits)
        return train

    def _checked_labels(self, train: TrainingSet) -> Tensor | None:
        """The labels of a supervised method.

        Raises:
            ValueError: they are missing, or of a kind that the method does not take.
        """
        card, labels = self.card, train.labels
        if card.supervision != "supervised":
            return None
        if labels is None:
            raise ValueError(f"{card.title} is supervised and needs labels; the data set has none")
        if "multi" not in card.label_kinds and bool((labels.sum(1) > 1).any()):
            raise ValueError(f"{card.title} takes one label per image, some images have several")
        return labels


def mean_and_scale(features: Tensor) -> tuple[Tensor, Tensor]:
    """The mean (d,) of features (n, d), and what gives them `MEAN_NORM` around it."""
    mean = features.mean(0)
    return mean, MEAN_NORM / (features - mean).norm(dim=1).mean().clamp(min=1e-12)


def build_head(in_features: int, bits: int, config: DeepConfig) -> nn.Sequential:
    """Linear, or one hidden layer with ReLU; dropout and batch norm as configured."""
    layers: list[nn.Module] = []
    width = in_features
    if config.hidden:
        layers += [nn.Linear(in_features, config.hidden), nn.ReLU()]
        width = config.hidden
    if config.dropout:
        layers.append(nn.Dropout(config.dropout))
    layers.append(nn.Linear(width, bits))
    if config.batch_norm:
        layers.append(nn.BatchNorm1d(bits))
    return nn.Sequential(*layers)
