"""What the Advisor page asks the pipeline: candidates from a leaderboard, limits, commands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.analysis.advisor import Advice, Measured, Scenario, advise, training_exponents
from pipeline.analysis.comparisons import Comparison, measured
from pipeline.analysis.leaderboard import Leaderboard
from pipeline.analysis.tradeoffs import on_front
from pipeline.catalog import method_cards
from pipeline.index.search_cost import search_cost
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.settings import Settings
from pipeline.wording import COMMAND


def recommend(
    settings: Settings, comparison: Comparison, board: Leaderboard, scenario: Scenario
) -> list[Advice]:
    """The methods and alternatives of a leaderboard under a scenario, the best that fits first."""

    def seconds(bits: int, n_codes: int) -> float:
        return search_cost(bits, settings).seconds(n_codes)

    candidates = [*_methods(settings, comparison, board), *_alternatives(board)]
    return advise(scenario, candidates, seconds, training_exponents(_points(settings)))


def _methods(settings: Settings, comparison: Comparison, board: Leaderboard) -> list[Measured]:
    cards = {card.name: card for card in method_cards()}
    n_train = {run.id: report.n_database for run, report in measured(settings, comparison)}
    return [
        Measured(
            method=row["method"],
            title=row["model"],
            bits=int(row["bits"]),
            bytes=int(row["bytes"]),
            map=float(row["map"]),
            half=float(row["half"]),
            train_s=float(np.nan_to_num(row["training_s"])),
            n_train=n_train[row["run"]],
            supervision=cards[row["method"]].supervision,
            label_kinds=cards[row["method"]].label_kinds,
            run=row["run"],
        )
        for row in board.rows.to_dict("records")
        if row["run"] in n_train and row["method"] in cards  # else it cannot be trained any more
    ]


def _alternatives(board: Leaderboard) -> list[Measured]:
    return [
        Measured(
            method=row["name"],
            title=row["title"],
            bits=None,
            bytes=int(row["bytes"]),
            map=float(row["map"]),
            half=float(row["half"]),
            train_s=float(np.nan_to_num(row["training_s"])),
            n_train=board.n_database,
            supervision="unsupervised",
            label_kinds=(),
            run="",
            search_s=float(row["search_ms"]) / 1000 / board.n_database,
        )
        for row in board.alternatives.to_dict("records")
    ]


def untried(rows: pd.DataFrame, scenario: Scenario) -> list[str]:
    """Methods that could serve the scenario but were never measured here."""
    tried = set(rows["method"])
    return [
        card.name
        for card in method_cards()
        if card.name not in tried
        and (card.supervision != "supervised" or scenario.has_labels)
        and not (
            card.supervision == "supervised"
            and scenario.is_multi_label
            and "multi" not in card.label_kinds
        )
    ]


def command(comparison: Comparison, methods: Sequence[str], bits: Sequence[int]) -> str:
    """The command that measures what is missing, under the same protocol."""
    labels = f" --labels '{comparison.label_set}'" if comparison.label_set else ""
    return (
        f"{COMMAND} bench --dataset {comparison.dataset} --methods {','.join(methods)} "
        f"--bits {','.join(map(str, bits))} --protocol {comparison.protocol.name} --seeds 1{labels}"
    )


def advice_table(advices: Sequence[Advice]) -> pd.DataFrame:
    """Table of the trade-off chart: columns as `tradeoffs.with_front`; cost is memory in MB.

    Alternatives only where nothing beats them: there are many, and each has a colour.
    """
    table = pd.DataFrame(
        {
            "model": [advice.measured.title for advice in advices],
            "method": [advice.measured.method for advice in advices],
            "bits": [advice.measured.bits or 8 * advice.measured.bytes for advice in advices],
            "run": [advice.measured.run for advice in advices],
            "map": [advice.measured.map for advice in advices],
            "cost": [advice.memory_mb for advice in advices],
        }
    )
    table = table.assign(is_front=on_front(table["cost"], table["map"]))
    return table[table["is_front"] | (table["run"] != "")].reset_index(drop=True)


def readable(advices: Sequence[Advice]) -> pd.DataFrame:
    """The ranking in the words and units of the page."""
    return pd.DataFrame(
        {
            "Fits": ["yes" if advice.fits else "no" for advice in advices],
            "Model": [advice.measured.title for advice in advices],
            "Bits": [advice.measured.bits for advice in advices],
            "Bytes": [advice.measured.bytes for advice in advices],
            "mAP": [100 * advice.measured.map for advice in advices],
            "Memory (MB)": [advice.memory_mb for advice in advices],
            "Search (ms)": [advice.search_ms for advice in advices],
            "Training (s)": [advice.training_s for advice in advices],
            "Why": ["; ".join(advice.obstacles or advice.reasons) for advice in advices],
        }
    )


def _points(settings: Settings) -> list[tuple[str, int, float]]:
    """Method, images and seconds of runs with a frozen backbone, of any data set.

    Of each method only the code length that ran on most numbers of images: times of different
    lengths do not lie on one line.
    """
    timings: dict[tuple[str, int], list[tuple[int, float]]] = {}
    for run in RunRegistry(settings).all():
        try:
            report = run.report()
        except RunError:
            continue
        seconds = report.timings.get("training_s", 0.0)
        if run.spec.finetune is None and seconds > 0:
            key = (run.spec.method, run.spec.bits)
            timings.setdefault(key, []).append((report.n_database, seconds))

    def n_sizes(key: tuple[str, int]) -> int:
        return len({n for n, _ in timings[key]})

    best = {
        method: max((k for k in timings if k[0] == method), key=n_sizes) for method, _ in timings
    }
    return [(method, n, s) for method, key in best.items() for n, s in timings[key]]
