"""Quantizers of the engine on a data set: against numpy, their bytes, and what is kept."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.datasets.dataset import load_dataset
from pipeline.index import quantizers
from pipeline.index.quantizer_report import quantizer_finding, quantizer_table
from pipeline.index.quantizers import N_QUERIES, measure_quantizers, stored_quantizers
from pipeline.index.store.base import StoreError, StoreUnavailable
from pipeline.index.store.quantizers import QUANTIZERS
from pipeline.runs.baselines import cosine_report
from pipeline.runs.ground_truth import GroundTruth
from pipeline.runs.run import Run
from pipeline.settings import Settings
from tests.factories import cache_of

FEW = tuple(one for one in QUANTIZERS if one.name in ("float32", "int8", "turbo-1", "product-32"))


@pytest.fixture
def truth(done_run: Run, own_library: Settings, monkeypatch: pytest.MonkeyPatch) -> GroundTruth:
    monkeypatch.setattr(quantizers, "QUANTIZERS", FEW)
    dataset = load_dataset(done_run.spec.dataset, own_library)
    return GroundTruth(done_run.spec, dataset, own_library)


def test_float_vectors_reach_what_the_cosine_row_reaches_and_all_is_kept(
    truth: GroundTruth, done_run: Run, own_library: Settings
) -> None:
    steps: list[tuple[int, int]] = []
    cache = cache_of(done_run, own_library)

    report = measure_quantizers(truth, own_library, cache, lambda *step: steps.append(step))

    centred = next(row for row in report.rows if row.quantizer == "float32" and row.is_centred)
    cosine = cosine_report(done_run.spec, truth.dataset, own_library)
    assert cosine is not None
    assert centred.values["map"] == pytest.approx(cosine.map, abs=1e-3)
    assert centred.values["precision_at_10"] == pytest.approx(
        cosine.value("precision_at_10"), abs=1e-3
    )
    assert centred.values["neighbours_at_10"] == pytest.approx(1, abs=0.02)
    assert centred.ci_low <= centred.values["map"] <= centred.ci_high
    assert stored_quantizers(truth, own_library) == report
    assert steps == [(n, 8) for n in range(9)]
    assert report.n_all == (report.n_query, report.n_database)
    assert "drawn from" not in report.sentence


def test_bytes_are_those_on_disk_and_products_need_256_images(
    truth: GroundTruth, done_run: Run, own_library: Settings
) -> None:
    report = measure_quantizers(truth, own_library, cache_of(done_run, own_library))

    size = {row.quantizer: row.bytes for row in report.rows}
    d = report.dimensions
    assert size == {"float32": 4 * d, "int8": d + 4, "turbo-1": d // 8 + 8}
    assert "256 centroids need as many images" in report.left_out["product-32"]
    table = quantizer_table(report)
    assert table["Features"].tolist() == ["raw", "centred"] * 3
    raw, centred = (
        [100 * row.values["map"] for row in report.rows if row.is_centred == is_centred]
        for is_centred in (False, True)
    )
    assert table["mAP"].tolist()[::2] == raw
    assert table["mAP"].tolist()[1::2] == centred
    assert quantizer_finding(report).startswith("float32, centred, reaches ")


def test_a_smaller_sample_is_said_and_replaces_nothing(
    truth: GroundTruth, done_run: Run, own_library: Settings
) -> None:
    cache = cache_of(done_run, own_library)
    whole = measure_quantizers(truth, own_library, cache)

    part = measure_quantizers(truth, own_library, cache, n_query=3, n_database=20)

    assert (part.n_query, part.n_database) == (3, 20)
    assert f"drawn from {whole.n_query} and {whole.n_database}" in part.sentence
    assert stored_quantizers(truth, own_library) == whole


def test_a_damaged_report_is_named_in_the_log_and_counts_as_none(
    truth: GroundTruth,
    done_run: Run,
    own_library: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    measure_quantizers(truth, own_library, cache_of(done_run, own_library))
    (path,) = (own_library.home / "baselines").glob(f"quantizers-{N_QUERIES}-*.json")
    path.write_text("{")

    assert stored_quantizers(truth, own_library) is None
    assert path.name in caplog.text


def test_a_quantizer_that_fails_is_left_out_with_its_reason_and_all_failing_is_an_error(
    truth: GroundTruth, done_run: Run, own_library: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection = quantizers.vector_collection

    def failing(client: object, vectors: np.ndarray, config: object) -> object:
        if config is not None:
            raise StoreError("it does not compress")
        return collection(client, vectors, config)  # type: ignore[arg-type]

    monkeypatch.setattr(quantizers, "vector_collection", failing)
    cache = cache_of(done_run, own_library)
    report = measure_quantizers(truth, own_library, cache)
    assert {row.quantizer for row in report.rows} == {"float32"}
    assert report.left_out["int8"] == "it does not compress"

    monkeypatch.setattr(quantizers, "QUANTIZERS", FEW[1:2])
    with pytest.raises(StoreError, match="no quantizer could be measured: it does not compress"):
        measure_quantizers(truth, own_library, cache)


def test_local_mode_compresses_nothing_and_says_so(
    truth: GroundTruth, done_run: Run, own_library: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.index.store.opening.find_spec", lambda _: None)

    with pytest.raises(StoreUnavailable, match="install qdrant-edge-py"):
        measure_quantizers(truth, own_library, cache_of(done_run, own_library))
