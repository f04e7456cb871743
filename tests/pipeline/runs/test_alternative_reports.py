"""Measured alternatives agree with the definition, are kept, and say what could not be trained."""

from __future__ import annotations

import numpy as np
import pytest

from models.backbones.registry import load_backbone
from models.codes import HashCodes
from models.errors import Cancelled
from pipeline.evaluation.evaluate import evaluate, evaluate_similarities
from pipeline.evaluation.ranking import unit_length
from pipeline.features import FeatureCache
from pipeline.runs import alternative_reports, alternative_vectors
from pipeline.runs.alternative_reports import (
    measure_alternatives,
    obstacles,
    stored_alternatives,
)
from pipeline.runs.alternatives import ALTERNATIVES, Alternative
from pipeline.runs.baselines import cosine_report
from pipeline.runs.copy_baselines import copies_by_cosine
from pipeline.runs.cosine_neighbours import cosine_neighbours
from pipeline.runs.ground_truth import GroundTruth
from tests.factories import spec

PRODUCT = Alternative(
    "pq", "PCA + PQ", "PQ", "Four bits for each of four parts.", "PQ4x4np", 8, 16, is_seeded=True
)


@pytest.fixture
def truth(shapes, own_library) -> GroundTruth:
    return GroundTruth(spec(), shapes, own_library)


@pytest.fixture
def cache(own_library) -> FeatureCache:
    return FeatureCache(load_backbone("tiny"), own_library)


@pytest.fixture
def only(monkeypatch):
    """Reduce the table to some alternatives."""

    def chosen(*alternatives: Alternative) -> None:
        table = {one.name: one for one in alternatives}
        monkeypatch.setattr(alternative_reports, "ALTERNATIVES", table)

    return chosen


def unit_features(truth, cache):
    """Centred features of unit length: queries, database."""
    features, split = cache.get(truth.dataset), truth.split
    unit = unit_length(features - features[split.train].mean(axis=0))
    return unit[split.query], unit[split.database]


def test_float32_is_the_cosine_and_keeps_nearly_all_neighbours(truth, cache, own_library, only):
    only(ALTERNATIVES["float32"], ALTERNATIVES["float16"])

    exact, half = measure_alternatives(truth, own_library, cache).values()

    cosine = cosine_report(truth.spec, truth.dataset, own_library, cache)
    assert exact.map == pytest.approx(cosine.map, abs=1e-9)
    assert exact.bytes_per_item == cosine.bytes_per_item == 2 * half.bytes_per_item
    assert exact.value("neighbours_at_10") > 0.95  # those are centred at the database's mean
    assert half.map == pytest.approx(cosine.map, abs=0.02)


def test_signs_with_a_bit_query_are_a_hamming_ranking(truth, cache, own_library, only):
    only(ALTERNATIVES["signs-hamming"])

    [report] = measure_alternatives(truth, own_library, cache).values()

    queries, database = map(HashCodes.from_relaxed, unit_features(truth, cache))
    expected = evaluate(queries, database, *truth.labels, truth.protocol).report
    assert report.map == expected.map
    assert report.value("precision_radius_2") == expected.value("precision_radius_2")
    assert report.bits == cache.backbone.dim


def test_product_quantization_is_measured_by_what_its_codes_stand_for(
    truth, cache, own_library, only
):
    """The centroids are those of faiss; the ranking is a plain loop over decoded vectors."""
    from pipeline.runs.codecs import train_codec

    only(PRODUCT)

    [report] = measure_alternatives(truth, own_library, cache).values()

    features, split = cache.get(truth.dataset), truth.split
    unit = unit_length(features - features[split.train].mean(axis=0))
    values, vectors = np.linalg.eigh(unit[split.train].T @ unit[split.train])
    axes = vectors[:, np.argsort(-values)[:8]]
    axes *= np.sign(np.take_along_axis(axes, abs(axes).argmax(0)[None], 0))
    parts = (unit @ axes).astype(np.float32)
    codec = train_codec("PQ4x4np", parts[split.train], seed=0)
    decoded = codec.decode(codec.encode(parts[split.database]), 8)
    similarities = [parts[split.query] @ decoded.T]
    nearest = cosine_neighbours(truth.dataset, split.query, split.database, own_library, cache)
    expected = evaluate_similarities(
        similarities, *truth.labels, truth.protocol, bytes_per_item=2, nearest=nearest
    ).report
    assert report.map == pytest.approx(expected.map, abs=0.02)  # eigenvectors differ by rounding
    assert report.bytes_per_item == 2


