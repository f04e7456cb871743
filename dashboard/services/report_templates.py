"""Templates: reports to begin with, made of what the library knows now."""

from __future__ import annotations

from functools import partial

import pandas as pd

from dashboard.charts import codes as code_charts
from dashboard.charts.map_by_bits import map_by_bits
from dashboard.charts.quality_per_byte import quality_per_byte
from dashboard.services import chart_files
from dashboard.services.report_basket import Item, Picture, new_item
from pipeline.analysis.baseline_flags import BaselineFlag
from pipeline.analysis.code_view import CodeView
from pipeline.analysis.comparisons import Comparison
from pipeline.analysis.failures import BY_AP, Failures, confusion_finding, confusion_table, worst
from pipeline.analysis.leaderboard import Leaderboard
from pipeline.analysis.opened_run import OpenRun
from pipeline.analysis.quality_per_byte import KINDS, quality_finding, quality_points
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.evaluation.metric_table import METRICS
from pipeline.wording import plural

DEMO, REVIEW, AUDIT = "Demo summary", "Model review", "Data audit"
SUMMARIES = {
    DEMO: "Which methods were measured on this data set, how good they are and what they cost.",
    REVIEW: "What one run is worth: where it fails, how its codes look, which conditions it meets.",
    AUDIT: "What the data set holds: images, split, labels, licence.",
}
_DRAWN, _WORST = 6, 12


def demo_summary(board: Leaderboard, comparison: Comparison, sentence: str) -> list[Item]:
    """Table, mAP by code length, and mAP per byte beside the alternatives.

    Args:
        board: at least one row.
        comparison: it belongs to.
        sentence: the leaderboard's finding.
    """
    rows, metric = board.rows, METRICS["map"]
    points = quality_points(rows, board.alternatives, board.cosine, metric)
    runs = tuple(map(str, rows["run"]))
    item = partial(new_item, protocol=comparison.sentence, runs=runs)
    return [
        item("Methods", _board_table(rows), finding=sentence),
        map_by_length(board, comparison),
        item(
            "mAP by bytes per image",
            finding=quality_finding(points, metric),
            chart=chart_files.specification(quality_per_byte(points, KINDS, title=metric.title)),
        ),
    ]


def map_by_length(board: Leaderboard, comparison: Comparison) -> Item:
    """The chart of mAP by code length, with cosine and baselines."""
    rows = board.rows
    drawn = rows[rows["model"].isin(rows["model"].unique()[:_DRAWN])]
    baselines = board.baselines[["name", "map"]].assign(bits=None)
    return new_item(
        "mAP by code length",
        finding=f"{plural(drawn['model'].nunique(), 'model')} measured under the same conditions, "
        "with intervals; rules mark the features by cosine and what takes no learning.",
        protocol=comparison.sentence,
        runs=tuple(map(str, rows["run"])),
        chart=chart_files.specification(
            map_by_bits(drawn, board.cosine, list(rows["method"]), baselines)
        ),
    )


def model_review(
    run: OpenRun, failures: Failures, view: CodeView, flag: BaselineFlag | None
) -> list[Item]:
    """How one run stands to the baselines, worst queries, confusions, distances and balance."""
    hardest = worst(failures, BY_AP).head(_WORST)
    pictures = tuple(
        Picture(
            sha256=run.sha256(row),
            caption=f"{', '.join(run.label_names(row))}, AP {100 * ap:.0f} %",
        )
        for row, ap in zip(map(int, hardest["row"]), hardest["ap"], strict=True)
    )
    confused = confusion_table(failures)
    compared = new_item(
        f"Against the baselines, {run.label}",
        finding="" if flag is None else flag.sentence,
        runs=(run.id,),
    )
    return [
        *([compared] if compared.finding else []),
        new_item(f"Worst queries, {run.label}", pictures=pictures, runs=(run.id,)),
        new_item(
            f"Confusion of neighbours, {run.label}",
            confused.sort_values("wrong", ascending=False).head(10),
            finding=confusion_finding(confused),
            runs=(run.id,),
        ),
        new_item(
            f"Distances by class, {run.label}",
            finding=f"The two distributions share {100 * view.overlap:.0f} % of their area.",
            chart=chart_files.specification(code_charts.distances(view.distances, view.radius_90)),
            runs=(run.id,),
        ),
        new_item(
            f"Balance of bits, {run.label}",
            finding=view.finding,
            chart=chart_files.specification(code_charts.balance(view.bits)),
            runs=(run.id,),
        ),
    ]


def data_audit(dataset: RetrievalDataset) -> list[Item]:
    """Facts, images by part, and images by label of each label set."""
    info = dataset.info
    facts = {
        "Images": f"{info.n:,}",
        "Skipped or changed files": f"{info.n_problems:,}",
        "Split": info.split_summary,
        "Licence": info.licence or "not known",
        "Attribution": info.attribution or "none given",
        "Fingerprint": info.fingerprint,
    }
    items = [new_item(f"{info.title}: facts", pd.DataFrame(facts.items(), columns=["", "Value"]))]
    for labels in info.label_sets:
        count = dataset.labels(labels).sum(axis=0)
        table = pd.DataFrame({"Label": labels.classes, "Images": count}).sort_values(
            "Images", ascending=False, ignore_index=True
        )
        sentence = (
            f"{len(table)} labels, from {table['Images'].min():,} to {table['Images'].max():,} "
            "images per label."
        )
        items.append(new_item(f"Labels: {labels.name}", table, finding=sentence))
    return items


def _board_table(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Model": rows["model"],
            "Bits": rows["bits"],
            "mAP %": (100 * rows["map"]).round(1),
            "±": (100 * rows["half"]).round(1),
            "P@100 %": (100 * rows["precision_at_100"]).round(1),
            "Training s": rows["training_s"].round(1),
            "Bytes": rows["bytes"],
        }
    )
