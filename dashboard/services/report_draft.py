"""The sentences and the choice of queries of a first draft, by rules that it states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from dashboard.services.run_verdict import RunVerdict
from pipeline.analysis.baseline_flags import BaselineFlag
from pipeline.analysis.comparisons import Comparison
from pipeline.evaluation.report import Report
from pipeline.wording import plural


class Look(NamedTuple):
    """A query worth looking at.

    Attributes:
        lead: what it is, for example `Best query`.
        row: its manifest row.
        rule: by which it was chosen, as a sentence.
    """

    lead: str
    row: int
    rule: str


def map_finding(label: str, report: Report, cosine: pd.DataFrame, flag: BaselineFlag | None) -> str:
    """The mAP of a run with its interval, against the cosine of its features and the baselines.

    Args:
        label: of the run.
        report: what was measured.
        cosine: column map in [0, 1], a row for the run's backbone; empty where it is not known.
        flag: how the run stands to the baselines; None where that is not known.
    """
    parts = [
        f"{label} reaches mAP {100 * report.map:.1f} % (95 % interval {100 * report.ci_low:.1f} to "
        f"{100 * report.ci_high:.1f} over {plural(report.n_query, 'query')}) with "
        f"{plural(report.bytes_per_item, 'byte')} per image."
    ]
    if len(cosine):
        best = float(cosine["map"].iloc[0])
        parts.append(
            f"The features without hashing, ranked by cosine, reach {100 * best:.1f} %: the codes "
            f"keep {100 * report.map / max(best, 1e-9):.0f} % of that."
        )
    if flag is not None and flag.reached:
        parts.append(flag.sentence)
    return " ".join(parts)


def measured_under(comparisons: Sequence[Comparison]) -> str:
    """Protocol and relevance of a finding, to stand at its end."""
    return " ".join(f"Measured under protocol {one.conditions}." for one in comparisons)


def looks_by_ap(aps: pd.Series) -> list[Look]:
    """Best, typical and worst query of one run.

    Args:
        aps: AP in [0, 1] by manifest row; empty where nothing was measured.
    """
    if aps.empty:
        return []
    rows = np.sort(aps.index.to_numpy())
    ap, n = 100 * aps.loc[rows].to_numpy(), plural(len(aps), "query")
    places = (
        ("Best query", ap.argmax(), f"the highest AP of {n}"),
        (
            "Typical query",
            np.abs(ap - np.median(ap)).argmin(),
            f"the AP nearest to the median of {n}",
        ),
        ("Worst query", ap.argmin(), f"the lowest AP of {n}"),
    )
    return [
        Look(lead, int(rows[place]), _rule(rule, f"AP {ap[place]:.1f} %"))
        for lead, place, rule in places
    ]


def looks_by_difference(
    verdict: RunVerdict, table: pd.DataFrame, names: Sequence[str]
) -> list[Look]:
    """The queries that say most about two runs, as on Compare.

    Args:
        verdict: on the runs.
        table: columns row, a and b (AP in percent).
        names: of A and B.
    """
    a, b = names
    ap = table.set_index("row")
    rules = {
        "Best for A": (f"Best for {a}", f"the greatest lead in AP of {a}"),
        "Typical": ("Typical query", "the difference in AP nearest to the median"),
        "Best for B": (f"Best for {b}", f"the greatest lead in AP of {b}"),
    }
    return [
        Look(
            rules[kind][0],
            row,
            _rule(rules[kind][1], f"AP {ap['a'][row]:.1f} % and {ap['b'][row]:.1f} %"),
        )
        for kind, row in verdict.looks.items()
    ]


def _rule(rule: str, value: str) -> str:
    return f"Chosen by rule: {rule} ({value}); of equal ones the first."
