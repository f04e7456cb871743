"""Benchmark: many methods on one data set under one protocol, and the table of what they reach.

What was run before is not run again (pipeline/runs/experiment.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from models.registry import get_method
from pipeline.datasets.dataset import load_dataset
from pipeline.progress import StageProgress, ignore_progress
from pipeline.runs.benchmark_table import table
from pipeline.runs.experiment import Outcome, plan, run_missing
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings


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
        settings: say where data sets and runs are.
        without: a label to leave out of the relevance in further columns; empty: no such columns.
        on_outcome: called after each run.
        on_progress: called within a run with the stage, steps done and steps in all.

    Raises:
        DatasetError: the data set is not there, or `without` is not one of its labels.
        ValueError: an unknown method, or a code length that is out of range.
        Cancelled: it was stopped.
    """
    methods, bits = tuple(dict.fromkeys(methods)), tuple(dict.fromkeys(bits))  # once each
    dataset = load_dataset(base.dataset, settings)
    if without:
        dataset.label_set(base.label_set).column(without)
    outcomes = run_missing(
        plan(planned(base, methods, bits, seeds), settings),
        settings,
        on_outcome=on_outcome,
        on_progress=on_progress,
    )
    done = [outcome.run for outcome in outcomes if outcome.is_done]
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
