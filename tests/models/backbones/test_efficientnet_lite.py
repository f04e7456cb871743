"""EfficientNet-Lite: shapes, TensorFlow padding, folded batch norms, the published weights."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from models.backbones.efficientnet_lite import (
    LITE,
    EfficientNetLite,
    SamePadConv,
    fold_batch_norms,
    round_channels,
)
from models.backbones.registry import load_backbone


def naive_same_convolution(images, weight, stride):
    """TensorFlow's SAME written with loops: pad what is missing, the smaller half first."""
    kernel = weight.shape[-1]
    height, width = images.shape[2:]
    out = [-(-size // stride) for size in (height, width)]
    missing = [
        max((count - 1) * stride + kernel - size, 0)
        for count, size in zip(out, (height, width), strict=True)
    ]
    padded = torch.zeros(*images.shape[:2], height + missing[0], width + missing[1])
    top, left = missing[0] // 2, missing[1] // 2
    padded[:, :, top : top + height, left : left + width] = images
    result = torch.zeros(len(images), len(weight), *out)
    for row in range(out[0]):
        for column in range(out[1]):
            y, x = row * stride, column * stride
            patch = padded[:, :, y : y + kernel, x : x + kernel]
            result[:, :, row, column] = torch.einsum("nchw,ochw->no", patch, weight)
    return result


@pytest.mark.parametrize("size", [(7, 7), (8, 8), (5, 10), (1, 3)])
@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 1), (3, 2), (5, 1), (5, 2)])
def test_padding_is_tensorflows_at_even_and_odd_sizes(size, kernel, stride):
    conv = SamePadConv(2, 3, kernel, stride)
    images = torch.randn(2, 2, *size)

    with torch.no_grad():
        found = conv(images)

    assert torch.allclose(found, naive_same_convolution(images, conv.weight, stride), atol=1e-5)


@pytest.mark.parametrize("size", [32, 33, 47])
def test_images_of_any_size_give_one_feature_vector_each(size):
    network = EfficientNetLite(0.25, 0.3, stem=8, head=24, n_classes=0).eval()

    assert network(torch.zeros(3, 3, size, size + 5)).shape == (3, 24)


@pytest.mark.parametrize(
    ("channels", "rounded"), [(32, 32), (17.6, 16), (26.4, 24), (44, 48), (3, 8), (11, 16)]
)
def test_channels_are_multiples_of_eight_and_lose_at_most_a_tenth(channels, rounded):
    """11 is nearest to 8, which would lose 27 %, so 16."""
    assert round_channels(channels) == rounded


def with_statistics(network):
    """Random weights and running statistics, as after training."""
    generator = torch.Generator().manual_seed(3)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
            nn.init.uniform_(module.weight, 0.5, 1.5, generator=generator)
            nn.init.normal_(module.bias, 0, 0.2, generator=generator)
    return network.eval()


def test_folding_removes_every_batch_norm_and_changes_next_to_nothing():
    network = with_statistics(EfficientNetLite(0.25, 0.3, stem=8, head=24, n_classes=0))
    images = torch.randn(2, 3, 40, 40, generator=torch.Generator().manual_seed(0))

    with torch.no_grad():
        before = network(images)
        fold_batch_norms(network)
        after = network(images)

    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    assert before.std() > 1e-3
    assert (before - after).abs().max() < 1e-4


@pytest.mark.parametrize("name", sorted(LITE))
def test_the_published_weights_fit_and_give_the_same_features_every_time(name):
    """Loading is strict: every key and shape matches, or it fails."""
    backbone = load_backbone(name)
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1

    with torch.inference_mode():
        first, second = backbone.network(images), load_backbone(name).network(images)
        alone = backbone.network(images[:1])

    assert first.shape == (2, backbone.dim)
    assert torch.equal(first, second)
    assert torch.allclose(alone, first[:1], atol=1e-4)
    assert first.min() >= 0  # after ReLU6 and a mean
    assert 0.05 < (first > 0.05).float().mean() < 0.95


def test_the_published_weights_know_what_a_disc_is():
    """Two discs at different places are more alike than a disc and noise."""
    backbone = load_backbone("efficientnet_lite0")
    rows, columns = torch.meshgrid(torch.arange(96), torch.arange(96), indexing="ij")
    discs = torch.stack(
        [((rows - 48 - shift) ** 2 + (columns - 48) ** 2 < 900).float() for shift in (0, 8)]
    )
    noise = torch.rand(1, 96, 96, generator=torch.Generator().manual_seed(0))
    images = (torch.cat([discs, noise])[:, None] * 2 - 1).expand(-1, 3, -1, -1)

    with torch.inference_mode():
        features = F.normalize(backbone.network(images))

    assert features[0] @ features[1] > features[0] @ features[2] + 0.2
