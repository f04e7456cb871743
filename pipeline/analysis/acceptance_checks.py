"""Conditions: what a run must meet before anyone relies on it, as pass, warn or fail."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from pipeline.analysis.baseline_flags import BaselineFlag, baseline_flag
from pipeline.analysis.leaderboard import read_cosine
from pipeline.evaluation.report import Report
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings

Outcome = Literal["pass", "warn", "fail"]
_ORDER: dict[str, int] = {"fail": 0, "warn": 1, "pass": 2}
_OF_COSINE = 0.8  # share of the cosine's mAP that codes should keep


@dataclass(frozen=True)
class Condition:
    """One check: what is asked, what was found, and how it ended."""

    name: str
    outcome: Outcome
    found: str


def check(settings: Settings, run_id: str) -> list[Condition]:
    """The conditions of a measured run, failed ones first.

    Raises:
        RunError: the run is gone or was not measured.
    """
    run = RunRegistry(settings).open(run_id)
    report, spec = run.report(), run.spec
    cosine = read_cosine(settings, spec.dataset, [spec])
    found = _baselines(baseline_flag(settings, run_id))
    if len(cosine):
        share = report.map / max(float(cosine["map"].iloc[0]), 1e-9)
        found.append(
            Condition(
                f"keeps {100 * _OF_COSINE:.0f} % of the mAP of the features",
                "pass" if share >= _OF_COSINE else "warn",
                f"{100 * share:.0f} %",
            )
        )
    return sorted([*found, *_codes(report)], key=lambda one: _ORDER[one.outcome])


def _baselines(flag: BaselineFlag) -> list[Condition]:
    """The whole interval of the mAP, with all seeds, must lie above each baseline."""
    reached = flag.reached
    return [
        Condition(
            f"better than {name}",
            "fail" if name in reached else "pass",
            f"{100 * flag.map:.1f} %, interval from {100 * flag.low:.1f} %, "
            f"against {100 * value:.1f} %",
        )
        for name, value in zip(flag.baselines["name"], flag.baselines["map"], strict=True)
    ]


def _codes(report: Report) -> list[Condition]:
    ties = report.value("map_best") - report.value("map_worst")
    found = [
        Condition(
            "every query has something relevant",
            "pass" if not report.queries_without_relevant else "warn",
            f"{report.queries_without_relevant} of {report.n_query} have nothing",
        ),
        Condition(
            "ties matter little",
            "pass" if ties < 0.05 else "warn",
            f"{100 * ties:.1f} points between the best and the worst order",
        ),
    ]
    if report.codes is not None:
        dead = report.codes.dead_bits
        found.append(Condition("no dead bits", "fail" if dead else "pass", f"{dead} dead"))
    success = report.value("lookup_success")
    if not math.isnan(success):
        found.append(
            Condition(
                "half of the lookups within 2 bits succeed",
                "pass" if success >= 0.5 else "warn",
                f"{100 * success:.1f} %",
            )
        )
    return found
