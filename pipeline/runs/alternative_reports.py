"""Measured alternatives: a report each, kept beside the baselines under the same conditions.

Features are read a block of rows at a time. Small codes are kept in memory; where a code has a byte
per value or more, its block is encoded again whenever it is read.
"""

from __future__ import annotations

import time
from pathlib import Path

from models.codes import HashCodes
from pipeline.evaluation.evaluate import evaluate, evaluate_similarities
from pipeline.evaluation.ranking import OnProgress, inner_products
from pipeline.evaluation.report import Report
from pipeline.features import FeatureCache
from pipeline.progress import StageProgress, ignore_progress
from pipeline.runs.alternative_vectors import (
    TIMED_QUERIES,
    Decoded,
    Vectors,
    encoded,
    scan_s,
    trained_codec,
)
from pipeline.runs.alternatives import ALTERNATIVES, Alternative
from pipeline.runs.baseline_files import baseline_path, keep_baseline, stored_baseline
from pipeline.runs.ground_truth import GroundTruth
from pipeline.settings import Settings

_SCANNED = 20_000  # codes that searches are timed on; the time for more is in proportion
_CENTRED = "Features are centred at the mean of the training images and scaled to unit length."


def stored_alternatives(
    truth: GroundTruth, settings: Settings, seed: int = 0
) -> dict[Alternative, Report]:
    """The reports that were measured before, in the order of the table."""
    found = (
        (alternative, stored_baseline(_path(alternative, truth, settings, seed)))
        for alternative in ALTERNATIVES.values()
    )
    return {alternative: report for alternative, report in found if report is not None}


def obstacles(truth: GroundTruth, d: int) -> dict[Alternative, str]:
    """The alternatives that cannot be trained on d-d features, with the reason."""
    reasons = {one: one.obstacle(len(truth.split.train), d) for one in ALTERNATIVES.values()}
    return {alternative: reason for alternative, reason in reasons.items() if reason}


def measure_alternatives(
    truth: GroundTruth,
    settings: Settings,
    cache: FeatureCache,
    *,
    seed: int = 0,
    on_progress: StageProgress = ignore_progress,
) -> dict[Alternative, Report]:
    """Measure what is not stored yet; those with an obstacle are left out.

    Args:
        truth: data set, split and relevance.
        settings: say where reports are kept.
        cache: features of the spec's backbone.
        seed: of clustering and of random rotations.
        on_progress: called with an alternative's name, queries done and queries in all.

    Raises:
        ImageError: an image whose features are missing is gone or has changed.
        LookupError: labels decide, and there are none.
        Cancelled: `on_progress` raises it, to stop between two blocks.
    """
    stored = stored_alternatives(truth, settings, seed)
    vectors = Vectors(truth, settings, cache)
    left_out = obstacles(truth, cache.backbone.dim)
    reports = {}
    for alternative in ALTERNATIVES.values():
        if alternative in left_out:
            continue
        report = stored.get(alternative)
        if report is None or not report.intervals:  # of an earlier version
            name = alternative.name

            def show(done: int, total: int, name: str = name) -> None:
                on_progress(name, done, total)

            report = _measure(alternative, vectors, seed, show)
            keep_baseline(report, _path(alternative, truth, settings, seed))
        reports[alternative] = report
    return reports


def _path(alternative: Alternative, truth: GroundTruth, settings: Settings, seed: int) -> Path:
    """Path of a report; another codec or another seed is another report."""
    variant = f"{alternative.codec}|{alternative.components}"
    variant += f"|seed {seed}" if seed and alternative.is_seeded else ""
    kind = f"alternative-{alternative.name}"
    return baseline_path(kind, truth, settings, truth.spec.backbone, variant)


def _measure(
    alternative: Alternative, vectors: Vectors, seed: int, on_progress: OnProgress
) -> Report:
    truth, began = vectors.truth, time.perf_counter()
    codec = trained_codec(alternative, vectors, seed)
    trained = time.perf_counter()
    database = vectors.rows(truth.split.database, alternative.components)
    queries = vectors.queries(alternative.components)
    codes = encoded(database, codec)
    query_codes = encoded(queries, codec)  # so that its time is that of all images, as of methods
    timings = {"training_s": trained - began, "encoding_s": time.perf_counter() - trained}
    if alternative.has_bit_query and codes is not None and query_codes is not None:
        bits = HashCodes(query_codes, queries.shape[1]), HashCodes(codes, queries.shape[1])
        report = evaluate(
            *bits,
            *vectors.labels,
            truth.protocol,
            nearest=vectors.nearest,
            on_progress=on_progress,
        ).report
        timings["search_s"] = scan_s(*bits)
    else:
        decoded = Decoded(database, codec, codes)
        report = evaluate_similarities(
            inner_products(queries[:], decoded),
            *vectors.labels,
            truth.protocol,
            bytes_per_item=codec.code_bytes,
            nearest=vectors.nearest,
            on_progress=on_progress,
        ).report
        scanned = decoded.coded(slice(_SCANNED))
        seconds = codec.search_s(scanned, queries[:TIMED_QUERIES])
        timings["search_s"] = seconds * len(truth.split.database) / len(scanned)
    notes = (_CENTRED, *report.notes)
    return report.model_copy(
        update={"timings": timings, "relevance": truth.relevance, "notes": notes}
    )
