"""RunStatus: what happened to a run so far, and on which code and machine."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from pipeline.devices import is_out_of_memory

State = Literal["queued", "running", "done", "failed", "cancelled"]
_PACKAGES = ("torch", "numpy", "scipy", "qdrant-client")
_ROOT = Path(__file__).resolve().parent.parent


class RunStatus(BaseModel):
    """Status of a run (run.json)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: State = "queued"
    stage: str = ""
    created: str
    started: str = ""
    finished: str = ""
    heartbeat: float = 0.0  # seconds since the epoch
    pid: int = 0
    host: str = ""
    commit: str = ""
    dataset_fingerprint: str = ""  # of the images and labels that it was executed on
    sweep: str = ""  # name that runs asked for together share
    attempts: int = 0  # times that it was started since it was last queued by a person
    threads: int = 0  # of torch
    device: str = ""  # that networks computed on, in words
    memory_mb: float = 0.0  # most that the process held at the end of an epoch or stage
    done: int = 0  # steps of the stage
    total: int = 0
    versions: dict[str, str] = {}
    timings: dict[str, float] = {}  # stage -> seconds
    chosen: dict[str, int] = {}  # by the method, where its hyper-parameters leave it open
    error: str = ""
    n_unlabelled: int = 0  # images without a label that it trained on
    codes_of: str = ""  # run that trained, of one that only measures it by other labels
    unmeasured: str = ""  # why the codes of a finished run were not evaluated


def read_status(text: str) -> RunStatus:
    """Read a stored run.json; fields that this version does not have are left out.

    Raises:
        ValueError: it is no status.
    """
    return RunStatus.model_validate_json(text, extra="ignore")


def provenance() -> dict[str, object]:
    """The status fields that say which process, code and packages execute a run."""
    import torch  # seconds: not for those who only read a status

    return {
        "pid": os.getpid(),
        "host": platform.node(),
        "commit": _commit(),
        "threads": torch.get_num_threads(),
        "versions": {name: version(name) for name in _PACKAGES},
    }


def resident_mb() -> float:
    """Memory that this process holds now, in MB; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


def error_text(error: BaseException) -> str:
    """The error text of run.json."""
    more = "out of memory: give the worker more (HASHLENS_MEMORY_MB) or use less data. "
    return more * is_out_of_memory(error) + (str(error) or type(error).__name__)


def _commit() -> str:
    """The code's git commit, or empty outside a checkout."""
    command = ["git", "-C", str(_ROOT), "rev-parse", "--short=12", "HEAD"]
    try:
        completed = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return completed.stdout.strip() if re.fullmatch(r"[0-9a-f]{12}\s*", completed.stdout) else ""
