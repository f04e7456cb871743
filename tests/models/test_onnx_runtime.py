"""accelerated: the same features by onnxruntime, or the network itself."""

from __future__ import annotations

import builtins
from dataclasses import replace

import pytest
import torch
from PIL import Image

from models import onnx_runtime
from models.backbones.base import frozen
from models.backbones.registry import load_backbone
from models.onnx_runtime import OnnxNetwork, accelerated

pytest.importorskip("onnxruntime", reason="requirements-export.txt is not installed")


@pytest.fixture(autouse=True)
def _forgets():
    yield
    accelerated.cache_clear()


@pytest.fixture
def always_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([1.0, 2.0])
    monkeypatch.setattr(onnx_runtime, "_seconds", lambda *_: next(times))


def test_features_are_the_same(always_faster) -> None:
    backbone = load_backbone("efficientnet_lite0")
    images = [Image.effect_noise((300, 260), 20 + 30 * n).convert("RGB") for n in range(3)]

    other = accelerated(backbone)

    assert isinstance(other.network, OnnxNetwork)
    assert other.fingerprint == backbone.fingerprint
    expected = backbone.embed(images)
    assert (other.embed(images) - expected).abs().max() <= 1e-4 * expected.abs().max()


def test_it_stays_in_torch_where_that_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([2.0, 1.0])
    monkeypatch.setattr(onnx_runtime, "_seconds", lambda *_: next(times))
    backbone = load_backbone("efficientnet_lite0")

    assert accelerated(backbone) is backbone


def test_it_stays_in_torch_where_features_differ(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    forward = OnnxNetwork.forward
    monkeypatch.setattr(OnnxNetwork, "forward", lambda self, images: forward(self, images) * 1.01)
    backbone = load_backbone("efficientnet_lite0")

    assert accelerated(backbone) is backbone
    assert "stays in torch, onnxruntime gives other features" in caplog.text


def test_a_network_that_cannot_be_exported_stays_in_torch(caplog) -> None:
    class Whimsical(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.mean((2, 3)) if float(images.sum()) > 0 else images.amax((2, 3))

    caplog.set_level("INFO")
    tiny = load_backbone("tiny")
    backbone = frozen("odd", 3, "odd", tiny.preprocess, Whimsical())

    assert accelerated(backbone) is backbone
    assert "odd stays in torch, onnxruntime cannot take it" in caplog.text


def test_without_the_packages_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    load = builtins.__import__

    def missing(name: str, *more: object) -> object:
        if name == "onnxruntime":
            raise ImportError(name)
        return load(name, *more)

    monkeypatch.setattr(builtins, "__import__", missing)
    backbone = load_backbone("tiny")

    assert accelerated(backbone) is backbone


@pytest.mark.parametrize("change", [{"device": "cuda"}, {"is_half": True}, {"refusal": "none"}])
def test_only_whole_precision_on_the_cpu_is_exported(change: dict[str, object]) -> None:
    backbone = replace(load_backbone("tiny"), **change)

    assert accelerated(backbone) is backbone
