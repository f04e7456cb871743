"""Several processes on one run, started by torchrun: they share out the images of every mini-batch.

The first process executes the run as usual. The others train along and write nothing; their heads
see the same features and stay equal by themselves (models/finetuning.py). After a kill all of them
resume from the checkpoint of the first.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist

from models.method import ignore
from models.registry import get_method
from pipeline.datasets.dataset import load_dataset
from pipeline.devices import device_of
from pipeline.progress import ignore_progress
from pipeline.runs.checkpoints import SharedCheckpoints
from pipeline.runs.preparation import prepare
from pipeline.runs.spec import RunSpec
from pipeline.runs.training import fit
from pipeline.settings import Settings


def is_launched() -> bool:
    """Whether torchrun has started this process."""
    return bool(dist.is_available() and dist.is_torchelastic_launched())


@contextmanager
def joined(settings: Settings) -> Iterator[tuple[int, Settings]]:
    """Meet the other processes; gives this one's number, and settings with its device.

    GPUs talk through NCCL, CPUs through gloo. All processes but the first end here once they have
    trained: threads of gloo now and then abort an interpreter that ends as usual, on which torchrun
    would stop the first process as well, while it still evaluates.
    """
    is_cuda = device_of(settings).startswith("cuda")
    dist.init_process_group("nccl" if is_cuda else "gloo")
    try:
        if is_cuda:
            device = f"cuda:{dist.get_node_local_rank()}"
            torch.cuda.set_device(device)
            settings = settings.model_copy(update={"device": device})
        number = dist.get_rank()
        yield number, settings
    finally:
        dist.destroy_process_group()
    if number:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def train_along(spec: RunSpec, settings: Settings) -> None:
    """Take part in the training of a run that the first process executes.

    Raises:
        ValueError: the backbone is frozen, so that there is nothing to share out.
    """
    check(spec)
    dataset = load_dataset(spec.dataset, settings)
    prepared = prepare(spec, dataset, settings, ignore_progress)
    method = get_method(spec.method)(spec.bits, spec.method_config(), seed=spec.seed)
    device = device_of(settings)
    fit(
        method,
        prepared.train,
        on_epoch=ignore,
        checkpoints=SharedCheckpoints(settings.runs_path, None, device),
        trunk=prepared.trunk,
        device=device,
    )


def check(spec: RunSpec) -> None:
    """Raise a ValueError for a run that several processes cannot share."""
    if spec.finetune is None:
        raise ValueError(
            "several processes share the work of a backbone that learns; "
            "add --tune stages=3, or start a single process"
        )
