"""timm's networks: small ones with random weights, saved and loaded back; nothing is downloaded."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from models.backbones.network_names import parsed, pin, unwrapped
from models.backbones.pooling import Pooled, gem
from models.backbones.registry import (
    check_backbone,
    list_backbones,
    load_backbone,
    pinned,
)
from models.errors import WeightsError

timm = pytest.importorskip("timm", reason="timm is not installed: requirements-networks.txt")
VIT, CONV = "vit_tiny_patch16_224", "convnext_atto"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Weights of small networks as timm saves them, by the name of the network."""
    folder, made = tmp_path_factory.mktemp("weights"), {}
    torch.manual_seed(0)
    for name in (VIT, CONV, "swin_tiny_patch4_window7_224"):
        network = timm.create_model(name, pretrained=False)
        made[name] = folder / f"{name}.safetensors"
        save_file({k: v.contiguous() for k, v in network.state_dict().items()}, made[name])
    return made


def photograph(seed: int = 0, size: tuple[int, int] = (90, 70)) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3))
    return Image.fromarray(pixels.astype(np.uint8))


@pytest.mark.parametrize("name", [VIT, CONV])
def test_features_are_those_of_timm_with_its_own_preprocessing(files, name) -> None:
    backbone = load_backbone(f"timm:{name}@{files[name]}")

    reference = timm.create_model(name, pretrained=False, num_classes=0, checkpoint_path="")
    state = {k: v for k, v in load(files[name]).items() if not k.startswith("head.fc")}
    if name == VIT:
        state = {k: v for k, v in state.items() if not k.startswith("head")}
    reference.load_state_dict(state)
    config = timm.data.resolve_model_data_config(reference)
    prepare = timm.data.create_transform(**config, is_training=False)
    with torch.inference_mode():
        expected = reference.eval()(prepare(photograph())[None])
    found = backbone.embed([photograph()])
    assert backbone.dim == expected.shape[1]
    assert torch.allclose(found, expected, atol=1e-4)


