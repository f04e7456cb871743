"""Runs with a backbone that learns: stored with the run and used for every code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.backbones.registry import load_backbone
from pipeline.datasets.dataset import DatasetError, RetrievalDataset, load_dataset
from pipeline.index.built_from import weights_digest
from pipeline.index.index_jobs import verify
from pipeline.index.publish import publish
from pipeline.index.refresh import refresh
from pipeline.index.search import encode_image, stored_query
from pipeline.index.store.memory import MemoryCodeStore
from pipeline.index.verification import WrongCodes
from pipeline.ingest.add_images import add_images
from pipeline.ingest.sources import SourceRequest, open_source
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import TUNED, RunError
from pipeline.runs.run import Run
from pipeline.runs.training import embed
from pipeline.settings import Settings
from tests.factories import ROOT, copied_library, spec, unlabelled, wait_until, write_images

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


@pytest.fixture
def grown(settings: Settings, tuned: Run, tmp_path: Path) -> RetrievalDataset:
    """The data set of the fine-tuned run, with 12 more images of the same kinds."""
    folder = write_images(tmp_path / "more", per_class=3, seed=9)
    source = open_source("folder", SourceRequest(name="more", path=folder))
    return add_images("shapes", source, settings)


def test_images_that_came_later_are_encoded_by_the_weights_that_were_learned(
    settings: Settings, tuned: Run, grown: RetrievalDataset
) -> None:
    store = MemoryCodeStore()
    publish(tuned, grown, store)

    n_new, _ = refresh(tuned, grown, store, settings)

    codes, rows = tuned.load_codes("added")
    learned = [
        encode_image(grown.load_image(int(row)), tuned.load_backbone(), tuned.load_method()).code
        for row in rows
    ]
    assert n_new == 12
    assert np.array_equal(codes.packed, np.concatenate([code.packed for code in learned]))
    assert "images encoded again give the same codes" in verify(tuned, grown, store)


def test_codes_that_an_earlier_version_made_by_the_published_weights_are_made_anew(
    settings: Settings, tuned: Run, grown: RetrievalDataset
) -> None:
    store, rows = MemoryCodeStore(), np.arange(40, 52)
    features = embed(load_backbone("tiny"), grown, rows)
    tuned.save_codes("added", tuned.load_method().encode(torch.from_numpy(features)), rows)
    before = publish(tuned, grown, store)
    with pytest.raises(WrongCodes, match="images otherwise than the index holds them"):
        verify(tuned, grown, store)

    n_new, record = refresh(tuned, grown, store, settings)

    assert (n_new, record.count) == (12, before.count)
    assert record.collection != before.collection
    assert "images encoded again give the same codes" in verify(tuned, grown, store)
    assert refresh(tuned, grown, store, settings) == (0, record)


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
    unlabelled(settings)
    with pytest.raises(DatasetError, match="validation needs labels, and 'bare' has none"):
        executed(settings, dataset="bare", label_set="", method="lsh", config={}, validation=0.2)


def torchrun(settings: Settings, epochs: int) -> subprocess.Popen[str]:
    """The command of docs/training.md, on two processes."""
    words = "--dataset shapes --backbone tiny --bits 16 --labels class --method dpsh"
    words += f" --set epochs={epochs} --set batch=8 --tune stages=0"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    return subprocess.Popen(
        [*command, "-m", "pipeline", "run", *words.split()],
        cwd=ROOT,
        env={
            **os.environ,
            "HASHLENS_HOME": str(settings.home),
            "HASHLENS_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.flaky(reruns=2)  # gloo's threads sometimes abort a process that has finished
def test_torchrun_executes_one_run_with_two_processes(own_library: Settings) -> None:
    child = torchrun(own_library, epochs=2)

    _, errors = child.communicate(timeout=500)

    assert child.returncode == 0, errors
    (run,) = [run for run in RunRegistry(own_library).all() if run.spec.finetune]
    assert run.state() == "done"
    assert len(run.history()) == 2
    assert (run.folder / "model" / TUNED).exists()


@pytest.mark.slow
@pytest.mark.parametrize("who", ["both", "second"])
def test_the_same_command_resumes_after_processes_were_killed(
    own_library: Settings, who: str
) -> None:
    child = torchrun(own_library, epochs=20)
    (run,) = wait_for(lambda: [r for r in RunRegistry(own_library).all() if r.spec.finetune])
    wait_for(lambda: run.checkpoints().epoch())
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(child.pid)], capture_output=True, text=True, check=True
    )
    processes = sorted(map(int, listed.stdout.split()))
    for process in processes if who == "both" else processes[1:]:
        os.kill(process, signal.SIGKILL)
    child.communicate(timeout=100)
    epoch = run.checkpoints().epoch()

    again = torchrun(own_library, epochs=20)
    _, errors = again.communicate(timeout=500)

    assert again.returncode == 0, errors
    assert [r.id for r in RunRegistry(own_library).all() if r.spec.finetune] == [run.id]
    assert f", from epoch {epoch}" in (run.folder / "log.txt").read_text("utf-8")
    assert len(run.history()) == 20


def wait_for(find: Callable[[], Any]) -> Any:
    """What `find` finds, as soon as that is something."""
    wait_until(find, timeout_s=120)
    return find()


def test_several_processes_for_a_frozen_backbone_are_refused() -> None:
    from pipeline.runs.distributed import check

    with pytest.raises(ValueError, match="add --tune stages=3"):
        check(spec())
