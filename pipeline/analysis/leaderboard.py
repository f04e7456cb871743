"""The leaderboard: measured runs of one data set and protocol, seeds together, cosine beside them.

Numbers are compared only when data set, protocol, label set and split seed are the same.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from pipeline.analysis.baseline_rows import read_cosine, read_floors
from pipeline.catalog import config_fields, method_card
from pipeline.datasets.protocols import Protocol
from pipeline.evaluation.report import Curves, Report
from pipeline.index.search_cost import search_cost
from pipeline.runs.registry import Run, RunError, RunRegistry
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings

COLUMNS = (
    "model",
    "method",
    "backbone",
    "bits",
    "seeds",
    "map",  # mean over seeds, in [0, 1] like all shares here
    "half",  # half-width of the interval
    "interval",  # what the interval says
    "map_worst",
    "map_best",
    "precision_100",
    "precision_radius_2",
    "empty_radius_2",
    "lookup_success",
    "ndcg_100",
    "train_s",
    "encode_ms",  # of one image, from its features
    "search_ms",  # of one query among the database, exact scan
    "bytes",
    "dead_bits",  # most among the seeds
    "supervision",
    "run",  # id of the run with the lowest seed
    "runs",  # ids of all its seeds, lowest first
)


@dataclass(frozen=True)
class Comparison:
    """What runs must have in common so that their numbers may stand in one table."""

    dataset: str
    protocol: Protocol
    label_set: str
    split_seed: int
    n_runs: int = field(default=0, compare=False)

    @property
    def label(self) -> str:
        """Short name for people."""
        seed = f" · split {self.split_seed}" if self.split_seed else ""
        labels = f" · labels: {self.label_set}" if self.label_set else ""
        return f"{self.protocol.name}{labels}{seed}"


@dataclass(frozen=True)
class Board:
    """One leaderboard.

    Attributes:
        rows: columns `COLUMNS`, best mAP first.
        cosine: the real-valued ranking of each backbone: columns backbone, map, half, bytes,
            precision_100, ndcg_100.
        floors: what no method should be below: columns name, map, half, precision_100, ndcg_100.
        n_query: queries behind each number.
        n_database: images ranked for each query.
        n_unmeasured: finished runs of the data set without a report.
    """

    rows: pd.DataFrame
    cosine: pd.DataFrame
    floors: pd.DataFrame
    n_query: int
    n_database: int
    n_unmeasured: int


def comparisons(settings: Settings, dataset: str) -> list[Comparison]:
    """The comparisons that the measured runs of a data set fall into, most runs first."""
    count = Counter(_comparison(run.spec, report) for run, report in _measured(settings, dataset))
    return [
        Comparison(one.dataset, one.protocol, one.label_set, one.split_seed, n)
        for one, n in count.most_common()
    ]


def read_board(settings: Settings, comparison: Comparison) -> Board:
    """The leaderboard of one comparison."""
    runs = measured(settings, comparison)
    rows = [_row(members, settings) for members in _by_model(runs).values()]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    if frame["backbone"].nunique() > 1:
        frame["model"] = frame["model"] + " · " + frame["backbone"]
    specs = [run.spec for run, _ in runs]
    return Board(
        rows=frame.sort_values("map", ascending=False, ignore_index=True),
        cosine=read_cosine(settings, comparison.dataset, specs),
        floors=read_floors(settings, comparison.dataset, specs),
        n_query=runs[0][1].n_query if runs else 0,
        n_database=runs[0][1].n_database if runs else 0,
        n_unmeasured=_n_unmeasured(settings, comparison.dataset),
    )


def measured(settings: Settings, comparison: Comparison) -> list[tuple[Run, Report]]:
    """The measured runs of one comparison, newest first."""
    return [
        (run, report)
        for run, report in _measured(settings, comparison.dataset)
        if _comparison(run.spec, report) == comparison
    ]


def precision_recall(settings: Settings, rows: pd.DataFrame) -> pd.DataFrame:
    """PR curves by rank of the runs of some rows: columns model, method, bits, rank and both.

    Rows whose curves cannot be read are left out.
    """
    registry, parts = RunRegistry(settings), []
    for row in rows.to_dict("records"):
        try:
            curves: Curves = registry.open(row["run"]).curves()
        except RunError:
            continue
        columns = {
            "rank": curves.ranks,
            "recall": curves.recall,
            "precision": curves.precision,
        }
        parts.append(
            pd.DataFrame(columns).assign(**{k: row[k] for k in ("model", "method", "bits")})
        )
    names = ["model", "method", "bits", "rank", "recall", "precision"]
    return pd.concat(parts, ignore_index=True)[names] if parts else pd.DataFrame(columns=names)


def _measured(settings: Settings, dataset: str) -> Iterator[tuple[Run, Report]]:
    """Runs with a report, newest first; of equal specs only the newest."""
    seen: set[str] = set()
    for run in RunRegistry(settings).all():
        if run.spec.dataset != dataset or run.spec.digest in seen:
            continue
        try:
            report = run.report()
        except RunError:
            continue
        seen.add(run.spec.digest)
        yield run, report


def _n_unmeasured(settings: Settings, dataset: str) -> int:
    runs = [run for run in RunRegistry(settings).all() if run.spec.dataset == dataset]
    return sum(
        (run.folder / "codes" / "database.npz").is_file()
        and not (run.folder / "report.json").is_file()
        for run in runs
    )


def _comparison(spec: RunSpec, report: Report) -> Comparison:
    return Comparison(spec.dataset, report.protocol, spec.label_set, spec.split_seed)


def _by_model(
    measured: Sequence[tuple[Run, Report]],
) -> dict[str, list[tuple[Run, Report]]]:
    """Runs that differ in nothing but the seed, together, lowest seed first."""
    groups: dict[str, list[tuple[Run, Report]]] = defaultdict(list)
    for run, report in sorted(measured, key=lambda pair: pair[0].spec.seed):
        groups[run.spec.model_copy(update={"seed": 0}).digest].append((run, report))
    return groups


def _row(members: Sequence[tuple[Run, Report]], settings: Settings) -> dict[str, Any]:
    run, first = members[0]
    reports = [report for _, report in members]
    n_seeds = len(reports)
    if n_seeds > 1:
        half, interval = statistics.stdev(r.map for r in reports), f"sd, {n_seeds} seeds"
    else:
        half, interval = (first.ci_high - first.ci_low) / 2, "CI, queries"
    return {
        "model": model_name(run.spec),
        "method": run.spec.method,
        "backbone": run.spec.backbone,
        "bits": run.spec.bits,
        "seeds": n_seeds,
        "map": _mean(r.map for r in reports),
        "half": half,
        "interval": interval,
        "map_worst": _mean(r.map_worst for r in reports),
        "map_best": _mean(r.map_best for r in reports),
        "precision_100": _mean(r.precision_at.get(100) for r in reports),
        "precision_radius_2": _mean(r.precision_radius_2 for r in reports),
        "empty_radius_2": _mean(r.empty_radius_2 for r in reports),
        "lookup_success": _mean(r.lookup_success for r in reports),
        "ndcg_100": _mean(r.ndcg_at_100 for r in reports),
        "train_s": _mean(r.timings.get("training_s") for r in reports),
        "encode_ms": _mean(_encode_ms(r) for r in reports),
        "search_ms": 1000 * search_cost(run.spec.bits, settings).seconds(first.n_database),
        "bytes": first.bytes_per_item,
        "dead_bits": max(report.codes.dead_bits if report.codes else 0 for report in reports),
        "supervision": method_card(run.spec.method).supervision if run.spec.has_method else "",
        "run": run.id,
        "runs": tuple(one.id for one, _ in members),
    }


def model_name(spec: RunSpec) -> str:
    """The method's title, with the hyper-parameters that are not the defaults."""
    known = config_fields(spec.method) if spec.has_method else []
    defaults = {one.name: one.default for one in known}
    changed = [
        f"{key}={value}"
        for key, value in spec.config.items()
        if known and (key not in defaults or defaults[key] != value)
    ]
    title = spec.label.rsplit(" · ", 1)[0]
    return f"{title}, {', '.join(changed)}" if changed else title


def _mean(values: Iterator[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def _encode_ms(report: Report) -> float | None:
    """Of one image, from features to code; None for runs that did not measure it."""
    seconds = report.timings.get("encoding_s")
    return None if seconds is None else 1000 * seconds / (report.n_query + report.n_database)
