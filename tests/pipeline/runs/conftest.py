"""Fixtures of the tests of runs: an empty registry and a queued run."""

from __future__ import annotations

import pytest

from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.settings import Settings
from tests.factories import spec


@pytest.fixture
def registry(settings: Settings) -> RunRegistry:
    return RunRegistry(settings)


@pytest.fixture
def run(registry: RunRegistry) -> Run:
    return registry.create(spec())
