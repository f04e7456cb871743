"""Networks on the CPU by onnxruntime, where it is there, faster, and gives the same features."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from models.backbones.base import Backbone

_log = logging.getLogger(__name__)
_TRIED = 8  # images that are timed and compared
_TOLERANCE = 1e-4  # of the largest feature


class OnnxNetwork(nn.Module):
    """A network that onnxruntime computes.

    Args:
        network: the same in torch.
        example: (n, 3, h, w) images as it takes them.

    Raises:
        ImportError: a package of requirements-export.txt is missing.
        Exception: the network cannot be exported; torch raises many kinds.
    """

    def __init__(self, network: nn.Module, example: Tensor) -> None:
        super().__init__()
        import onnxruntime
        import onnxscript  # noqa: F401 - torch's exporter writes through it

        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")  # of the exporter, about itself
            program = torch.onnx.export(
                network,
                (example,),
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim("n")},),
                verbose=False,
            )
        assert program is not None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3  # errors
        self._session: Any = onnxruntime.InferenceSession(
            program.model_proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name

    def forward(self, images: Tensor) -> Tensor:
        """(n, 3, h, w) -> (n, d)."""
        [features] = self._session.run(None, {self._input: images.contiguous().numpy()})
        return torch.from_numpy(features)


@lru_cache(maxsize=1)  # views of the images pass the same network again
def accelerated(backbone: Backbone) -> Backbone:
    """The backbone with its network in onnxruntime; itself where that is of no use.

    It costs a few seconds, so it is for many images.
    """
    if backbone.device != "cpu" or backbone.is_half or backbone.refusal:
        return backbone
    noise = Image.effect_noise((256, 256), 60).convert("RGB")
    images = torch.stack([backbone.preprocess(noise)] * _TRIED)
    images += torch.rand(_TRIED, 1, 1, 1, generator=torch.Generator().manual_seed(0))
    try:
        other = replace(backbone, network=OnnxNetwork(backbone.network, images[:2]))
        found, expected = other.forward(images), backbone.forward(images)
    except ImportError:
        return backbone
    except Exception as error:  # of exporter or runtime: the network itself still works
        _log.info("%s stays in torch, onnxruntime cannot take it: %s", backbone.name, error)
        return backbone
    if float((found - expected).abs().max()) > _TOLERANCE * float(expected.abs().max()):
        _log.warning("%s stays in torch, onnxruntime gives other features", backbone.name)
        return backbone
    theirs, ours = (_seconds(one, images) for one in (other.forward, backbone.forward))
    if theirs >= ours:
        return backbone
    _log.info("%s computes in onnxruntime, %.1f times as fast", backbone.name, ours / theirs)
    return other


def _seconds(forward: Callable[[Tensor], Tensor], images: Tensor) -> float:
    best = float("inf")
    for _ in range(2):
        began = time.perf_counter()
        forward(images)
        best = min(best, time.perf_counter() - began)
    return best
