"""Importing hostile files takes bounded memory; measured in a process of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.damaged_images import claiming, mutated
from tests.factories import png, python
from tests.layout_writers import put

CHILD = """
import json, sys
from pathlib import Path
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.sources import SourceRequest, open_source
from pipeline.settings import Settings
from tests.memory import peak_mib

folder, home = map(Path, sys.argv[1:])
settings = Settings(home=home)
source = open_source("folder", SourceRequest(name="fuzz", path=folder))
before = peak_mib()
dataset = import_dataset(source, settings)
grown = peak_mib() - before
print(json.dumps([len(source.items), len(dataset), dataset.info.n_problems, grown]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_five_hundred_mutated_images_and_bombs_are_accounted_for_in_bounded_memory(
    tmp_path: Path,
) -> None:
    """A bomb of 200,000 x 200,000 pixels would take 120 GB; decoding one image takes a few MB."""
    rng = np.random.default_rng(0)
    for number in range(520):
        put(tmp_path / "set", f"mutated/{number:03d}.png", mutated(rng))
    for side in (8_001, 30_000, 200_000):
        put(tmp_path / "set", f"bombs/{side}.png", claiming(side, side))
    put(tmp_path / "set", "good/1.png", png())

    out, error = python(CHILD, tmp_path / "set", tmp_path / "home").communicate(timeout=120)

    assert out, error
    n_files, n_taken, n_refused, grown_mib = json.loads(out)
    assert n_files == n_taken + n_refused == 524
    assert 100 < n_taken < 500
    assert grown_mib < 150
    assert {path.name for path in tmp_path.iterdir()} == {"set", "home"}
