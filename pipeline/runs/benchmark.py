"""Benchmark: many methods on one data set under one protocol, and the table of what they reach.

What was run before is not run again (pipeline/runs/experiment.py).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from models.backbones.registry import load_backbone
from models.registry import get_method
from pipeline.datasets.dataset import RetrievalDataset, load_dataset
from pipeline.evaluation.evaluate import evaluate, leave_out
from pipeline.evaluation.report import Report
from pipeline.features import FeatureCache
from pipeline.progress import StageProgress, ignore_progress
from pipeline.runs.baselines import cosine_report
from pipeline.runs.experiment import Outcome, plan, run_missing
from pipeline.runs.registry import Run
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings
from pipeline.wording import sentence

_log = logging.getLogger(__name__)
COLUMNS = (
    "ranking",  # the method's title
    "method",  # its name; cosine for the real-valued features
    "bits",
    "seeds",
    "map",  # mean over seeds of mAP@R, in [0, 1], like all measures but ACG
    "map_sd",  # standard deviation over seeds
    "precision",  # P@100
    "ndcg",  # NDCG@100
    "acg",  # ACG@100
    "training_s",
    "encoding_ms",  # of 1,000 images, from features to codes
    "bytes",  # of an image in the database
)
WITHOUT = ("map_without", "ndcg_without", "acg_without")  # with one label left out of relevance
LEGEND = "NDCG and ACG at rank 100; ms to encode 1,000 images; bytes of an image in the database."
_FIRST = ("lsh", "itq")  # the rows every table begins with, after the cosine
_RANK = 100


def compare(
    base: RunSpec,
    methods: Sequence[str],
    bits: Sequence[int],
    seeds: int,
    settings: Settings,
    *,
    without: str = "",
    on_outcome: Callable[[Outcome], None] = lambda outcome: None,
    on_progress: StageProgress = ignore_progress,
) -> pd.DataFrame:
    """Execute what is not done yet and return the table.

    Args:
        base: data set, backbone, labels, protocol and split seed.
        methods: names of the methods, each with its defaults.
        bits: code lengths.
        seeds: method seeds 0 to seeds - 1; one is enough where the seed does not matter.
        settings: where data sets and runs are.
        without: a label to leave out of the relevance in further columns; empty: no such columns.
        on_outcome: called after each run.
        on_progress: called within a run with the stage, steps done and steps in all.

    Raises:
        DatasetError: the data set is not there or has no labels, or `without` is not one of them.
        ValueError: an unknown method, or a code length that is out of range.
        Cancelled: it was stopped.
    """
    methods, bits = tuple(dict.fromkeys(methods)), tuple(dict.fromkeys(bits))  # once each
    dataset = load_dataset(base.dataset, settings)
    label_set = dataset.label_set(base.label_set)
    if without:
        label_set.column(without)
    outcomes = run_missing(
        plan(planned(base, methods, bits, seeds), settings),
        settings,
        on_outcome=on_outcome,
        on_progress=on_progress,
    )
    done = [outcome.run for outcome in outcomes if outcome.is_done]
    return table(base, done, dataset, settings, without=without)


def planned(
    base: RunSpec, methods: Sequence[str], bits: Sequence[int], seeds: int
) -> list[RunSpec]:
    """The specs of a benchmark: by code length, then method, then seed."""
    shared = base.model_dump(exclude={"config"})
    return [
        RunSpec.model_validate(shared | {"method": name, "bits": length, "seed": seed})
        for length in bits
        for name in methods
        for seed in range(seeds if get_method(name).card.is_seeded else 1)
    ]


def table(
    base: RunSpec,
    runs: Sequence[Run],
    dataset: RetrievalDataset,
    settings: Settings,
    *,
    without: str = "",
) -> pd.DataFrame:
    """The runs with `COLUMNS`, and `WITHOUT` where a label is left out.

    First the cosine of the features, then for each code length LSH, ITQ and the others from the
    best mAP down.
    """
    groups: dict[tuple[int, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.spec.bits, run.spec.method), []).append(run)
    rows = [_row(same, dataset, without) for same in groups.values()]
    rows.sort(key=lambda row: (row["bits"], _place(str(row["method"])), -float(str(row["map"]))))
    columns = [*COLUMNS, *(WITHOUT if without else ())]
    return pd.DataFrame([*_cosine_rows(base, dataset, settings, without), *rows], columns=columns)


def report_without(run: Run, dataset: RetrievalDataset, label: str) -> Report:
    """The run's stored codes, measured with one label left out of the relevance."""
    query_codes, query = run.load_codes("query")
    database_codes, database = run.load_codes("database")
    label_set = dataset.label_set(run.spec.label_set)
    labels = dataset.labels(label_set)
    kept, query_labels, database_labels = leave_out(
        label_set.column(label), labels[query], labels[database]
    )
    return evaluate(
        query_codes[kept],
        database_codes,
        query_labels,
        database_labels,
        run.spec.evaluation_protocol(),
    ).report


