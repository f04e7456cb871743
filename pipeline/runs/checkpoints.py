"""FolderCheckpoints: the last checkpoint of a run's training, in one file, no pickle."""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from models.checkpoint import Checkpoint
from pipeline.files import written

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
        checkpoint = self.load()
        return checkpoint.epoch if checkpoint else 0

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
