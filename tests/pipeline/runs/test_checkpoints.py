"""Checkpoints on disk: whole or the one before, and no damage stops a training."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models.checkpoint import Checkpoint
from pipeline.runs.checkpoints import FolderCheckpoints


@pytest.fixture
def kept(tmp_path: Path) -> FolderCheckpoints:
    return FolderCheckpoints(tmp_path / "checkpoint")


def checkpoint(epoch: int = 3) -> Checkpoint:
    shared = torch.arange(6.0)
    tensors = {"a": shared, "view of a": shared[2:4], "random": torch.get_rng_state()}
    return Checkpoint(epoch, (0.1, 1 / 3), tensors)


def test_what_is_saved_comes_back_to_the_last_bit(kept: FolderCheckpoints) -> None:
    assert kept.load() is None

    kept.save(checkpoint())

    found = kept.load()
    assert found is not None
    assert (found.epoch, found.rates) == (3, (0.1, 1 / 3))
    for name, tensor in checkpoint().tensors.items():
        assert torch.equal(found.tensors[name], tensor)
    assert [path.name for path in kept.path.parent.iterdir()] == ["checkpoint"]


def test_only_the_last_one_is_kept(kept: FolderCheckpoints) -> None:
    kept.save(checkpoint(3))
    kept.save(checkpoint(4))

    assert kept.epoch() == 4


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[: len(b) // 2], lambda b: b"{}" * 9])
def test_a_damaged_one_counts_as_none_and_says_so(
    kept: FolderCheckpoints, damage, caplog: pytest.LogCaptureFixture
) -> None:
    kept.save(checkpoint())
    kept.path.write_bytes(damage(kept.path.read_bytes()))

    assert kept.load() is None
    assert "restarts" in caplog.text


def test_it_is_not_due_again_at_once(kept: FolderCheckpoints) -> None:
    assert not kept.is_due()
    kept.every_s = 0
    assert kept.is_due()
