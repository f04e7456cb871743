"""Ablation studies among the measured runs of one comparison."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from pipeline.analysis.comparisons import Comparison, measured
from pipeline.analysis.leaderboard import model_name
from pipeline.runs.ablation import FULL, studies, table
from pipeline.settings import Settings


@dataclass(frozen=True)
class Study:
    """Study of a method: its full version, and the variants that lack a part.

    Attributes:
        label: method, settings that are not the defaults, and code length, for people.
        full: mAP of the method in full, in [0, 1].
        rows: one a variant, the full method left out, the costliest first: the columns of
            `pipeline.ablation`, and `verdict`, which says whether the interval leaves out 0.
    """

    label: str
    full: float
    rows: pd.DataFrame

    @property
    def finding(self) -> str:
        """Summary of the study in a sentence."""
        worst = self.rows.iloc[0]
        within = int((self.rows["verdict"] == "within noise").sum())
        if worst["verdict"] != "costs":
            return f"Nothing that was switched off lowers the mAP of {self.label} beyond noise."
        return (
            f"{self.label}: “{worst['variant']}” costs most, {-100 * worst['difference']:.1f} of "
            f"{100 * self.full:.1f} points; {within} of {len(self.rows)} variants stay within "
            "noise."
        )


def read_studies(settings: Settings, comparison: Comparison) -> list[Study]:
    """The studies of a comparison, the largest first; variants share no seed are left out."""
    runs = {run.spec.digest: run for run, _ in measured(settings, comparison)}
    shown = []
    for study in studies(runs):
        result = table(study, runs)
        rows = result[result["variant"] != FULL].dropna(subset=["difference"])
        if rows.empty:
            continue
        rows = rows.sort_values("difference", ignore_index=True)
        rows["verdict"] = [
            _verdict(low, high)
            for low, high in zip(rows["difference_low"], rows["difference_high"], strict=True)
        ]
        full = float(result["map"][result["variant"] == FULL].iloc[0])
        base = study[0].specs[0]
        shown.append(Study(f"{model_name(base)} · {base.bits} bits", full, rows))
    return shown


def _verdict(low: float, high: float) -> str:
    if high < 0:
        return "costs"
    return "gains" if low > 0 else "within noise"