def test_reports_are_kept_with_times_centring_and_protocol(truth, cache, own_library, only):
    only(ALTERNATIVES["int8"], PRODUCT)
    assert stored_alternatives(truth, own_library) == {}

    measured = measure_alternatives(truth, own_library, cache)

    assert stored_alternatives(truth, own_library) == measured
    assert measure_alternatives(truth, own_library, cache) == measured  # timings too: not again
    for report in measured.values():
        assert min(report.timings[name] for name in ("encoding_s", "search_s")) > 0
        assert "centred at the mean of the training images" in report.notes[0]
        assert report.protocol == truth.protocol
    other = GroundTruth(spec(split_seed=1), truth.dataset, own_library)
    assert stored_alternatives(other, own_library) == {}
    assert list(stored_alternatives(truth, own_library, seed=1)) == [ALTERNATIVES["int8"]]


def test_a_damaged_report_is_named_and_measured_again(truth, cache, own_library, only, caplog):
    only(ALTERNATIVES["int8"])
    before = measure_alternatives(truth, own_library, cache)
    [path] = (own_library.home / "baselines").glob("alternative-int8-*")
    path.write_text("{", "utf-8")

    assert stored_alternatives(truth, own_library) == {}
    assert path.name in caplog.text
    again = measure_alternatives(truth, own_library, cache)

    assert [one.values for one in again.values()] == [one.values for one in before.values()]


def test_what_cannot_be_trained_is_left_out_with_the_reason(truth, cache, own_library, only):
    only(ALTERNATIVES["pq-4"], ALTERNATIVES["int8"])

    assert list(measure_alternatives(truth, own_library, cache)) == [ALTERNATIVES["int8"]]
    [(alternative, reason)] = obstacles(truth, cache.backbone.dim).items()
    assert alternative is ALTERNATIVES["pq-4"]
    assert "needs 64 principal components; 32 training images" in reason


def test_neighbours_decide_where_they_are_the_relevance(truth, cache, own_library, only):
    only(ALTERNATIVES["float32"])
    by_neighbours = GroundTruth(spec(), truth.dataset, own_library, "neighbours@10")

    [report] = measure_alternatives(by_neighbours, own_library, cache).values()

    assert report.relevance == "neighbours@10"
    assert report.map > 0.95


def test_edited_images_are_the_queries_where_copies_are_relevant(truth, cache, own_library, only):
    only(ALTERNATIVES["float32"])
    copies = GroundTruth(spec(), truth.dataset, own_library, "copies")

    [report] = measure_alternatives(copies, own_library, cache).values()

    cosine = copies_by_cosine(copies, own_library, cache)
    assert report.map == pytest.approx(cosine.map, abs=1e-6)
    assert report.n_query == cosine.n_query
    assert np.isnan(report.value("neighbours_at_10"))


def test_it_can_be_stopped_between_two_blocks(truth, cache, own_library, only):
    only(ALTERNATIVES["int8"])

    def stop(name: str, done: int, total: int) -> None:
        raise Cancelled(name)

    with pytest.raises(Cancelled, match="int8"):
        measure_alternatives(truth, own_library, cache, on_progress=stop)
    assert stored_alternatives(truth, own_library) == {}


def test_large_codes_are_encoded_again_and_few_images_train(
    truth, cache, own_library, only, monkeypatch
):
    only(ALTERNATIVES["int8"])
    [whole] = measure_alternatives(truth, own_library, cache, seed=0).values()
    for path in (own_library.home / "baselines").glob("alternative-*"):
        path.unlink()
    monkeypatch.setattr(alternative_vectors, "_BLOCK", 5)
    monkeypatch.setattr(alternative_reports, "_SCANNED", 7)
    monkeypatch.setattr(alternative_vectors, "_TRAINED_ON", 30)

    [blocks] = measure_alternatives(truth, own_library, cache).values()

    assert blocks.map == pytest.approx(whole.map, abs=0.05)


def test_a_report_without_intervals_is_measured_again(truth, cache, own_library, only):
    only(ALTERNATIVES["float32"])
    [whole] = measure_alternatives(truth, own_library, cache).values()
    [path] = (own_library.home / "baselines").glob("alternative-*")
    path.write_text(whole.model_copy(update={"intervals": {}}).model_dump_json())

    [again] = measure_alternatives(truth, own_library, cache).values()

    assert again.intervals == whole.intervals
    assert "neighbours_at_10" in again.intervals
