"""Save and load fitted methods: config.json plus weights.safetensors, never a pickle."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from models.method import HashMethod, NotFittedError
from models.registry import get_method

_FORMAT = 1
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
        config = cls.Config.model_validate(record["config"])
        method = cls(record["bits"], config, seed=record["seed"])
        method.state = load_file(folder / "weights.safetensors")
        _check_weights(method)
    except _UNREADABLE as error:
        reason = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else error
        raise ValueError(f"cannot load the hash method in {folder}: {reason}") from error
    return method


def _check_weights(method: HashMethod) -> None:
    """Encode a blank image: weights that are missing or misshapen show now, not in a search."""
    codes = method.encode(torch.zeros(1, method.in_features))
    if codes.bits != method.bits:
        raise ValueError(f"the weights give {codes.bits}-bit codes, config.json says {method.bits}")
