"""open_clip's networks: a small one with random weights, saved and loaded back; no download."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from models.backbones.registry import check_backbone, load_backbone
from models.errors import WeightsError
from tests.models.small_clip import NAME, write_small_clip

open_clip = pytest.importorskip(
    "open_clip", reason="open_clip_torch is not installed: requirements-networks.txt"
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_clip(tmp_path_factory.mktemp("clip"))


def photograph(seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (50, 70, 3))
    return Image.fromarray(pixels.astype(np.uint8))


def reference(weights: Path):
    from safetensors.torch import load_file

    network = open_clip.create_model(NAME, pretrained=None, load_weights=False)
    network.load_state_dict(load_file(weights))
    return network.eval()


def test_both_towers_are_those_of_open_clip_at_length_one(weights) -> None:
    backbone, network = load_backbone(f"clip:{NAME}@{weights}"), reference(weights)
    prepare = open_clip.transform.image_transform(32, is_train=False)

    with torch.inference_mode():
        image = network.encode_image(prepare(photograph())[None], normalize=True)
        tokens = open_clip.get_tokenizer(NAME)(["a red dog", "a blue boat"])
        texts = network.encode_text(tokens, normalize=True)

    assert backbone.dim == 16
    assert torch.allclose(backbone.embed([photograph()]), image, atol=1e-5)
    assert torch.allclose(backbone.embed_texts(["a red dog", "a blue boat"]), texts, atol=1e-5)


def test_the_image_size_can_be_chosen_and_is_part_of_the_fingerprint(weights) -> None:
    usual, large = (load_backbone(f"clip:{NAME}{o}@{weights}") for o in ("", ",size=64"))

    assert usual.fingerprint != large.fingerprint
    assert tuple(large.preprocess(photograph()).shape) == (3, 64, 64)
    assert large.embed([photograph()]).shape == (1, 16)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("clip:ViT-B-23/openai", "unknown open_clip network 'ViT-B-23'. Did you mean 'ViT-B-32"),
        ("clip:ViT-B-32/opena", "unknown weights of ViT-B-32 'opena'. Did you mean 'openai'"),
        ("clip:ViT-B-32", "unknown weights of ViT-B-32 ''"),
        ("clip:ViT-B-32,pool=gem/openai", "unknown pooling|have their own pooling"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_loaded(name, reason) -> None:
    with pytest.raises(ValueError, match=reason):
        check_backbone(name)


def test_weights_of_another_network_are_refused(tmp_path) -> None:
    write_small_clip(tmp_path)  # the network is known by now
    save_file({"visual.proj": torch.ones(2, 2)}, tmp_path / "other.safetensors")

    with pytest.raises(WeightsError, match="do not fit this version's network clip:"):
        load_backbone(f"clip:{NAME}@{tmp_path / 'other.safetensors'}")


def test_a_pickle_never_runs(weights, tmp_path) -> None:
    (tmp_path / "w.pt").write_bytes(b"cos\nsystem\n(S'exit 3'\ntR.")

    with pytest.raises(WeightsError, match="not a plain file of tensors"):
        load_backbone(f"clip:{NAME}@{tmp_path / 'w.pt'}")


def test_without_a_network_the_error_says_what_to_do(monkeypatch) -> None:
    def offline(*args: object, **options: object) -> None:
        raise OSError("no route")

    monkeypatch.setattr("open_clip.pretrained.download_pretrained", offline)

    with pytest.raises(WeightsError, match="Go online once, or get the file elsewhere and name it"):
        load_backbone("clip:ViT-B-32/laion2b_s34b_b79k")


def test_a_network_without_a_text_tower_says_which_has_one() -> None:
    with pytest.raises(WeightsError, match=r"tiny has no text tower.*clip:NAME has one"):
        load_backbone("tiny").embed_texts(["a dog"])
