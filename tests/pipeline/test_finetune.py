"""Runs with a backbone that learns: stored with the run and used for every code."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from models.backbones import load_backbone
from pipeline.datasets.base import DatasetError, load_dataset
from pipeline.execute import execute
from pipeline.indexing import weights_digest
from pipeline.run_results import TUNED
from pipeline.runs import Run, RunError, RunRegistry
from pipeline.search import encode_image, stored_query
from pipeline.settings import Settings
from tests.factories import ROOT, copied_library, spec

TINY = {"method": "dpsh", "config": {"epochs": 6, "batch": 8, "hidden": 0, "dropout": 0}}
TUNE = {"stages": 0, "learning_rate": 0.003}


def executed(settings: Settings, **changes: object) -> Run:
    run = RunRegistry(settings).create(spec(**{**TINY, **changes}))
    execute(run, settings)
    return run


@pytest.fixture(scope="module")
def tuned_library(library: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A library with a fine-tuned run beside the other; not to be changed."""
    home = copied_library(library.home, tmp_path_factory.mktemp("tuned") / "library")
    settings = Settings(home=home, threads=1)
    executed(settings, finetune=TUNE)
    return settings


@pytest.fixture
def tuned(tuned_library: Settings, settings: Settings) -> Run:
    """The fine-tuned run in a library that the test may change."""
    copied_library(tuned_library.home, settings.home)
    (run,) = [run for run in RunRegistry(settings).all() if run.spec.finetune]
    return run


def test_a_fine_tuned_run_is_another_run_than_a_frozen_one(settings: Settings, tuned: Run) -> None:
    frozen = RunRegistry(settings).create(spec(**TINY))

    assert tuned.state() == "done"
    assert tuned.spec.label == f"{frozen.spec.label} · fine-tuned"
    assert tuned.spec.digest != frozen.spec.digest


def test_codes_search_and_index_use_the_weights_that_were_learned(
    settings: Settings, tuned: Run
) -> None:
    dataset = load_dataset("shapes", settings)
    row = int(tuned.load_codes("query")[1][0])

    query = encode_image(dataset.load_image(row), tuned.load_backbone(), tuned.load_method())
    stored = stored_query(tuned, row)

    assert stored is not None
    assert np.array_equal(query.code.packed, stored.code.packed)
    digest = weights_digest(tuned)
    path = tuned.folder / "model" / TUNED
    path.write_bytes(path.read_bytes() + b" ")
    assert weights_digest(tuned) != digest


def test_the_published_weights_are_not_touched(settings: Settings, tuned: Run) -> None:
    published, own = load_backbone("tiny").network, tuned.load_backbone().network

    pairs = list(zip(published.state_dict().values(), own.state_dict().values(), strict=True))
    assert not all(torch.equal(a, b) for a, b in pairs)
    features = settings.features_path.rglob("keys.bin")
    assert all(path.stat().st_size == 32 * 40 for path in features)  # 40 images, nothing else


def test_damaged_weights_are_named(tuned: Run) -> None:
    (tuned.folder / "model" / TUNED).write_bytes(b"x")

    with pytest.raises(RunError, match="no usable fine-tuned backbone"):
        tuned.load_backbone()


def test_validation_images_come_out_of_the_training_set(own_library: Settings) -> None:
    run = executed(own_library, validation=0.25, finetune=TUNE)

    history = run.history()
    assert len(history) == 6
    assert all(0 < float(str(line["validation_map"])) <= 1 for line in history)
    assert len(run.load_codes("database")[0]) == 32  # they stay in the database


def test_validation_without_labels_is_refused(settings: Settings) -> None:
    from tests.pipeline.test_execute import unlabelled

    unlabelled(settings)
    with pytest.raises(DatasetError, match="validation needs labels, and 'bare' has none"):
        executed(settings, dataset="bare", label_set="", method="lsh", config={}, validation=0.2)


def test_a_gpu_that_is_not_there_is_named(own_library: Settings) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    settings = own_library.model_copy(update={"device": "cuda"})

    with pytest.raises(ValueError, match="HASHLENS_DEVICE is 'cuda', but torch finds no GPU"):
        executed(settings, finetune=TUNE)


def test_torchrun_executes_one_run_with_two_processes(own_library: Settings) -> None:
    words = "--dataset shapes --backbone tiny --bits 16 --labels class --method dpsh"
    words += " --set epochs=2 --set batch=8 --tune stages=0"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]

    ended = subprocess.run(
        [*command, "-m", "pipeline", "run", *words.split()],
        cwd=ROOT,
        env={
            **os.environ,
            "HASHLENS_HOME": str(own_library.home),
            "HASHLENS_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    (run,) = [run for run in RunRegistry(own_library).all() if run.spec.finetune]
    assert run.state() == "done"
    assert len(run.history()) == 2
    assert (run.folder / "model" / TUNED).exists()


def test_several_processes_for_a_frozen_backbone_are_refused() -> None:
    from pipeline.parallel import check

    with pytest.raises(ValueError, match="add --tune stages=3"):
        check(spec())
