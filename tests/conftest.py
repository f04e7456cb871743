"""Fixtures for all tests: seeds, a library in a temporary folder, a small imported data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.datasets.dataset import RetrievalDataset, load_dataset
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.settings import Settings
from tests import factories
from tests.shared_sets import ROOT as SHARED_SETS


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs the optional image sets where they are not there."""
    if SHARED_SETS.is_dir():
        return
    reason = "the optional image sets are not beside the checkout (../shared/data)"
    for item in items:
        if item.get_closest_marker("shared"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def _seed_and_thread() -> None:
    """Random starts are the same in every run; code under test must not rely on it.

    One thread, whatever an earlier test has set: the tensors are small, and other processes want
    the cores.
    """
    torch.manual_seed(0)
    torch.set_num_threads(1)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An empty library."""
    return Settings(home=tmp_path / "library", threads=1)


@pytest.fixture(scope="session")
def image_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 images in 4 class folders; not to be changed."""
    return factories.write_images(tmp_path_factory.mktemp("images") / "shapes")


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory, image_folder: Path) -> Settings:
    """A library with the data set `shapes` and one finished run; not to be changed."""
    settings = Settings(home=tmp_path_factory.mktemp("library"), threads=1)
    factories.imported(image_folder, settings)
    execute(RunRegistry(settings).create(factories.spec()), settings)
    return settings


@pytest.fixture(scope="session")
def shapes(library: Settings) -> RetrievalDataset:
    """The data set of `library`."""
    return load_dataset("shapes", library)


@pytest.fixture
def own_library(library: Settings, settings: Settings) -> Settings:
    """A copy of `library` that the test may change."""
    factories.copied_library(library.home, settings.home)
    return settings


@pytest.fixture
def done_run(own_library: Settings) -> Run:
    """The finished run of `own_library`."""
    return RunRegistry(own_library).all()[0]
