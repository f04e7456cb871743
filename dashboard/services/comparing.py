"""One query under two runs: overlap, rank changes, and the queries on which they differ most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboard.services.search import Answer, Result
from pipeline.analysis.explain import place
from pipeline.analysis.opened_run import OpenRun
from pipeline.datasets.dataset import DatasetInfo
from pipeline.index.coverage import searched_codes
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.wording import plural

_PERSISTENCE = 0.9  # of rank-biased overlap: the first ten ranks carry most of the weight
_DRAWN = 10  # ranks of each run in the rank-change chart


class Groups(NamedTuple):
    """Results only in the first of two answers, in both (in its order), only in the second."""

    first: list[Result]
    both: list[Result]
    second: list[Result]


@dataclass(frozen=True)
class Compared:
    """Two answers side by side.

    Attributes:
        ap: average precision of the query under A and B, in [0, 1]; None if it was not measured.
        overlap: images that both found.
        rbo: rank-biased overlap of the lists, in [0, 1] (Webber, Moffat and Zobel, 2010).
        groups: which results both have.
        changes: columns image, run, rank, fate; the first ranks of both, for the chart.
    """

    ap: tuple[float | None, float | None]
    overlap: int
    rbo: float
    groups: Groups
    changes: pd.DataFrame


def searched_alike(a: OpenRun, b: OpenRun) -> tuple[OpenRun, OpenRun]:
    """Both with all that a search covers where that is the same, else with their databases."""
    is_same = np.array_equal(np.sort(a.searched_rows), np.sort(b.searched_rows))
    return (a.searched, b.searched) if is_same else (a, b)


def why_not(a: Run, b: Run, info: DatasetInfo) -> str:
    """Why B cannot be compared with A, to stand after the name of B; empty when it can.

    Args:
        a: a run that fits the data set.
        b: another run of it.
        info: the data set as it is now.
    """
    if a.id == b.id:
        return "it is the same run"
    try:
        b.check_dataset(*info.fingerprints)
    except RunError:
        return "it was made from another version of the data set"
    first = info.label_sets[0].name if info.label_sets else ""
    differing = [
        f"{what} {theirs}, not {ours}"
        for what, ours, theirs in (
            ("protocol", a.spec.protocol, b.spec.protocol),
            ("relevant by", a.spec.label_set or first, b.spec.label_set or first),
            ("measured by", *(next(iter(run.relevances), "nothing") for run in (a, b))),
            ("split seed", a.spec.split_seed, b.spec.split_seed),
        )
        if ours != theirs
    ]
    if differing:
        return "; ".join(differing)
    try:
        ours, theirs = (searched_codes(run, "database")[1] for run in (a, b))
    except RunError as error:
        return f"its codes cannot be read: {error}"
    if np.array_equal(ours, theirs):
        return ""
    return f"it searches other images ({len(theirs):,} in its database, {len(ours):,} in that of A)"


def average_precisions(opened: OpenRun) -> pd.Series:
    """AP of each stored query by manifest row; empty when nothing was measured."""
    try:
        ap = opened.run.query_aps()
    except RunError:
        return pd.Series(dtype=float)
    fits = len(ap) == len(opened.query_rows)
    return pd.Series(ap, index=opened.query_rows) if fits else pd.Series(dtype=float)


def differing_most(a: OpenRun, b: OpenRun) -> pd.DataFrame:
    """Columns row, a, b, delta of every query of both; AP in percent, largest difference first."""
    table = pd.DataFrame({"a": average_precisions(a), "b": average_precisions(b)}).dropna() * 100
    table["delta"] = table["b"] - table["a"]
    order = table["delta"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].rename_axis("row").reset_index()


def compare(a: OpenRun, b: OpenRun, answers: tuple[Answer, Answer]) -> Compared:
    """Compare two answers to the same image."""
    left, right = (answer.results for answer in answers)
    query_row = answers[0].query.row
    grouped = groups(*answers)
    known = [average_precisions(opened) for opened in (a, b)]
    ap_a, ap_b = (None if query_row is None else ap.get(query_row) for ap in known)
    return Compared(
        ap=(ap_a, ap_b),
        overlap=len(grouped.both),
        rbo=rank_biased_overlap([result.row for result in left], [result.row for result in right]),
        groups=grouped,
        changes=_changes(a, b, answers),
    )


def groups(first: Answer, second: Answer) -> Groups:
    """Which images two answers share."""
    rows_a, rows_b = ({result.row for result in answer.results} for answer in (first, second))
    return Groups(
        [result for result in first.results if result.row not in rows_b],
        [result for result in first.results if result.row in rows_b],
        [result for result in second.results if result.row not in rows_a],
    )


def differing_words(groups: Groups) -> str:
    """How many results now differ from those then, for example `3 of the 24 results differ`."""
    new, gone = len(groups.first), len(groups.second)
    if new:
        of = plural(new + len(groups.both), "result")
        return f"{new} of the {of} {'differs' if new == 1 else 'differ'}"
    if gone:
        return f"{plural(gone, 'result')} {'is' if gone == 1 else 'are'} gone"
    return "the results are the same"


def rank_biased_overlap(first: list[int], second: list[int]) -> float:
    """Overlap of two rankings that weighs early ranks more, cut at the shorter one's end.

    The weights are scaled to sum to 1 over the ranks that are there, so equal lists give 1.
    """
    depth = min(len(first), len(second))
    if not depth:
        return 0.0
    weights = _PERSISTENCE ** np.arange(depth)
    shared = [len({*first[:d]} & {*second[:d]}) / d for d in range(1, depth + 1)]
    return float(np.average(shared, weights=weights))


def _changes(a: OpenRun, b: OpenRun, answers: tuple[Answer, Answer]) -> pd.DataFrame:
    top: dict[int, Result] = {}
    for answer in answers:
        top.update(
            {result.row: result for result in answer.results[:_DRAWN] if result.row not in top}
        )
    lines = []
    for row, result in top.items():
        first, second = (
            _rank(opened, answer, row) for opened, answer in zip((a, b), answers, strict=True)
        )
        if first is None or second is None:
            continue
        fate = "better in B" if second < first else "worse in B"
        fate = "same" if first == second else fate
        name = result.text or result.image_id
        lines += [(row, name, run, rank, fate) for run, rank in (("A", first), ("B", second))]
    return pd.DataFrame(lines, columns=["row", "image", "run", "rank", "fate"])


def _rank(opened: OpenRun, answer: Answer, row: int) -> int | None:
    """The rank shown, or the best one in its tie for an image that is not shown."""
    shown = next((result.rank for result in answer.results if result.row == row), None)
    if shown is not None:
        return shown
    ranks = place(opened, answer.query.encoded, row, answer.query.row)
    return ranks.first if ranks else None


def next_row(table: pd.DataFrame, row: int | None, step: int) -> int:
    """The query `step` places further in the table of differences; the first when not in it."""
    rows: NDArray[np.int64] = table["row"].to_numpy()
    at = np.flatnonzero(rows == row)
    return int(rows[(int(at[0]) + step) % len(rows)] if len(at) else rows[0])
