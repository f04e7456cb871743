"""The leaderboard: measured runs of one data set and protocol, seeds together, cosine beside them.

Numbers are compared only when data set, protocol, label set and split seed are the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.analysis.comparisons import Comparison, measured, same_but_seed
from pipeline.analysis.model_maps import half_of, lower_end, mean_and_half
from pipeline.catalog import method_card
from pipeline.datasets.dataset import DatasetError, load_dataset
from pipeline.evaluation.metric_table import WITH_INTERVAL, columns
from pipeline.evaluation.relevance import COPIES, LABELS
from pipeline.evaluation.report import Report
from pipeline.evaluation.seed_means import seed_means
from pipeline.index.search_cost import search_cost
from pipeline.runs.alternative_reports import stored_alternatives
from pipeline.runs.baselines import (
    colour_report,
    cosine_report,
    phash_report,
    random_report,
)
from pipeline.runs.ground_truth import GroundTruth
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings

METRICS_SHOWN = columns("leaderboard")
COLUMNS = (
    "model",
    "method",
    "backbone",
    "bits",
    "seeds",
    *(metric.name for metric in METRICS_SHOWN),  # means over seeds
    "half",  # half-width of the interval of mAP
    *(f"half_{name}" for name in WITH_INTERVAL),  # of these; not a number in earlier reports
    "low",  # lower end that the baselines are held against, see `lower_end`
    "interval",  # what the interval says
    "map_worst",
    "map_best",
    "training_s",
    "encoding_ms",  # of one image, from its features
    "search_ms",  # of one query among the database, exact scan
    "bytes",
    "cold_bytes",  # read from the disk for the first results alone
    "dead_bits",  # most among the seeds
    "supervision",
    "relevance",
    "ranking",
    "run",  # id of the run with the lowest seed
    "runs",  # ids of all its seeds, lowest first
)
_REFERENCE = (
    *(metric.name for metric in METRICS_SHOWN),
    "half",
    *(f"half_{name}" for name in WITH_INTERVAL),
)
COSINE_COLUMNS = ("backbone", *_REFERENCE, "bytes")
ALTERNATIVE_COLUMNS = (
    *("name", "family", "title"),
    *COSINE_COLUMNS,
    *("training_s", "encoding_ms", "search_ms"),
)
BASELINE_COLUMNS = ("name", *_REFERENCE)


@dataclass(frozen=True)
class Leaderboard:
    """One leaderboard.

    Attributes:
        rows: columns `COLUMNS`, best mAP first.
        cosine: the real-valued ranking of each backbone: columns `COSINE_COLUMNS`.
        alternatives: other ways to store the features, where they were measured: columns
            `ALTERNATIVE_COLUMNS`.
        baselines: what no method should be below: columns `BASELINE_COLUMNS`.
        n_query: queries behind each number.
        n_database: images ranked for each query.
        n_unmeasured: finished runs of the data set without a report.
    """

    rows: pd.DataFrame
    cosine: pd.DataFrame
    alternatives: pd.DataFrame
    baselines: pd.DataFrame
    n_query: int
    n_database: int
    n_unmeasured: int


def read_leaderboard(settings: Settings, comparison: Comparison) -> Leaderboard:
    """The leaderboard of one comparison."""
    runs = measured(settings, comparison)
    rows = [_row(members, settings) for members in _by_model(runs).values()]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    if frame["backbone"].nunique() > 1:
        frame["model"] = frame["model"] + " · " + frame["backbone"]
    specs = [run.spec for run, _ in runs]
    return Leaderboard(
        rows=frame.sort_values("map", ascending=False, ignore_index=True),
        cosine=read_cosine(settings, comparison.dataset, specs, comparison.relevance),
        alternatives=read_alternatives(settings, comparison.dataset, specs, comparison.relevance),
        baselines=read_baselines(settings, comparison.dataset, specs, comparison.relevance),
        n_query=runs[0][1].n_query if runs else 0,
        n_database=runs[0][1].n_database if runs else 0,
        n_unmeasured=_n_unmeasured(settings, comparison.dataset),
    )


def read_cosine(
    settings: Settings, dataset: str, specs: Sequence[RunSpec], relevance: str = LABELS
) -> pd.DataFrame:
    """The real-valued ranking of each backbone among the specs; columns `COSINE_COLUMNS`."""
    rows = []
    for spec in {spec.backbone: spec for spec in specs}.values():
        try:
            images = load_dataset(dataset, settings)
            report = cosine_report(spec, images, settings, relevance=relevance)
        except DatasetError:
            report = None
        if report is not None:
            rows.append({"backbone": spec.backbone, **_reference(report)})
    return pd.DataFrame(rows, columns=list(COSINE_COLUMNS))


def read_alternatives(
    settings: Settings, dataset: str, specs: Sequence[RunSpec], relevance: str = LABELS
) -> pd.DataFrame:
    """The measured alternatives of each backbone among the specs; columns `ALTERNATIVE_COLUMNS`."""
    rows: list[dict[str, object]] = []
    for spec in {spec.backbone: spec for spec in specs}.values():
        try:
            truth = GroundTruth(spec, load_dataset(dataset, settings), settings, relevance)
            reports = stored_alternatives(truth, settings)
        except DatasetError:
            continue
        rows += [
            {
                "name": one.name,
                "family": one.family,
                "title": one.title,
                "backbone": spec.backbone,
                **_reference(report),
                "search_ms": 1000 * report.timings["search_s"],
            }
            for one, report in reports.items()
        ]
    return pd.DataFrame(rows, columns=list(ALTERNATIVE_COLUMNS))


def read_baselines(
    settings: Settings, dataset: str, specs: Sequence[RunSpec], relevance: str = LABELS
) -> pd.DataFrame:
    """What every method should beat, random order and colours alone: `BASELINE_COLUMNS`."""
    rows: list[dict[str, object]] = []
    if specs:
        try:
            images = load_dataset(dataset, settings)
            random = random_report(specs[0], images, settings, relevance)
            rows.append({"name": "random order", **_reference(random), "half": None})
            if relevance == COPIES:
                hashes = phash_report(specs[0], images, settings)
                rows += [{"name": "perceptual hash", **_reference(hashes)}] if hashes else []
            elif (
                colours := colour_report(specs[0], images, settings, relevance=relevance)
            ) is not None:
                rows.append({"name": "colours alone", **_reference(colours)})
        except (DatasetError, LookupError):  # changed or gone: the table stands without baselines
            rows = []
    return pd.DataFrame(rows, columns=list(BASELINE_COLUMNS))


def _reference(report: Report) -> dict[str, object]:
    return {**seed_means([report]), "half": report.half_width, **_halves([report])}


def _halves(reports: Sequence[Report]) -> dict[str, float]:
    return {f"half_{name}": half_of(reports, name) for name in WITH_INTERVAL}


def _n_unmeasured(settings: Settings, dataset: str) -> int:
    runs = [run for run in RunRegistry(settings).all() if run.spec.dataset == dataset]
    return sum(
        (run.folder / "codes" / "database.npz").is_file() and not run.relevances for run in runs
    )


def _by_model(
    measured: Sequence[tuple[Run, Report]],
) -> dict[str, list[tuple[Run, Report]]]:
    """Runs that differ in nothing but the seed, together, lowest seed first."""
    groups: dict[str, list[tuple[Run, Report]]] = defaultdict(list)
    for run, report in sorted(measured, key=lambda pair: pair[0].spec.seed):
        groups[same_but_seed(run.spec)].append((run, report))
    return groups


def _row(members: Sequence[tuple[Run, Report]], settings: Settings) -> dict[str, Any]:
    run, first = members[0]
    reports = [report for _, report in members]
    means, n_seeds = seed_means(reports), len(reports)
    is_spread = n_seeds > 1
    return {
        **means,
        "model": model_name(run.spec),
        "method": run.spec.method,
        "backbone": run.spec.backbone,
        "bits": run.spec.bits,
        "seeds": n_seeds,
        "half": mean_and_half(reports)[1],
        **_halves(reports),
        "low": lower_end(reports),
        "interval": f"sd, {n_seeds} seeds" if is_spread else "CI, queries",
        "search_ms": 1000 * _search_s(run, first, settings),
        "dead_bits": max(report.codes.dead_bits if report.codes else 0 for report in reports),
        "supervision": method_card(run.spec.method).supervision if run.spec.has_method else "",
        "relevance": first.relevance,
        "ranking": first.ranking,
        "cold_bytes": first.cold_bytes_per_item,
        "run": run.id,
        "runs": tuple(one.id for one, _ in members),
    }


def _search_s(run: Run, report: Report, settings: Settings) -> float:
    """Seconds of a search, as it was measured with its ranking, or that of a Hamming scan."""
    scan = search_cost(run.spec.bits, settings).seconds(report.n_database)
    return report.timings.get("search_s", scan)


def model_name(spec: RunSpec) -> str:
    """The method's title, with the hyper-parameters that are not the defaults."""
    changed = [f"{key}={value}" for key, value in spec.changed.items()]
    title = spec.label.rsplit(" · ", 1)[0]
    name, *fidelity = title.partition(" (")  # what tells rows apart stands before it
    return ", ".join([name, *changed]) + "".join(fidelity)
