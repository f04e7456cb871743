"""HashMethod: what every hash method is, what it declares (its card) and what it trains on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from models.codes import HashCodes
from models.errors import NotFittedError

_BLOCK = 1 << 16  # rows that are checked at a time
_ENCODED = 1 << 13  # rows that are encoded at a time
Supervision = Literal["supervised", "unsupervised", "data-independent"]
LabelKind = Literal["none", "single", "multi"]
Provenance = Literal["paper", "another paper", "authors' repository", "issue thread", "re-run"]


class MethodConfig(BaseModel):
    """Hyper-parameters of one method; unknown keys are refused.

    Attributes:
        FORMER: settings of earlier versions that shaped the fit alone, with their defaults; what
            they did is in the weights, so that methods fitted with them still encode.
        ABSENT: settings that earlier versions did not have, with the values of what they did.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    FORMER: ClassVar[dict[str, int]] = {}
    ABSENT: ClassVar[dict[str, float]] = {}


class Reported(BaseModel):
    """A published figure, so that ours can stand beside it. None was run again for HashLens.

    Attributes:
        dataset: images, with the id of the protocol (docs/evaluation.md) and the backbone.
        metric: such as mAP@1000; mAP@all counts all ranks.
        source: place where it is printed.
        provenance: kind of place it was read in: the method's paper or its supplement, another
            paper's table, the authors' repository, an issue that quotes it, or the repository of
            somebody who ran the method again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    bits: int
    metric: str
    value: float
    source: str
    provenance: Provenance


class MethodCard(BaseModel):
    """Facts about a method; the zoo table, the forms and the tests are made from it.

    Attributes:
        name: file name in models/methods, used on the command line.
        title: name for people.
        summary: one sentence.
        paper: link to the paper, empty where none can be read.
        views: feature arrays of one image that training needs: the plain one, and the augmented
            ones of contrastive methods, which are computed once.
        is_seeded: whether the seed changes the result.
        ablations: parts that can be switched off, by a short name, with the settings that do it.
        label_kinds: kinds of labels that training accepts; ("none",) where it takes no labels.
        fidelity: what the implementation follows.
        deviations: differences from the source, one sentence each.
        reported: published figures.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    summary: str
    authors: str
    venue: str
    year: int
    paper: str
    supervision: Supervision
    fidelity: Literal["paper", "authors' code", "reconstruction"]
    label_kinds: tuple[LabelKind, ...] = ("none",)
    views: int = 1
    is_seeded: bool = True
    ablations: dict[str, dict[str, bool | float | str]] = {}
    deviations: tuple[str, ...] = ()
    reported: tuple[Reported, ...] = ()


@dataclass(frozen=True)
class TrainingSet:
    """Training images as a method may see them.

    Attributes:
        views: one or more (n, d) float32 feature tensors; views[0] is the plain image.
        labels: (n, C) bool, or None; always None for methods that are not supervised.
    """

    views: tuple[Tensor, ...]
    labels: Tensor | None = None

    @property
    def features(self) -> Tensor:
        """The features of the plain images, (n, d)."""
        return self.views[0]

    def __len__(self) -> int:
        return len(self.views[0])


@dataclass(frozen=True)
class EpochLog:
    """One step of the training history: loss terms by name, seconds since the start of `fit`."""

    epoch: int
    n_epochs: int
    terms: dict[str, float]
    seconds: float


OnEpoch = Callable[[EpochLog], None]


def ignore(_: EpochLog) -> None:
    """Ignore an epoch: the callback that does nothing."""


class HashMethod(ABC):
    """A hash method: `fit` learns from a training set, `encode` gives hash codes for features.

    The constructor only stores its arguments. `fit` forgets an earlier fit. Learned state is in
    `state`, which is empty before `fit`; what `fit` chose where the config leaves it open is in
    `chosen`.

    Args:
        bits: code length K, 1 to 256.
        config: hyper-parameters; None for the defaults.
        seed: makes `fit` reproducible.
    """

    card: ClassVar[MethodCard]
    Config: ClassVar[type[MethodConfig]] = MethodConfig

    def __init__(self, bits: int, config: MethodConfig | None = None, *, seed: int = 0) -> None:
        if not 1 <= bits <= 256:
            raise ValueError(f"bits must be between 1 and 256, got {bits}")
        self.bits = bits
        self.config = config if config is not None else self.Config()
        self.seed = seed
        self.state: dict[str, Tensor] = {}
        self.chosen: dict[str, int] = {}

    @abstractmethod
    def fit(self, train: TrainingSet, *, on_epoch: OnEpoch = ignore) -> Self:
        """Learn from `train`. Calls `on_epoch` after each epoch, which may raise `Cancelled`.

        Raises:
            ValueError: the training set does not fit the method (too small, NaN, no labels).
        """

    @abstractmethod
    def relax(self, inputs: Tensor) -> Tensor:
        """Relaxed codes (n, bits) of features (n, d)."""

    def relaxation(self) -> Callable[[Tensor], Tensor]:
        """`relax` with all that no input changes done beforehand: what an export traces."""
        return self.relax

    @torch.inference_mode()
    def encode(self, inputs: Tensor) -> HashCodes:
        """Hash codes of features (n, d). The only place that binarizes.

        Raises:
            NotFittedError: `fit` or `load_method` has not run.
            ValueError: the features have another width than those of the training set.
        """
        if not self.state:
            raise NotFittedError(f"{self.card.title} must be fitted before it can encode")
        if inputs.ndim != 2 or inputs.shape[1] != self.in_features:
            raise ValueError(
                f"{self.card.title} was fitted on {self.in_features}-d features, "
                f"got an array of shape {tuple(inputs.shape)}"
            )
        parts = [
            HashCodes.from_relaxed(self.relax(part).numpy())
            for part in torch.split(inputs, _ENCODED)
        ]
        return HashCodes(np.concatenate([part.packed for part in parts]), parts[0].bits)

    def encode_rows(self, features: NDArray[np.float32], rows: NDArray[np.int64]) -> HashCodes:
        """Hash codes of some rows (m,) of features (n, d), which are read a block at a time.

        Raises:
            NotFittedError: as `encode`.
            ValueError: as `encode`.
        """
        blocks = (rows[start : start + _ENCODED] for start in range(0, len(rows), _ENCODED))
        parts = [self.encode(torch.from_numpy(np.array(features[some]))).packed for some in blocks]
        none = np.zeros((0, -(-self.bits // 8)), np.uint8)
        return HashCodes(np.concatenate([none, *parts]), self.bits)

    @property
    def in_features(self) -> int:
        """Width d of the features it was fitted on; every state holds their mean, (d,)."""
        return len(self.state["mean"])

    def __repr__(self) -> str:
        return f"{type(self).__name__}(bits={self.bits}, {self.config!r}, seed={self.seed})"


def check_features(train: TrainingSet, *, at_least: int) -> Tensor:
    """The training features, once checked: 2-d, finite and at least `at_least` rows.

    Raises:
        ValueError: saying which of these does not hold, or that all rows are equal.
    """
    features = train.features
    if features.ndim != 2:
        raise ValueError(f"features must have shape (n, d), got {tuple(features.shape)}")
    if len(features) < at_least:
        raise ValueError(f"training needs at least {at_least} images, got {len(features)}")
    blocks = torch.split(features, _BLOCK)
    if not all(bool(torch.isfinite(block).all()) for block in blocks):
        raise ValueError("the training features contain NaN or infinity")
    if all(bool((block == features[0]).all()) for block in blocks):
        raise ValueError(f"all {len(features)} training images have the same features")
    return features
