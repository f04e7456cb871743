"""Measuring a run again from its stored codes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from pipeline.datasets.dataset import load_dataset
from pipeline.deletions import delete_dataset
from pipeline.evaluation.relevance import COPIES, LABELS
from pipeline.runs.copies import CODES
from pipeline.runs.measurement import MeasurementError, evaluate_run
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings
from tests.factories import cache_of, imported, write_images


def test_evaluating_again_gives_the_same_report(done_run: Run, own_library: Settings) -> None:
    before = done_run.report()
    (done_run.folder / "report.json").unlink()

    evaluate_run(
        done_run,
        load_dataset("shapes", own_library),
        own_library,
        cache_of(done_run, own_library),
    )

    after = done_run.report()
    assert after.model_copy(update={"timings": {}}) == before.model_copy(update={"timings": {}})
    assert after.timings["training_s"] == before.timings["training_s"]


def test_features_that_cannot_be_had_leave_out_what_needs_them_and_the_log_says_so(
    done_run: Run, own_library: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    before = done_run.report()
    shutil.rmtree(own_library.home / "baselines")
    shutil.rmtree(own_library.features_path)
    shutil.rmtree(own_library.datasets_path / "shapes" / "images")
    cache = cache_of(done_run, own_library)

    evaluate_run(done_run, load_dataset("shapes", own_library), own_library, cache)

    assert "the neighbours by cosine are not known: " in caplog.text
    assert done_run.report().map == before.map


def test_codes_are_not_measured_against_other_images_under_the_same_name(
    done_run: Run, own_library: Settings, tmp_path: Path
) -> None:
    delete_dataset("shapes", own_library)
    dataset = imported(write_images(tmp_path / "others", seed=77), own_library)

    with pytest.raises(RunError, match="was made from other content of 'shapes'"):
        evaluate_run(done_run, dataset, own_library, cache_of(done_run, own_library))


def test_copies_are_queries_of_their_own_and_the_original_is_relevant(
    done_run: Run, own_library: Settings
) -> None:
    """Measured when the run was executed; the codes that are stored give the same figures."""
    report = done_run.report(COPIES)
    codes, rows = done_run.load_codes(CODES)
    database_codes, database = done_run.load_codes("database")

    distance = codes.hamming(database_codes)
    own = distance[np.arange(len(rows)), [database.tolist().index(row) for row in rows.tolist()]]
    nearer, tied = (distance < own[:, None]).sum(axis=1), (distance == own[:, None]).sum(axis=1)
    assert report.n_query == len(rows) == len(database)
    assert report.value("recall_at_1") == pytest.approx(np.mean((nearer == 0) / tied))
    assert report.value("first_relevant") == pytest.approx(np.mean(nearer + (tied + 1) / 2))
    assert done_run.relevances[0] == LABELS
    assert done_run.report().relevance == LABELS


def test_a_run_that_lost_its_method_cannot_be_measured_on_copies(
    done_run: Run, own_library: Settings
) -> None:
    shutil.rmtree(done_run.folder / "model")
    dataset, cache = load_dataset("shapes", own_library), cache_of(done_run, own_library)

    with pytest.raises(MeasurementError, match=r"its copies cannot be encoded: .*model"):
        evaluate_run(done_run, dataset, own_library, cache, relevance=COPIES)
