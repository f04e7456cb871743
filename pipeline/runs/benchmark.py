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
from pipeline.evaluation.evaluate import evaluate, exclude_label
from pipeline.evaluation.metric_table import METRICS, Metric, columns
from pipeline.evaluation.report import Report
from pipeline.evaluation.seed_means import seed_means
from pipeline.features import FeatureCache
from pipeline.progress import StageProgress, ignore_progress
from pipeline.runs.baselines import cosine_report
from pipeline.runs.experiment import Outcome, plan, run_missing
from pipeline.runs.registry import Run
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings
from pipeline.wording import sentence

_log = logging.getLogger(__name__)
_METRICS = columns("bench")
COLUMNS = (
    "ranking",  # the method's title
    "method",  # its name; cosine for the real-valued features
    "bits",
    "seeds",
    *(metric.name for metric in _METRICS),  # means over seeds
    "map_sd",  # standard deviation over seeds
    "training_s",
    "encoding_ms",  # of one image, from features to code
    "bytes",  # of an image in the database
)
WITHOUT = tuple(  # with one label left out of relevance
    f"{name}_without" for name in ("map", "ndcg_at_100", "acg_at_100")
)
LEGEND = "Encoding in ms per 1,000 images; bytes per image in the database."
_FIRST = ("lsh", "itq")  # the rows every table begins with, after the cosine


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
    names = [*COLUMNS, *(WITHOUT if without else ())]
    return pd.DataFrame([*_cosine_rows(base, dataset, settings, without), *rows], columns=names)


def report_without(run: Run, dataset: RetrievalDataset, label: str) -> Report:
    """The run's stored codes, measured with one label left out of the relevance."""
    query_codes, query = run.load_codes("query")
    database_codes, database = run.load_codes("database")
    label_set = dataset.label_set(run.spec.label_set)
    labels = dataset.labels(label_set)
    kept, query_labels, database_labels = exclude_label(
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
    names = ["ranking", "bits", "seeds", *(metric.heading for metric in _METRICS)]
    if without:
        names += [f"{_of(name).heading} without {without}" for name in WITHOUT]
    names += ["train s", "encode ms", "bytes"]
    rows = []
    for row in result.to_dict("records"):
        spread = "" if np.isnan(row["map_sd"]) else f" ± {100 * row['map_sd']:.1f}"
        measured = [metric.text(row[metric.name]) for metric in _METRICS]
        cells = [
            row["ranking"],
            _number(row["bits"], "{:.0f}"),
            _number(row["seeds"], "{:.0f}"),
            measured[0] + spread,
            *measured[1:],
        ]
        if without:
            cells += [_of(name).text(row[name]) for name in WITHOUT]
        cells += [
            _number(row["training_s"], "{:.1f}"),
            _number(1000 * row["encoding_ms"], "{:.1f}"),
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
    spec = runs[0].spec
    return {
        "ranking": get_method(spec.method).card.title,
        "method": spec.method,
        "bits": spec.bits,
        "seeds": len(runs),
        **seed_means([run.report() for run in runs]),
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
    whole, *other = [report for report in reports if report is not None]
    row: dict[str, object] = {
        "ranking": "Cosine",
        "method": "cosine",
        "bits": np.nan,
        "seeds": np.nan,
        **seed_means([whole]),
        **_without(other),
    }
    return [row | {"training_s": np.nan, "encoding_ms": np.nan}]


def _without(reports: list[Report]) -> dict[str, float]:
    means = seed_means(reports) if reports else {}
    return {name: means[_of(name).name] for name in WITHOUT if means}


def _of(name: str) -> Metric:
    """The metric behind a column of `WITHOUT`."""
    return METRICS[name.removesuffix("_without")]


def _place(method: str) -> int:
    return _FIRST.index(method) if method in _FIRST else len(_FIRST)


def _number(value: float, pattern: str) -> str:
    return "" if np.isnan(value) else pattern.format(value)
