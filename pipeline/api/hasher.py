"""Hasher: a hash method as an estimator of scikit-learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from models.errors import NotFittedError
from models.method import HashMethod, TrainingSet
from models.registry import get_method
from models.storage import load_method, save_method
from pipeline.api.arrays import Codes, features_of, multi_hot
from pipeline.wording import COMMAND


class Hasher(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # theirs have no types
    """A hash method as an estimator of scikit-learn: features in, packed codes out.

    Args:
        method: name of the method; `list_methods` has all.
        bits: code length K, 1 to 256.
        settings: of the method, see docs/methods.md; None: its defaults.
        random_state: makes `fit` reproducible.

    Attributes:
        method_: the fitted method.
        n_features_in_: width d of the features.
        classes_: names of the labels that it was fitted with; missing without any.
    """

    def __init__(
        self,
        method: str = "ud2h",
        bits: int = 64,
        *,
        settings: dict[str, Any] | None = None,
        random_state: int = 0,
    ) -> None:
        self.method = method
        self.bits = bits
        self.settings = settings
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:  # noqa: N803 - scikit-learn's
        """Learn from features.

        Args:
            X: (n, d) numbers.
            y: (n,) labels, or (n, C) bool with several labels per row; only supervised methods
                look at it.

        Raises:
            ValueError: there is no such method, it does not fit the data, or needs images.
        """
        method = get_method(self.method)
        card = method.card
        if card.views > 1:
            raise ValueError(
                f"{card.title} learns from {card.views - 1} augmented views of each image, which "
                f"arrays lack; train it as a run: {COMMAND} run --method {card.name}"
            )
        labels = None
        if card.supervision == "supervised":
            if y is None:
                raise ValueError(f"{card.title} is supervised; give labels as y")
            labels, self.classes_ = multi_hot(y)
        fitted = method(self.bits, method.Config(**(self.settings or {})), seed=self.random_state)
        known = None if labels is None else torch.from_numpy(labels)
        self.method_: HashMethod = fitted.fit(TrainingSet((features_of(X),), known))
        self.n_features_in_ = self.method_.in_features
        return self

    def transform(self, X: ArrayLike) -> Codes:  # noqa: N803
        """Codes (n, ceil(bits / 8)) uint8 of features (n, d).

        Raises:
            NotFittedError: `fit` has not run.
            ValueError: the features have another width.
        """
        return self._fitted.encode(features_of(X)).packed

    def relax(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803
        """Relaxed codes (n, bits), whose signs are the bits, of features (n, d).

        Raises:
            NotFittedError: `fit` has not run.
        """
        with torch.inference_mode():
            return self._fitted.relax(features_of(X)).numpy()

    def save(self, folder: Path | str) -> None:
        """Write the fitted method as JSON and safetensors.

        Raises:
            NotFittedError: `fit` has not run.
        """
        save_method(self._fitted, Path(folder))

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read what `save` wrote, or the folder `model` of a run.

        Raises:
            ValueError: a file is missing or damaged.
        """
        return cls.of(load_method(Path(folder)))

    @classmethod
    def of(cls, method: HashMethod) -> Self:
        """A hasher around a method that was fitted elsewhere."""
        settings = method.config.model_dump()
        hasher = cls(method.card.name, method.bits, settings=settings, random_state=method.seed)
        hasher.method_, hasher.n_features_in_ = method, method.in_features
        return hasher

    @property
    def _fitted(self) -> HashMethod:
        if not hasattr(self, "method_"):
            raise NotFittedError(f"Hasher({self.method!r}) must be fitted first")
        return self.method_
