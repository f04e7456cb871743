"""Benchmark: many methods on one data set under one protocol, and the table of what they reach.

What was run before is not run again; a run that fails is reported and the others go on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from models.backbones.registry import load_backbone
from models.errors import Cancelled
from models.method import MethodCard
from models.registry import get_method
from pipeline.datasets.dataset import LabelSet, RetrievalDataset, load_dataset
from pipeline.evaluation.evaluate import evaluate, leave_out
from pipeline.evaluation.report import Report
from pipeline.features import FeatureCache
from pipeline.progress import StageProgress, ignore_progress
from pipeline.runs.baselines import cosine_report
from pipeline.runs.execute import execute
from pipeline.runs.registry import Run, RunRegistry
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
State = Literal["done", "done before", "failed", "skipped"]
_FIRST = ("lsh", "itq")  # the rows every table begins with, after the cosine
_RANK = 100


@dataclass(frozen=True)
class Outcome:
    """What became of one run, or of a method that was not tried.

    Attributes:
        number: of this outcome, from 1.
        total: outcomes that there will be.
        title: of the run or method, for people.
        state: whether it ran now, before, not to the end, or not at all.
        text: the result, or the reason.
    """

    number: int
    total: int
    title: str
    state: State
    text: str


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
        on_outcome: called for every run and for every method that is skipped.
        on_progress: called within a run with the stage, steps done and steps in all.

    Raises:
        DatasetError: the data set is not there or has no labels, or `without` is not one of them.
        ValueError: an unknown method, or a code length that is out of range.
    """
    methods, bits = tuple(dict.fromkeys(methods)), tuple(dict.fromkeys(bits))  # once each
    dataset = load_dataset(base.dataset, settings)
    label_set = dataset.label_set(base.label_set)
    if without:
        label_set.column(without)
    reasons = {name: reason_to_skip(get_method(name).card, label_set) for name in methods}
    skipped = [name for name in methods if reasons[name]]
    specs = planned(base, [name for name in methods if not reasons[name]], bits, seeds)
    total = len(skipped) + len(specs)
    for number, name in enumerate(skipped, 1):
        title = get_method(name).card.title
        on_outcome(Outcome(number, total, title, "skipped", reasons[name]))
    runs = RunRegistry(settings).finished(dataset.info.fingerprint)
    for number, spec in enumerate(specs, 1 + len(skipped)):
        on_outcome(_outcome(number, total, spec, runs, settings, on_progress))
    done = [runs[spec.digest] for spec in specs if spec.digest in runs]
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


def reason_to_skip(card: MethodCard, label_set: LabelSet) -> str:
    """Why a method cannot run on these labels; empty if it can."""
    is_single_only = card.supervision == "supervised" and "multi" not in card.label_kinds
    if is_single_only and label_set.kind == "multi":
        return f"takes one label an image, labels {label_set.name!r} may have several"
    return ""


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


def _outcome(
    number: int,
    total: int,
    spec: RunSpec,
    runs: dict[str, Run],
    settings: Settings,
    on_progress: StageProgress,
) -> Outcome:
    """Execute a spec that is not among `runs` yet, and add it when that went well."""
    title = f"{spec.label} · seed {spec.seed}"
    state: State = "done before"
    if spec.digest not in runs:
        state, run = "done", RunRegistry(settings).create(spec)
        try:
            execute(run, settings, on_progress)
        except Cancelled:
            raise
        except Exception as error:  # recorded in the run by `execute`; the others go on
            return Outcome(number, total, title, "failed", str(error) or type(error).__name__)
        runs[spec.digest] = run
    report = runs[spec.digest].report()
    seconds = report.timings.get("training_s", np.nan)
    text = f"mAP {100 * report.map:.1f} %, trained in {seconds:.1f} s"
    return Outcome(number, total, title, state, text)


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
