"""The table of a benchmark: a row per method and code length, means over seeds."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd

from models.registry import get_method
from pipeline.backbones import load_backbone
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.evaluation.evaluate import evaluate
from pipeline.evaluation.metric_table import METRICS, Metric, columns
from pipeline.evaluation.relevance import LABELS, exclude_label
from pipeline.evaluation.report import Report
from pipeline.evaluation.seed_means import seed_means
from pipeline.features import FeatureCache
from pipeline.runs.alternative_reports import measure_alternatives
from pipeline.runs.baselines import cosine_report
from pipeline.runs.ground_truth import GroundTruth
from pipeline.runs.run import Run
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


def table(
    base: RunSpec,
    runs: Sequence[Run],
    dataset: RetrievalDataset,
    settings: Settings,
    *,
    without: str = "",
) -> pd.DataFrame:
    """The runs with `COLUMNS`, and `WITHOUT` where a label is left out.

    First the cosine of the features and the other ways to store them, then for each code length
    LSH, ITQ and the others from the best mAP down.
    """
    groups: dict[tuple[int, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.spec.bits, run.spec.method), []).append(run)
    rows = [_row(same, dataset, without) for same in groups.values()]
    rows.sort(key=lambda row: (row["bits"], _place(str(row["method"])), -float(str(row["map"]))))
    names = [*COLUMNS, *(WITHOUT if without else ())]
    relevance = runs[0].report().relevance if runs else LABELS
    cosine = _cosine_rows(base, dataset, settings, without, relevance)
    alternatives = _alternative_rows(base, dataset, settings, relevance)
    return pd.DataFrame([*cosine, *alternatives, *rows], columns=names)


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
    base: RunSpec, dataset: RetrievalDataset, settings: Settings, without: str, relevance: str
) -> list[dict[str, object]]:
    """The row of the features; none where it fails, for the runs of hours are worth their table."""
    try:
        cache = FeatureCache(load_backbone(base.backbone, settings), settings)
        reports = [
            cosine_report(base, dataset, settings, cache, relevance=relevance, without=label)
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


def _alternative_rows(
    base: RunSpec, dataset: RetrievalDataset, settings: Settings, relevance: str
) -> list[dict[str, object]]:
    """A row per other way to store the features, measured where it was not before."""
    try:
        cache = FeatureCache(load_backbone(base.backbone, settings), settings)
        truth = GroundTruth(base, dataset, settings, relevance)
        reports = measure_alternatives(truth, settings, cache)
    except Exception as error:
        _log.warning("the alternatives are not measured: %s", sentence(error))
        return []
    unknown = {"bits": np.nan, "seeds": np.nan}
    return [
        {"ranking": one.title, "method": one.name, **unknown, **seed_means([report])}
        for one, report in reports.items()
        if one.name != "float32"  # the cosine has its row
    ]


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
