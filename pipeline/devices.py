"""The device that networks compute and learn on: CUDA, then MPS, then the CPU, or the one named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.settings import Settings

if TYPE_CHECKING:
    import torch


def device_of(settings: Settings) -> str:
    """The device of HASHLENS_DEVICE, as torch names it; `auto` is the best one there is.

    Raises:
        ValueError: torch finds no such device.
    """
    import torch  # seconds: not for those who only read settings

    asked = settings.device
    if asked == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, number = asked.partition(":")
    count = _count(torch.device(kind))
    if int(number or 0) >= count:
        found = f"{count} of them" if count else "no GPU of that kind"
        raise ValueError(
            f"HASHLENS_DEVICE is {asked!r}, but torch finds {found}; set it to 'auto' or 'cpu'"
        )
    return asked


def device_title(device: str) -> str:
    """A device in words: its name and what it is.

    Example:
        >>> device_title("cpu")
        'cpu'
    """
    import torch

    if not device.startswith("cuda"):
        return device
    return f"{device} ({torch.cuda.get_device_name(device)})"


def _count(device: torch.device) -> int:
    import torch

    if device.type == "cuda":
        return torch.cuda.device_count()
    return int(device.type == "cpu" or torch.backends.mps.is_available())
