"""Drift of bits between queries, training images and the rest of the database."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard.charts.codes import drift as drawn
from models.codes import HashCodes
from pipeline.analysis.drift import drift, read_drift
from pipeline.analysis.opened_run import open_measured
from pipeline.datasets.dataset import load_dataset
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings


@pytest.fixture
def codes(rng: np.random.Generator) -> HashCodes:
    return HashCodes.from_relaxed(rng.standard_normal((900, 16)))


def test_parts_of_one_distribution_do_not_drift(codes: HashCodes):
    found = drift(codes[:300], codes[300:], np.arange(600) < 300)

    assert found.sizes == {"query": 300, "training": 300, "database": 300}
    assert found.finding.count("no drift to speak of") == 2
    ones = found.table.set_index(["part", "bit"])["ones"]
    assert ones["training", 3] == pytest.approx((codes[300:600].signs()[:, 2] > 0).mean())


def test_queries_whose_bits_lean_are_drift(codes: HashCodes):
    leaning = HashCodes.from_relaxed(np.abs(codes[:300].signs()) * 1.0)

    found = drift(leaning, codes[300:], np.ones(600, bool))

    assert "more than twice that: drift" in found.finding
    assert found.trained.startswith("All of the database")
    assert set(found.table["part"]) == {"query", "database"}


def test_parts_differ_in_shape_as_well_as_colour(codes: HashCodes):
    table = drift(codes[:300], codes[300:], np.arange(600) < 300).table

    marks = drawn(table).to_dict()["layer"][1]["encoding"]

    for channel in ("color", "shape"):
        assert len(set(marks[channel]["scale"]["range"])) == 3


def test_a_stored_run_knows_which_images_trained(settings: Settings):
    run = RunRegistry(settings).all()[0]
    measured = open_measured(run.id, load_dataset("shapes", settings), settings)

    assert read_drift(measured, settings).sizes == {"query": 12, "database": 48}
