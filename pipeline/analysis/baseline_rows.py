"""The rows a leaderboard is read against: cosine of the features above, floors below."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pipeline.datasets.dataset import DatasetError, load_dataset
from pipeline.evaluation.report import Report
from pipeline.runs.baselines import colour_report, cosine_report, random_report
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings

COSINE_COLUMNS = ("backbone", "map", "half", "bytes", "precision_100", "ndcg_100")
FLOOR_COLUMNS = ("name", "map", "half", "precision_100", "ndcg_100")


def read_cosine(settings: Settings, dataset: str, specs: Sequence[RunSpec]) -> pd.DataFrame:
    """The real-valued ranking of each backbone among the specs; columns `COSINE_COLUMNS`."""
    rows = []
    for spec in {spec.backbone: spec for spec in specs}.values():
        try:
            report = cosine_report(spec, load_dataset(dataset, settings), settings)
        except DatasetError:
            report = None
        if report is not None:
            half, precision, ndcg = _shares(report)
            rows.append((spec.backbone, report.map, half, report.bytes_per_item, precision, ndcg))
    return pd.DataFrame(rows, columns=list(COSINE_COLUMNS))


def read_floors(settings: Settings, dataset: str, specs: Sequence[RunSpec]) -> pd.DataFrame:
    """What no method should be below: random order and colours alone; columns `FLOOR_COLUMNS`."""
    rows: list[tuple[object, ...]] = []
    if specs:
        try:
            images = load_dataset(dataset, settings)
            random = random_report(specs[0], images, settings)
            rows.append(("random order", random.map, None, *_shares(random)[1:]))
            if (colours := colour_report(specs[0], images, settings)) is not None:
                rows.append(("colours alone", colours.map, *_shares(colours)))
        except DatasetError:  # changed or gone since: the table stands without floors
            rows = []
    return pd.DataFrame(rows, columns=list(FLOOR_COLUMNS))


def _shares(report: Report) -> tuple[float, float | None, float]:
    """Half-width of the interval of mAP, P@100 and NDCG@100."""
    half = (report.ci_high - report.ci_low) / 2
    return half, report.precision_at.get(100), report.ndcg_at_100