def text_table(
    result: pd.DataFrame, without: str = ""
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Column names and rows for people, as `LEGEND` explains; what was not measured is empty."""
    names = ["ranking", "bits", "seeds", "mAP %", "P@100 %", "NDCG %", "ACG"]
    if without:
        names += [f"{name} without {without}" for name in ("mAP %", "NDCG %", "ACG")]
    names += ["train s", "encode ms", "bytes"]
    rows = []
    for row in result.to_dict("records"):
        spread = "" if np.isnan(row["map_sd"]) else f" ± {100 * row['map_sd']:.1f}"
        cells = [
            row["ranking"],
            _number(row["bits"], "{:.0f}"),
            _number(row["seeds"], "{:.0f}"),
            f"{100 * row['map']:.1f}{spread}",
            _number(100 * row["precision"], "{:.1f}"),
            _number(100 * row["ndcg"], "{:.1f}"),
            _number(row["acg"], "{:.3f}"),
        ]
        if without:
            cells += [f"{100 * row[name]:.1f}" for name in WITHOUT[:2]]
            cells.append(f"{row[WITHOUT[2]]:.3f}")
        cells += [
            _number(row["training_s"], "{:.1f}"),
            _number(row["encoding_ms"], "{:.1f}"),
            _number(row["bytes"], "{:,.0f}"),
        ]
        rows.append(tuple(cells))
    return tuple(names), rows


def markdown(result: pd.DataFrame, without: str = "") -> str:
    """The table in Markdown."""
    names, rows = text_table(result, without)
    lines = [names, tuple("---" for _ in names), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _row(runs: list[Run], dataset: RetrievalDataset, without: str) -> dict[str, object]:
    """One method at one code length: means over its seeds."""
    reports = [run.report() for run in runs]
    n_images = reports[0].n_query + reports[0].n_database
    encoding = _mean([report.timings.get("encoding_s", np.nan) for report in reports])
    values = [report.map for report in reports]
    spec = runs[0].spec
    return {
        "ranking": get_method(spec.method).card.title,
        "method": spec.method,
        "bits": spec.bits,
        "seeds": len(runs),
        "map_sd": float(np.std(values, ddof=1)) if len(values) > 1 else np.nan,
        "training_s": _mean([report.timings.get("training_s", np.nan) for report in reports]),
        "encoding_ms": 1e6 * encoding / n_images,
        **_measures(reports),
        **_without([report_without(run, dataset, without) for run in runs] if without else []),
    }


def _cosine_rows(
    base: RunSpec, dataset: RetrievalDataset, settings: Settings, without: str
) -> list[dict[str, object]]:
    """The row of the features; none where it fails, for the runs of hours are worth their table."""
    try:
        cache = FeatureCache(load_backbone(base.backbone), settings)
        reports = [
            cosine_report(base, dataset, settings, cache, without=label)
            for label in ("", *([without] if without else []))
        ]
    except Exception as error:
        _log.warning("the cosine of the features is not measured: %s", sentence(error))
        return []
    measured = [report for report in reports if report is not None]
    row: dict[str, object] = {
        "ranking": "Cosine",
        "method": "cosine",
        "bits": np.nan,
        "seeds": np.nan,
        "map_sd": np.nan,
        "training_s": np.nan,
        "encoding_ms": np.nan,
        **_measures(measured[:1]),
        **_without(measured[1:]),
    }
    return [row]


def _measures(reports: list[Report]) -> dict[str, float]:
    return {
        "map": _mean([report.map for report in reports]),
        "precision": _mean([report.precision_at.get(_RANK, np.nan) for report in reports]),
        "ndcg": _mean([report.ndcg_at_100 for report in reports]),
        "acg": _mean([report.acg_at_100 for report in reports]),
        "bytes": reports[0].bytes_per_item,
    }


def _without(reports: list[Report]) -> dict[str, float]:
    if not reports:
        return {}
    return {
        "map_without": _mean([report.map for report in reports]),
        "ndcg_without": _mean([report.ndcg_at_100 for report in reports]),
        "acg_without": _mean([report.acg_at_100 for report in reports]),
    }


def _place(method: str) -> int:
    return _FIRST.index(method) if method in _FIRST else len(_FIRST)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _number(value: float, pattern: str) -> str:
    return "" if np.isnan(value) else pattern.format(value)
