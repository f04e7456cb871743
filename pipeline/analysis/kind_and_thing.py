"""Same kind against same thing: whether methods find images of a kind, and edited images again."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from scipy.stats import spearmanr

from pipeline.analysis.leaderboard import Leaderboard
from pipeline.analysis.model_maps import mean_and_half
from pipeline.evaluation.relevance import COPIES
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.settings import Settings

COLUMNS = ("model", "method", "bits", "run", "kind", "kind_half", "thing", "thing_half")
_FEW = 4  # points below which an order of ranks says nothing


@dataclass(frozen=True)
class KindAndThing:
    """Leaderboard rows by both measures.

    Attributes:
        rows: columns `COLUMNS`: mAP by the relevance of the leaderboard and by copies, each with
            the half-width of its interval, in [0, 1].
        unmeasured: runs that were not measured on copies.
    """

    rows: pd.DataFrame
    unmeasured: tuple[str, ...]

    @property
    def finding(self) -> str:
        """Which method is best at each, and whether the orders agree; empty for one row."""
        if len(self.rows) < 2:
            return ""
        kind, thing = (self.rows.iloc[int(self.rows[name].argmax())] for name in ("kind", "thing"))
        best = (
            f"{_name(kind)} is best at both: mAP {100 * kind['kind']:.1f} % by kind and "
            f"{100 * kind['thing']:.1f} % by copies."
            if kind["run"] == thing["run"]
            else f"{_name(kind)} finds most of the same kind (mAP {100 * kind['kind']:.1f} %, "
            f"copies {100 * kind['thing']:.1f} %); {_name(thing)} finds copies best (mAP "
            f"{100 * thing['thing']:.1f} %, same kind {100 * thing['kind']:.1f} %)."
        )
        if len(self.rows) < _FEW:
            return best
        correlation = float(spearmanr(self.rows["kind"], self.rows["thing"]).statistic)
        return f"{best} Rank correlation of the two orders: {correlation:+.2f}."


def read_kind_and_thing(rows: pd.DataFrame, settings: Settings) -> KindAndThing:
    """Leaderboard rows with the mAP of copies beside theirs.

    Args:
        rows: of a leaderboard by another relevance.
        settings: where the runs are.
    """
    registry, measured = RunRegistry(settings), []
    unmeasured: list[str] = []
    for row in rows.to_dict("records"):
        reports = []
        for run in row["runs"]:
            try:
                reports.append(registry.open(run).report(COPIES))
            except RunError:
                unmeasured.append(run)
        if reports:
            thing, half = mean_and_half(reports)
            known = {name: row[name] for name in ("model", "method", "bits", "run")}
            measured.append(
                known
                | {"kind": row["map"], "kind_half": row["half"]}
                | {"thing": thing, "thing_half": half}
            )
    return KindAndThing(pd.DataFrame(measured, columns=list(COLUMNS)), tuple(unmeasured))


def references(by_kind: Leaderboard, by_copies: Leaderboard) -> pd.DataFrame:
    """Float cosine by both measures, and the perceptual hash, which has no mAP by kind.

    Columns name, kind, thing; in [0, 1], kind empty where it was not measured.
    """
    kinds = dict(zip(by_kind.cosine["backbone"], by_kind.cosine["map"], strict=True))
    rows = [
        {
            "name": "float cosine" if len(kinds) < 2 else f"float cosine, {backbone}",
            "kind": kinds.get(backbone),
            "thing": value,
        }
        for backbone, value in by_copies.cosine[["backbone", "map"]].itertuples(index=False)
    ]
    hashes = by_copies.baselines[by_copies.baselines["name"] == "perceptual hash"]
    rows += [{"name": "perceptual hash", "kind": None, "thing": value} for value in hashes["map"]]
    return pd.DataFrame(rows, columns=["name", "kind", "thing"])


def _name(row: pd.Series) -> str:
    return f"{row['model']} at {row['bits']} bits"
