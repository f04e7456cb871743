"""The commands about own vectors, and searches that need no image file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.datasets.dataset import load_dataset
from pipeline.settings import Settings
from tests.pipeline.cli.commands import Cli


@pytest.fixture
def vectors(tmp_path: Path, rng: np.random.Generator) -> str:
    np.save(tmp_path / "dino.npy", rng.normal(size=(40, 6)).astype(np.float16))
    return str(tmp_path / "dino.npy")


def test_vectors_are_imported_trained_on_searched_and_removed(
    cli: Cli, own_library: Settings, vectors: str
) -> None:
    assert (
        "Dry run, nothing was stored."
        in cli("features", "import", "shapes", vectors, "--dry-run").out
    )
    assert "vectors:dino" not in cli("features", "list").out

    done = cli("features", "import", "shapes", vectors)
    assert "no ids: taken in the order of the images" in done.out
    assert "--backbone vectors:dino" in done.out
    assert "vectors:dino" in cli("features", "list").out
    assert '"dim": 6' in cli("features", "list", "--json").out

    options = ("--dataset", "shapes", "--method", "itq", "--bits", 4, "--backbone", "vectors:dino")
    assert cli("run", *options).code == 0
    image = load_dataset("shapes", own_library).manifest["image_id"].iloc[3]
    assert "0/4" in cli("search", "--id", image, "--run", "itq_shapes_4b").out
    refused = cli("features", "remove", "dino")
    assert (refused.code, "while runs depend on it" in refused.err) == (2, True)
    assert cli("runs", "delete", "itq_shapes_4b", "--yes").code == 0
    assert "Removed vectors:dino" in cli("features", "remove", "dino").out


def test_what_cannot_search_says_so_in_a_sentence(cli: Cli, image_folder: Path) -> None:
    image = next(image_folder.rglob("*.png"))

    for queries in ((), (image, "--text", "dog"), ("--id", "a", "--text", "dog")):
        refused = cli("search", *queries)
        assert refused.code == 2
        assert "give one query: an image file, --id or --text" in refused.err
    run = ("--run", "itq_shapes")
    assert "tiny has no text tower" in cli("search", "--text", "dog", *run).err
    assert "unknown image of shapes 'nope'" in cli("search", "--id", "nope", *run).err
