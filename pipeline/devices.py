"""The device that networks compute and learn on: CUDA, then MPS, then the CPU, or the one named."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from pipeline.settings import Settings

if TYPE_CHECKING:
    import torch

_ONEDNN = re.compile("could not (create|execute) a primitive")


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


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error, or its cause, is that memory ran out.

    For the CPU torch has no class of its own: its allocator says so, and oneDNN says that it
    could not create or execute a primitive, whatever the cause. That is taken for memory where
    this process has a limit.
    """
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    if isinstance(error, RuntimeError) and "allocate memory" in str(error):
        return True
    if isinstance(error, RuntimeError) and _ONEDNN.match(str(error)) and _memory_is_limited():
        return True
    return error.__cause__ is not None and is_out_of_memory(error.__cause__)


def _memory_is_limited() -> bool:
    if sys.platform != "linux":  # as where the worker sets it
        return False
    import resource

    kinds = (resource.RLIMIT_DATA, resource.RLIMIT_AS)
    return any(resource.getrlimit(kind)[0] != resource.RLIM_INFINITY for kind in kinds)


def _count(device: torch.device) -> int:
    import torch

    if device.type == "cuda":
        return torch.cuda.device_count()
    return int(device.type == "cpu" or torch.backends.mps.is_available())
