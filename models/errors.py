"""Errors of models and their training; without torch, so that catching them needs none."""

from __future__ import annotations


class NotFittedError(RuntimeError):
    """A method was asked to encode, or to be saved, before `fit`."""


class WeightsError(RuntimeError):
    """Weights are missing, damaged or cannot be downloaded; the message says what to do."""


class Cancelled(Exception):  # noqa: N818 - a request that was obeyed, not an error
    """Request to stop, raised by an epoch callback or by whatever else is asked to stop."""
