"""Resources of the pages that analyse runs: significance, curves, failures, codes."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from dashboard import state
from dashboard.cached.library import dataset, datasets, settings
from dashboard.cached.runs import board, measured_in
from dashboard.cached.search import HASHED
from dashboard.services.review import Review, read_review
from pipeline.analysis import curves as curve_service
from pipeline.analysis import robustness as robustness_service
from pipeline.analysis import run_differences, significance_findings, training_losses
from pipeline.analysis.advice import recommend
from pipeline.analysis.advisor import Advice, Scenario
from pipeline.analysis.baseline_flags import BaselineFlag
from pipeline.analysis.baseline_flags import baseline_flag as compare_with_baselines
from pipeline.analysis.bit_analysis import BitAblation, BitSample, ablate_bits, bit_sample
from pipeline.analysis.code_view import CodeView, read_codes
from pipeline.analysis.comparisons import Comparison
from pipeline.analysis.curves import RunCurves
from pipeline.analysis.drift import Drift, read_drift
from pipeline.analysis.failures import Failures, read_failures
from pipeline.analysis.hubs import Hubs, read_hubs
from pipeline.analysis.kind_and_thing import KindAndThing, read_kind_and_thing
from pipeline.analysis.leaderboard import Leaderboard
from pipeline.analysis.opened_run import OpenRun, open_measured
from pipeline.analysis.relaxed import NoRelaxedCodes, relaxed_codes, weak_bits
from pipeline.analysis.robustness import Robustness
from pipeline.analysis.run_summary import RunSummary, read_summary
from pipeline.datasets.dataset import DatasetError
from pipeline.evaluation.query_curves import QueryCurves
from pipeline.evaluation.rankings import HAMMING
from pipeline.evaluation.relevance import COPIES, OF_QUERIES, RELEVANCES
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError

if TYPE_CHECKING:  # torch, which rankings by codes do without
    from pipeline.analysis.ranked_run import RankedRun


class Key(NamedTuple):
    """What an analysis of a run's codes depends on beside the run."""

    fingerprint: str
    relevance: str
    ranking: str = HAMMING


_MOST_OUTPUTS = 20_000  # database images whose outputs are kept


@st.cache_data(ttl=30, max_entries=50, show_spinner=False)
def vs_best(
    runs: tuple[str, ...], bits: tuple[int, ...], values: tuple[float, ...], *conditions: str
) -> list[str]:
    """How each of some leaderboard rows stands to the best of its code length."""
    rows = pd.DataFrame({"run": runs, "bits": bits, "map": values})
    rows["relevance"], rows["ranking"] = conditions
    return significance_findings.vs_best(settings(), rows)


@st.cache_data(ttl=30, max_entries=50, show_spinner=False)
def baseline_flag(run_id: str) -> BaselineFlag | None:
    """How a run stands to random order and to colours alone; None where nothing was measured."""
    try:
        return compare_with_baselines(settings(), run_id)
    except RunError:
        return None


def run_summary(run: OpenRun) -> RunSummary:
    """A run in a few figures, from the leaderboard that it is on."""
    found = measured_in((run.id,))
    return read_summary(run, board(found[0]) if found else None, settings())


def settings_table(runs: list[str], *, only_differences: bool) -> pd.DataFrame:
    """What was asked of some runs, side by side.

    Raises:
        RunError: one is gone.
    """
    return run_differences.settings_table(settings(), runs, only_differences=only_differences)


def measures_table(runs: list[str]) -> pd.DataFrame:
    """What was measured of some runs, side by side.

    Raises:
        RunError: one is gone.
    """
    return run_differences.measures_table(settings(), runs)


@st.cache_resource(max_entries=4, show_spinner=False)
def _measured(run_id: str, key: Key) -> OpenRun:
    name = RunRegistry(settings()).open(run_id).spec.dataset
    return open_measured(run_id, dataset(name), settings(), key.relevance)


def measured(run_id: str) -> OpenRun:
    """A run's own codes and what is relevant; read again when its data set has other content.

    The relevance is the one that this tab has chosen, where the run was measured by it.

    Raises:
        RunError, DatasetError: they cannot be read, or there are no labels.
    """
    return _measured(run_id, _key(run_id))


