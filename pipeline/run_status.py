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

State = Literal["queued", "running", "done", "failed", "cancelled"]
_PACKAGES = ("torch", "numpy", "scipy", "qdrant-client")
_ROOT = Path(__file__).resolve().parent.parent


class RunStatus(BaseModel):
    """What happened to a run so far (run.json)."""

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
    versions: dict[str, str] = {}
    timings: dict[str, float] = {}  # stage -> seconds
    chosen: dict[str, int] = {}  # by the method, where its hyper-parameters leave it open
    error: str = ""


def provenance() -> dict[str, object]:
    """The status fields that say which process, code and packages execute a run."""
    return {
        "pid": os.getpid(),
        "host": platform.node(),
        "commit": _commit(),
        "versions": {name: version(name) for name in _PACKAGES},
    }


def _commit() -> str:
    """The code's git commit, or empty outside a checkout."""
    command = ["git", "-C", str(_ROOT), "rev-parse", "--short=12", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip() if re.fullmatch(r"[0-9a-f]{12}\s*", found.stdout) else ""
