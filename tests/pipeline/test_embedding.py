"""embedded: the order of rows, batches that shrink where memory runs out, threads that end."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from PIL import Image

from models.backbones.base import Backbone, NoNetwork, frozen
from models.backbones.registry import load_backbone
from models.errors import WeightsError
from pipeline.embedding import BATCH, batch_for, embedded, forward


class Mean(torch.nn.Module):
    """The mean of each channel; memory for some images only, whose sizes it remembers."""

    def __init__(self, room: int, error: type[RuntimeError] = torch.OutOfMemoryError) -> None:
        super().__init__()
        self.room, self.error, self.seen = room, error, []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.seen.append(len(images))
        if len(images) > self.room:
            raise self.error("DefaultCPUAllocator: can't allocate memory")
        return images.mean((2, 3))


def backbone_of(network: torch.nn.Module) -> Backbone:
    def grey(image: Image.Image) -> torch.Tensor:
        return torch.full((3, 2, 2), float(image.getpixel((0, 0))))

    return frozen("mean", 3, "mean", grey, network)


def picture(row: int) -> Image.Image:
    return Image.new("L", (1, 1), row)


def test_rows_come_in_order_in_batches() -> None:
    rows = list(range(199, 99, -1))

    batches = list(embedded(backbone_of(Mean(BATCH)), picture, rows))

    assert [len(batch) for batch, _ in batches] == [32, 32, 32, 4]
    assert [row for batch, _ in batches for row in batch] == rows
    features = np.concatenate([part for _, part in batches])
    assert (features.dtype, features.shape) == (np.float32, (100, 3))
    assert features[:, 0].tolist() == rows


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, RuntimeError])
def test_batches_shrink_where_memory_runs_out_and_stay_small(error, caplog) -> None:
    network = Mean(room=10, error=error)

    batches = list(embedded(backbone_of(network), picture, list(range(60))))

    assert [row for batch, _ in batches for row in batch] == list(range(60))
    features = np.concatenate([part for _, part in batches])
    assert features[:, 0].tolist() == list(range(60))
    assert network.seen == [32, 16, 8, 8, 8, 8, 8, 8, 8, 4]
    assert "memory ran out; 8 images at a time from here on" in caplog.text


def test_no_room_for_one_image_is_an_error() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        list(embedded(backbone_of(Mean(room=0)), picture, [1, 2, 3]))


def test_other_errors_of_a_network_are_not_taken_for_memory() -> None:
    class Broken(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        forward(backbone_of(Broken()), torch.zeros(2, 3, 2, 2))


def test_an_image_that_cannot_be_read_is_named_after_the_batches_before_it() -> None:
    def load(row: int) -> Image.Image:
        if row == 70:
            raise ValueError("70.png is truncated")
        return picture(row)

    batches = embedded(backbone_of(Mean(BATCH)), load, list(range(100)))
    done = [next(batches)[0], next(batches)[0]]

    assert done[-1][-1] == 63
    with pytest.raises(ValueError, match=r"70\.png is truncated"):
        next(batches)


def test_threads_end_with_the_work_and_torch_keeps_its_own() -> None:
    before, threads = torch.get_num_threads(), threading.active_count()
    batches = embedded(backbone_of(Mean(BATCH)), picture, list(range(400)))
    next(batches)

    batches.close()  # somebody stopped the run

    found = []
    later = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert (torch.get_num_threads(), found) == (before, [before])
    assert threading.active_count() == threads


def test_a_backbone_without_a_network_says_so() -> None:
    backbone = Backbone("own", 3, "own", lambda image: torch.zeros(3), NoNetwork(), "no network")

    with pytest.raises(WeightsError, match="no network"):
        next(embedded(backbone, picture, [1]))


@pytest.mark.parametrize(
    ("free", "per_image", "batch"),
    [(8 << 30, 20 << 20, 128), (1, 20 << 20, 1), (1 << 50, 1, 512), (600, 100, 2), (0, 0, 1)],
)
def test_batches_fill_half_of_the_free_memory(free: int, per_image: int, batch: int) -> None:
    assert batch_for(free, per_image) == batch


def test_half_precision_has_a_fingerprint_of_its_own_and_nearly_the_same_features() -> None:
    """On the CPU through the same code; float16 keeps 11 bits, so 1e-2 of the largest value."""
    images = [Image.effect_noise((32, 32), 80).convert("RGB") for _ in range(2)]
    whole = load_backbone("efficientnet_lite0")  # features of the tiny one are below float16's
    half = load_backbone("efficientnet_lite0").on("cpu", half=True)

    expected, found = whole.embed(images), half.embed(images)

    assert half.fingerprint == f"{whole.fingerprint}-float16"
    assert (found.dtype, found.device.type) == (torch.float32, "cpu")
    assert 0 < (found - expected).abs().max() <= 1e-2 * expected.abs().max()