def query_curves(run_id: str, ranking: str = HAMMING) -> QueryCurves:
    """What each query of a run finds at every rank, and by Hamming distance at every radius.

    Raises:
        RunError, DatasetError: the run cannot be read, or not be ranked so.
    """
    key = _key(run_id, RELEVANCES)
    return (
        _query_curves(run_id, key) if ranking == HAMMING else _ranked(run_id, key, ranking).curves
    )


@st.cache_resource(max_entries=60, show_spinner=False)
def _query_curves(run_id: str, key: Key) -> QueryCurves:
    return curve_service.measure(_measured(run_id, key))


@st.cache_resource(max_entries=20, show_spinner="Ranking the database again")
def _ranked(run_id: str, key: Key, ranking: str) -> RankedRun:
    from pipeline.analysis.ranked_run import rank_queries  # loads torch

    if key.relevance == COPIES:
        raise RunError("copies are shown by Hamming distance alone")
    return rank_queries(_measured(run_id, key), ranking, settings())


def relevance_of(run_id: str) -> str:
    """The relevance that this tab shows a run by."""
    return _key(run_id).relevance


def ranking_of(run_id: str) -> str:
    """The ranking that this tab has chosen, where the run was measured by it; else `hamming`."""
    wanted = state.ranking() or HAMMING
    known = RunRegistry(settings()).open(run_id).measurements
    return wanted if (_key(run_id).relevance, wanted) in known else HAMMING


def _key(run_id: str, relevances: Collection[str] = OF_QUERIES) -> Key:
    run = RunRegistry(settings()).open(run_id)
    fingerprints = (info.fingerprint for info in datasets() if info.name == run.spec.dataset)
    chosen, known = state.relevance(), [one for one in run.all_relevances if one in relevances]
    return Key(next(fingerprints, ""), chosen if chosen in known else next(iter(known), ""))


def row_curves(rows: pd.DataFrame) -> list[RunCurves]:
    """The curves of leaderboard rows with all their seeds; unreadable rows are left out."""
    found = []
    for row in rows.to_dict("records"):
        try:
            seeds = tuple(query_curves(run, row["ranking"]) for run in row["runs"])
        except (RunError, DatasetError):
            continue
        found.append(RunCurves(row["model"], row["method"], int(row["bits"]), seeds))
    return found


def training_table(rows: pd.DataFrame, *, is_share: bool) -> pd.DataFrame:
    """How the loss of leaderboard rows went down."""
    return training_losses.training_table(settings(), rows, is_share=is_share)


def loss_terms(rows: pd.DataFrame) -> dict[int, pd.DataFrame]:
    """The loss terms of the rows of one model, by code length."""
    return training_losses.terms_by_length(settings(), rows)


def failures(run_id: str, ranking: str = HAMMING) -> Failures:
    """What happened to each query of a run.

    Raises:
        RunError, DatasetError: the run cannot be read, or not be ranked so.
    """
    return _failures(run_id, _key(run_id)._replace(ranking=ranking))


@st.cache_resource(max_entries=10, show_spinner=False)
def _failures(run_id: str, key: Key) -> Failures:
    if key.ranking == HAMMING:
        return read_failures(measured(run_id))
    own = _ranked(run_id, key._replace(ranking=HAMMING), key.ranking)
    return read_failures(measured(run_id), own)


def hubs(run_id: str) -> Hubs:
    """How often each database image of a run is found.

    Raises:
        RunError, DatasetError: the run cannot be read.
    """
    return _hubs(run_id, _key(run_id))


@st.cache_resource(max_entries=10, show_spinner=False)
def _hubs(run_id: str, key: Key) -> Hubs:
    return read_hubs(measured(run_id))


def robustness(run: OpenRun, label: str) -> Robustness | None:
    """What edits of images do to the codes of a run; None where it was not measured on copies.

    Args:
        run: the run.
        label: of the run among others.
    """
    if COPIES not in run.run.all_relevances:
        return None
    timings = run.run.report(COPIES).model_dump_json()  # others when it is measured again
    return _robustness(run.id, label, _key(run.id), timings)