def load(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(path)


def test_options_change_features_and_fingerprint(files) -> None:
    names = ["", ",size=160", ",pool=cls", ",pool=mean", ",pool=gem", ",size=160,pool=gem"]

    backbones = [load_backbone(f"timm:{VIT}{options}@{files[VIT]}") for options in names]

    assert len({backbone.fingerprint for backbone in backbones}) == len(names)
    assert tuple(backbones[1].preprocess(photograph()).shape) == (3, 160, 160)
    features = torch.cat([backbone.embed([photograph()]) for backbone in backbones])
    assert features.shape == (len(names), 192)
    assert torch.allclose(features[0], features[2], atol=1e-4)  # the network's own is its CLS token
    assert len({tuple(row) for row in features[1:].tolist()}) == len(names) - 1


@pytest.mark.parametrize("name", [CONV, "swin_tiny_patch4_window7_224"])
def test_maps_are_pooled_over_places_whatever_their_layout(files, name) -> None:
    network = timm.create_model(name, pretrained=False, num_classes=0).eval()
    images = torch.randn(2, 3, 224, 224)

    with torch.inference_mode():
        mean, maps = Pooled(network, "mean")(images), network.forward_features(images)

    channels = 1 if maps.shape[1] == network.num_features else 3
    axes = tuple(axis for axis in (1, 2, 3) if axis != channels)
    assert torch.allclose(mean, maps.mean(axes), atol=1e-4)
    with pytest.raises(ValueError, match="has no CLS token; take pool=mean or gem"):
        Pooled(network, "cls")


def test_the_mean_of_a_transformer_leaves_its_class_token_out() -> None:
    network = timm.create_model(VIT, pretrained=False, num_classes=0).eval()
    images = torch.randn(1, 3, 224, 224)

    with torch.inference_mode():
        tokens, mean = network.forward_features(images), Pooled(network, "mean")(images)

    assert tokens.shape[1] == 197
    assert torch.allclose(mean, tokens[:, 1:].mean(1), atol=1e-5)
    assert not torch.allclose(mean, tokens.mean(1), atol=1e-5)


def test_gem_lies_between_mean_and_maximum() -> None:
    places = torch.rand(3, 7, 5)

    pooled = gem(places)

    assert (pooled >= places.mean(1) - 1e-5).all()
    assert (pooled <= places.amax(1) + 1e-5).all()
    assert torch.allclose(pooled, (places**3).mean(1) ** (1 / 3), atol=1e-5)


def test_checkpoints_of_training_programs_are_unwrapped(files, tmp_path) -> None:
    state = {f"module.{key}": value for key, value in load(files[VIT]).items()}
    torch.save({"epoch": 7, "state_dict": state}, tmp_path / "last.pth")

    found = load_backbone(f"timm:{VIT}@{tmp_path / 'last.pth'}").embed([photograph()])

    expected = load_backbone(f"timm:{VIT}@{files[VIT]}").embed([photograph()])
    assert torch.allclose(found, expected)
    assert unwrapped({"model": {"a": torch.ones(1)}}).keys() == {"a"}  # type: ignore[dict-item]


class Trap:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def test_a_pickle_never_runs(tmp_path) -> None:
    mark = tmp_path / "ran"
    torch.save({"model": Trap(mark)}, tmp_path / "w.pth")

    with pytest.raises(WeightsError, match="not a plain file of tensors"):
        load_backbone(f"timm:{VIT}@{tmp_path / 'w.pth'}")

    assert not mark.exists()


def test_a_name_with_a_file_is_pinned_to_its_content(files, tmp_path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(files[VIT].read_bytes())
    name = pinned(f"timm:{VIT}@{path}")
    assert name.startswith(f"timm:{VIT}@{path}#")
    assert pinned(name) == name
    assert load_backbone(name).name == name

    changed = load(path)
    changed["norm.weight"] += 1
    save_file(changed, path)

    assert pinned(f"timm:{VIT}@{path}") != name
    with pytest.raises(WeightsError, match=r"w.safetensors has sha256 .*, not "):
        load_backbone(name)
    path.unlink()
    assert pinned(name) == name  # runs of it are still listed
    with pytest.raises(WeightsError, match="cannot be read"):
        load_backbone(name)
    with pytest.raises(ValueError, match="there is no file of weights"):
        pinned(f"timm:{VIT}@{path}")


def test_weights_of_another_network_are_refused(files) -> None:
    with pytest.raises(WeightsError, match="are not those of timm's network convnext_atto"):
        load_backbone(f"timm:{CONV}@{files[VIT]}")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (
            "timm:vit_tinny_patch16_224",
            "Did you mean 'vit_tiny_patch16_224",
        ),
        ("timm:", "unknown timm network"),
        (f"timm:{VIT},pool=max", "unknown pooling 'max'"),
        (f"timm:{VIT},size=big", "size is 10 to 9999 pixels, got 'big'"),
        (f"timm:{VIT},siz=3", "unknown option of .* 'siz'. Did you mean 'size'"),
        ("timm:test_vit_nope", "unknown timm network"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_loaded(name, reason) -> None:
    with pytest.raises(ValueError, match=reason):
        check_backbone(name)


def test_sizes_that_the_patches_do_not_fit_are_refused(files) -> None:
    with pytest.raises(ValueError, match="take size=240 or size=256"):
        load_backbone(f"timm:{VIT},size=250@{files[VIT]}")


def test_without_a_network_the_error_says_what_to_do(monkeypatch, tmp_path) -> None:
    import huggingface_hub

    def offline(*args: object, **options: object) -> None:
        raise OSError("no route")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", offline)

    with pytest.raises(WeightsError, match=r"Go online once, or get the file .*@model.safetensors"):
        load_backbone("timm:vit_tiny_patch16_224.augreg_in21k")


@pytest.mark.parametrize("family", ["timm", "clip"])
def test_without_the_package_the_error_names_the_file_of_requirements(monkeypatch, family) -> None:
    package = {"timm": "timm", "clip": "open_clip"}[family]
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(ValueError, match=f"{family}:NAME needs .*requirements-networks"):
        check_backbone(f"{family}:x")

    assert f"{family}:NAME" in list_backbones()
    assert importlib.import_module(f"models.backbones.{family}")


def test_names_are_taken_apart_and_put_together() -> None:
    name = "a.b,size=64,pool=gem@/x/y@z.pth#0123456789ab"

    made = parsed(f"timm:{name}", "timm:")

    assert (made.architecture, made.size, made.pool) == ("a.b", 64, "gem")
    assert (str(made.path), made.digest) == ("/x/y@z.pth", "0123456789ab")
    assert str(made) == name
    assert pin("timm:resnet50", "timm:") == "timm:resnet50"


REAL = "vit_small_patch14_dinov2.lvd142m"


def test_published_weights_of_the_cache_tell_images_apart() -> None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(f"timm/{REAL}", "model.safetensors")
    if not isinstance(found, str):
        pytest.skip(f"the weights of {REAL} are not in the cache of huggingface_hub")

    backbone = load_backbone(f"timm:{REAL}")

    features = torch.nn.functional.normalize(backbone.embed([photograph(0), photograph(1)]), dim=1)
    assert backbone.dim == 384
    assert float(features[0] @ features[1]) < 0.999
