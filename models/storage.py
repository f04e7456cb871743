"""Save and load fitted methods: config.json plus weights.safetensors, never a pickle."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from models.errors import NotFittedError
from models.method import HashMethod, MethodConfig
from models.registry import get_method

_FORMAT = 1
_BOUNDS = {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}
_UNREADABLE = (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError)


def save_method(method: HashMethod, folder: Path) -> None:
    """Write a fitted method into `folder` (made if missing).

    Raises:
        NotFittedError: there is nothing to save yet.
    """
    if not method.state:
        raise NotFittedError(f"{method.card.title} must be fitted before it can be saved")
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: tensor.contiguous() for name, tensor in method.state.items()},
        folder / "weights.safetensors",
    )
    record = {
        "format": _FORMAT,
        "method": method.card.name,
        "bits": method.bits,
        "seed": method.seed,
        "config": method.config.model_dump(mode="json"),
    }
    (folder / "config.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def load_method(folder: Path) -> HashMethod:
    """Read the method that `save_method` wrote.

    Raises:
        ValueError: a file is missing, damaged, or of another format; the message names it.
    """
    try:
        record = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if record["format"] != _FORMAT:
            raise ValueError(f"format {record['format']!r}, this version reads {_FORMAT}")
        cls = get_method(record["method"])
        config = _stored_config(cls, record["config"])
        method = cls(record["bits"], config, seed=record["seed"])
        method.state = load_file(folder / "weights.safetensors")
        _check_weights(method)
    except _UNREADABLE as error:
        reason = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else error
        raise ValueError(f"cannot load the hash method in {folder}: {reason}") from error
    return method


def _stored_config(cls: type[HashMethod], stored: object) -> MethodConfig:
    """The hyper-parameters that a method was fitted with, also beyond the bounds of today.

    Raises:
        ValueError: one is of another type, or the method does not have it any more: what it did to
            the codes is not known, so new images could get wrong ones without a word.
    """
    if not isinstance(stored, dict):
        raise ValueError(f"config.json has no settings, got {stored!r}")
    stored = {key: value for key, value in stored.items() if key not in cls.Config.FORMER}
    if gone := sorted(stored.keys() - cls.Config.model_fields.keys()):
        raise ValueError(
            f"it was fitted with {', '.join(gone)}, which {cls.card.title} does not have in this "
            "version; stored codes can be searched, new images cannot be encoded: fit it again"
        )
    try:
        return cls.Config.model_validate(stored)
    except ValidationError as error:
        if {detail["type"] for detail in error.errors()} - _BOUNDS:
            raise
        return cls.Config.model_construct(**stored)


def _check_weights(method: HashMethod) -> None:
    """Encode a blank image: weights that are missing or misshapen show now, not in a search."""
    codes = method.encode(torch.zeros(1, method.in_features))
    if codes.bits != method.bits:
        raise ValueError(f"the weights give {codes.bits}-bit codes, config.json says {method.bits}")
