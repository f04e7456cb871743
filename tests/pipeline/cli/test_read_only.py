"""A library that may not be written: what is there is shown, the rest ends in a sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.datasets.dataset import load_dataset
from pipeline.index.publish import publish
from pipeline.index.store.opening import open_store
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.factories import ROOT

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
AS_NOBODY = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if IS_ROOT else []
pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or (IS_ROOT and shutil.which("setpriv") is None),
    reason="root may write everywhere, and there is no setpriv to give that up",
)
_REFUSED = "this program may not write here"


@pytest.fixture
def read_only(own_library: Settings) -> Path:
    run = RunRegistry(own_library).all()[0]
    store = open_store(None, own_library.index_path)
    publish(run, load_dataset("shapes", own_library), store)
    store.close()
    for path in (own_library.home, *own_library.home.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
    yield own_library.home
    for path in (own_library.home, *own_library.home.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        ("datasets list", 0, ["shapes"]),
        (
            "doctor",
            0,
            [
                "the embedded index opens only where it may write",
                "Note: this result is not kept: this program may not write here",
            ],
        ),
        ("run --dataset shapes --method lsh --backbone tiny", 2, [_REFUSED]),
        ("worker --exit-when-idle", 2, [_REFUSED]),
    ],
)
def test_a_command_ends_in_a_sentence(
    read_only: Path, command: str, code: int, says: list[str]
) -> None:
    ended = subprocess.run(
        [*AS_NOBODY, sys.executable, "-m", "pipeline", *command.split()],
        cwd=ROOT,
        env={**os.environ, "HASHLENS_HOME": str(read_only), "QDRANT_URL": "", "COLUMNS": "300"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ended.returncode == code, ended.stderr
    assert all(words in ended.stdout + ended.stderr for words in says), ended.stderr
    assert "Traceback" not in ended.stderr
