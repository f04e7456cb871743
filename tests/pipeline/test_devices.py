"""device_of: which device networks compute on, and that a missing one is named."""

from __future__ import annotations

import resource

import pytest
import torch

from pipeline.backbones import load_backbone
from pipeline.devices import device_of, device_title, is_out_of_memory
from pipeline.settings import Settings


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch):
    """Let torch find some GPUs."""

    def found(cuda: int, *, mps: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a GPU")
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return found


@pytest.mark.parametrize(
    ("cuda", "mps", "device"),
    [(2, True, "cuda"), (1, False, "cuda"), (0, True, "mps"), (0, False, "cpu")],
)
def test_auto_takes_the_best_there_is(settings: Settings, gpus, cuda, mps, device) -> None:
    gpus(cuda, mps=mps)

    assert device_of(settings.model_copy(update={"device": "auto"})) == device


@pytest.mark.parametrize("asked", ["cpu", "cuda", "cuda:1", "mps"])
def test_a_device_that_is_there_is_taken(settings: Settings, gpus, asked: str) -> None:
    gpus(2, mps=True)

    assert device_of(settings.model_copy(update={"device": asked})) == asked


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("cuda", "no GPU of that kind"),
        ("mps", "no GPU of that kind"),
        ("cuda:2", "2 of them"),
    ],
)
def test_a_device_that_is_not_there_is_named(settings: Settings, gpus, asked, found) -> None:
    gpus(2 if ":" in asked else 0)

    with pytest.raises(ValueError, match=f"HASHLENS_DEVICE is '{asked}', but torch finds {found}"):
        load_backbone("tiny", settings.model_copy(update={"device": asked}))


def test_a_gpu_is_called_by_its_name(gpus) -> None:
    gpus(1)

    assert (device_title("cpu"), device_title("cuda:0")) == ("cpu", "cuda:0 (a GPU)")


def test_half_precision_is_for_gpus_alone(settings: Settings) -> None:
    asked = settings.model_copy(update={"device": "cpu", "half_precision": True})

    assert load_backbone("tiny", asked).fingerprint == load_backbone("tiny", settings).fingerprint


def caused(cause: Exception) -> Exception:
    error = ValueError("features of a.jpg")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "limited", "is_memory"),
    [
        (MemoryError(), False, True),
        (torch.OutOfMemoryError("CUDA"), False, True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), False, True),
        (caused(RuntimeError("can't allocate memory")), False, True),
        (RuntimeError("could not create a primitive"), True, True),
        (RuntimeError("could not execute a primitive"), True, True),
        (RuntimeError("could not create a primitive"), False, False),
        (RuntimeError("could not create a folder"), True, False),
        (ValueError("can't allocate memory"), True, False),
    ],
)
def test_what_torch_says_when_memory_runs_out_is_understood(
    monkeypatch: pytest.MonkeyPatch, error: Exception, limited: bool, is_memory: bool
) -> None:
    """oneDNN names no cause: it counts where this process has a limit."""
    limit = 10**9 if limited else resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (limit, limit))

    assert is_out_of_memory(error) is is_memory
