"""The last checkpoint of a run's training, in one file, no pickle; for one process or several."""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path

import torch
import torch.distributed as dist
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from models.checkpoint import Checkpoint
from pipeline.files import written

_WORDS = 512  # bytes that say where a training resumes: an epoch and the name of a run
_log = logging.getLogger(__name__)


class FolderCheckpoints:
    """Keeps the last checkpoint in a file; the one before stays until the new one is whole.

    Args:
        path: path of the file; its folder must exist.

    Attributes:
        every_s: least time between two: on frozen features an epoch may take milliseconds.
    """

    every_s = 1.0

    def __init__(self, path: Path) -> None:
        self.path = path
        self._saved = time.monotonic()

    def load(self) -> Checkpoint | None:
        """The last one; None when there is none, or it is damaged."""
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, "pt") as stored:
                facts = stored.metadata()
                tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - not a dict
            return Checkpoint(int(facts["epoch"]), tuple(json.loads(facts["rates"])), tensors)
        except (OSError, ValueError, TypeError, KeyError, SafetensorError) as error:
            _log.warning("%s is damaged (%s); the training restarts", self.path.name, error)
            return None

    def epoch(self) -> int:
        """The epoch of the last one, 0 for none."""
        return _epoch(self.load())

    def is_due(self) -> bool:
        """Whether enough time has passed since the last one."""
        return time.monotonic() - self._saved >= self.every_s

    def save(self, checkpoint: Checkpoint) -> None:
        """Write it beside the last one, then take its place."""
        partial = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
        with written(partial):
            save_file(
                {name: tensor.contiguous().clone() for name, tensor in checkpoint.tensors.items()},
                partial,
                {"epoch": str(checkpoint.epoch), "rates": json.dumps(checkpoint.rates)},
            )
            partial.replace(self.path)
        self._saved = time.monotonic()


class SharedCheckpoints:
    """Checkpoints of a training that several processes share: all resume from the first one's.

    Args:
        runs: folder of the runs, as this process finds it.
        own: of the first process, which alone writes; None in the others.
        device: that the processes talk through.
    """

    def __init__(self, runs: Path, own: FolderCheckpoints | None, device: str) -> None:
        self._runs, self._own, self._device = runs, own, device

    def load(self) -> Checkpoint | None:
        """The last one of the first process, read from the disk by each.

        Raises:
            RuntimeError: this process finds another one there.
        """
        checkpoint = self._own.load() if self._own else None
        name = self._own.path.relative_to(self._runs).as_posix() if self._own else ""
        wanted, _, name = self._told(f"{_epoch(checkpoint)} {name}").partition(" ")
        if self._own is None and int(wanted):
            checkpoint = FolderCheckpoints(self._runs / name).load()
        if _epoch(checkpoint) != int(wanted):
            raise RuntimeError(
                f"{self._runs / name} holds epoch {_epoch(checkpoint)}, the first process resumes "
                f"from {wanted}; all processes need the same HASHLENS_HOME"
            )
        return checkpoint

    def is_due(self) -> bool:
        """Whether enough time has passed since the last one; only in the first process."""
        return self._own is not None and self._own.is_due()

    def save(self, checkpoint: Checkpoint) -> None:
        """Write it as the last one."""
        if self._own is not None:
            self._own.save(checkpoint)

    def _told(self, words: str) -> str:
        """The words of the first process."""
        content = torch.zeros(_WORDS, dtype=torch.uint8)
        content[: len(words.encode())] = torch.frombuffer(
            bytearray(words.encode()), dtype=torch.uint8
        )
        content = content.to(self._device)
        dist.broadcast(content, 0)
        return bytes(content.tolist()).rstrip(b"\0").decode()


def _epoch(checkpoint: Checkpoint | None) -> int:
    return checkpoint.epoch if checkpoint else 0