@st.cache_resource(max_entries=20, show_spinner=False)
def _robustness(run_id: str, label: str, key: Key, report: str) -> Robustness:
    return robustness_service.robustness(_measured(run_id, key), label)


def kind_and_thing(rows: pd.DataFrame) -> KindAndThing:
    """Leaderboard rows with the mAP of copies beside theirs."""
    return read_kind_and_thing(rows, settings())


@st.cache_data(ttl=10, max_entries=10, show_spinner=False, hash_funcs=HASHED)
def copy_baselines(run: OpenRun) -> list[Robustness]:
    """How float cosine and perceptual hash find the copies, as far as it was measured."""
    return robustness_service.baselines(run, settings())


def review(run_id: str) -> Review:
    """How far the review of a run's failures has come."""
    return read_review(measured(run_id), failures(run_id), settings())


@st.cache_resource(max_entries=4, show_spinner=False)
def _relaxed(run_id: str, key: Key) -> NDArray[np.float32] | str:
    """Outputs for queries, then database; or what is missing, which is not asked for again."""
    run = measured(run_id)
    some = run.database_rows[:: -(-len(run.database_rows) // _MOST_OUTPUTS)]
    rows = np.concatenate([run.query_rows, some])
    try:
        return relaxed_codes(RunRegistry(settings()).open(run_id), run.dataset, rows, settings())
    except NoRelaxedCodes as error:
        return str(error)


def outputs(run_id: str) -> NDArray[np.float32] | str:
    """A run's outputs before the sign, queries first; or a sentence that says what is missing.

    Of a database of more than `_MOST_OUTPUTS` images, every so many.
    """
    return _relaxed(run_id, _key(run_id))


def n_weak_bits(run_id: str, place: int) -> int | None:
    """Bits of a query that a small change would turn; None where outputs is unavailable."""
    known = outputs(run_id)
    return None if isinstance(known, str) else int(weak_bits(known)[place].sum())


def code_view(run_id: str) -> CodeView:
    """A run's codes, analysed.

    Raises:
        RunError, DatasetError: the run cannot be read.
    """
    return _code_view(run_id, _key(run_id))


@st.cache_resource(max_entries=6, show_spinner=False)
def _code_view(run_id: str, key: Key) -> CodeView:
    return read_codes(measured(run_id))


def drift(run_id: str) -> Drift:
    """Whether the bits of a run behave alike in all parts of its data set.

    Raises:
        RunError, DatasetError: the run cannot be read.
    """
    return _drift(run_id, _key(run_id))


@st.cache_resource(max_entries=20, show_spinner=False)
def _drift(run_id: str, key: Key) -> Drift:
    return read_drift(measured(run_id), settings())


def bit_ablation(run_id: str) -> BitAblation:
    """What the mAP becomes without some bits; a few seconds the first time."""
    return _bit_ablation(run_id, _key(run_id))


def map_without(run_id: str, muted: Collection[int]) -> float:
    """The mAP in [0, 1] without some bits (from 1) of all codes, on the sample of the ablation.

    Raises:
        RunError, DatasetError: the run cannot be read, or has no labels.
    """
    sample = _bit_sample(run_id, _key(run_id))
    bits = range(sample.queries.shape[1])
    return sample.map([bit for bit in bits if bit + 1 not in muted])


@st.cache_resource(max_entries=20, show_spinner=False)
def _bit_ablation(run_id: str, key: Key) -> BitAblation:
    return ablate_bits(_bit_sample(run_id, key))


@st.cache_resource(max_entries=6, show_spinner=False)
def _bit_sample(run_id: str, key: Key) -> BitSample:
    run = measured(run_id)
    return bit_sample(run.query_codes, run.database_codes, run.query_labels, run.database_labels)


def advice(comparison: Comparison, found: Leaderboard, scenario: Scenario) -> list[Advice]:
    """The rows of a leaderboard under a scenario."""
    return recommend(settings(), comparison, found, scenario)
