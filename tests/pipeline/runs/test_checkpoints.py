"""Checkpoints on disk: whole or the one before, and no damage stops a training."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models.checkpoint import Checkpoint
from pipeline.runs.checkpoints import FolderCheckpoints
from tests.factories import python


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


TOLD = """
import sys
from pathlib import Path
import torch
import torch.distributed as dist
from pipeline.runs.checkpoints import FolderCheckpoints, SharedCheckpoints

meeting, runs, number = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=number, world_size=2)
own = FolderCheckpoints(Path(sys.argv[4]) / "run" / "checkpoint") if number == 0 else None
found = SharedCheckpoints(runs, own, "cpu").load()
print(found.epoch if found else 0, flush=True)
dist.barrier()
"""


@pytest.mark.parametrize("epoch", [0, 7])
def test_all_processes_resume_from_the_checkpoint_of_the_first(tmp_path: Path, epoch: int) -> None:
    (tmp_path / "runs" / "run").mkdir(parents=True)
    if epoch:
        FolderCheckpoints(tmp_path / "runs" / "run" / "checkpoint").save(checkpoint(epoch))

    told = [
        python(TOLD, tmp_path / "meeting", tmp_path / "runs", number, tmp_path / "runs")
        for number in range(2)
    ]

    assert [child.communicate()[0] for child in told] == [f"{epoch}\n"] * 2


def test_processes_of_different_libraries_do_not_train_together(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name / "run").mkdir(parents=True)
    FolderCheckpoints(tmp_path / "here" / "run" / "checkpoint").save(checkpoint(7))

    told = [
        python(TOLD, tmp_path / "meeting", tmp_path / name, number, tmp_path / "here")
        for number, name in enumerate(("here", "there"))
    ]

    assert "all processes need the same HASHLENS_HOME" in told[1].communicate()[1]
    told[0].communicate()
