"""execute(run): all stages of one experiment, in order. The command line and the worker call it."""

from __future__ import annotations

import logging

import numpy as np

from models.codes import HashCodes
from models.errors import Cancelled
from models.method import HashMethod
from pipeline import jobs
from pipeline.datasets.dataset import RetrievalDataset, load_dataset
from pipeline.datasets.split import Indices
from pipeline.devices import device_of, device_title
from pipeline.evaluation.relevance import COPIES
from pipeline.features import FeatureCache
from pipeline.jobs import HEARTBEAT, beating
from pipeline.progress import StageProgress, ignore_progress
from pipeline.runs.baselines import measure_baselines
from pipeline.runs.log import logging_to
from pipeline.runs.measurement import MeasurementError, evaluate_run
from pipeline.runs.preparation import PreparedRun, prepare
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.runs.training import Features, embed, fit_method, trained_s
from pipeline.settings import Settings

_log = logging.getLogger(__name__)


def execute(
    run: Run,
    settings: Settings,
    on_progress: StageProgress = ignore_progress,
    *,
    only_queued: bool = False,
) -> None:
    """Features, training, codes and evaluation of one run; everything lands in its folder.

    Args:
        run: queued, or being repeated after a failure.
        settings: say where data sets and caches are.
        on_progress: called with the stage, steps done and steps in all.
        only_queued: leave a run alone that is not queued any more, for workers that compete.

    Raises:
        Cancelled: someone asked the run to stop.
        RunBusy: another process executes it.
        Exception: whatever a stage raises, after it is stored in the run's status.
    """
    report = _reporting(run, on_progress)
    with run.started(only_queued=only_queued):
        if problem := run.spec.problem():
            raise ValueError(f"run {run.id} was asked of another version: {problem}")
        device = device_of(settings)
        run.update(device=device_title(device))
        dataset = load_dataset(run.spec.dataset, settings)
        run.adopt_dataset(dataset.info.fingerprint)
        with run.stage("features"):
            prepared = prepare(run.spec, dataset, settings, report)
            run.update(n_unlabelled=prepared.n_unlabelled)
        with run.stage("training", trained_s(run)):
            method = fit_method(
                run,
                prepared.train,
                report,
                monitor=prepared.monitor,
                trunk=prepared.trunk,
                device=device,
            )
        with run.stage("encoding"):
            split, trunk = prepared.split, prepared.trunk
            measured = np.union1d(split.query, split.database)
            features = features_of(prepared, measured, report)
            query_codes, database_codes = encode(method, features, split.query, split.database)
        with run.stage("codes"):
            others = np.setdiff1d(np.arange(len(dataset)), measured)
            run.save_method(method, dict(trunk.parameters) if trunk else None)
            run.save_codes("query", query_codes, split.query)
            run.save_codes("database", database_codes, split.database)
            if len(others):  # searched, never measured
                [codes] = encode(method, features_of(prepared, others, report), others)
                run.save_codes("others", codes, others)
        with run.stage("evaluation"):
            reason = _measure(run, dataset, settings, prepared.cache, report)
    if not reason:
        follow_up(run, dataset, settings, prepared.cache, on_progress)


def _measure(
    run: Run,
    dataset: RetrievalDataset,
    settings: Settings,
    cache: FeatureCache,
    on_progress: StageProgress,
) -> str:
    """Evaluate a run; why that is impossible, in which case its codes are still worth having."""
    try:
        evaluate_run(run, dataset, settings, cache, on_progress)
    except MeasurementError as error:
        run.update(unmeasured=error.reason)
        return error.reason
    return ""


def follow_up(
    run: Run,
    dataset: RetrievalDataset,
    settings: Settings,
    cache: FeatureCache,
    on_progress: StageProgress = ignore_progress,
    relevance: str = "",
) -> None:
    """Measure the baselines that a leaderboard sets beside a run, once the run is done.

    Also whether it finds copies, where that is not known. Its progress is in the run's status as
    the stage `baselines`, and it obeys a stop.
    """
    report = _reporting(run, on_progress)
    if not run.folder.is_dir():
        return  # deleted; the lock would create it again
    try:
        with run.claimed(), beating(run.folder / HEARTBEAT), logging_to(run.folder) as log:
            run.update(stage="baselines", done=0, total=0)
            try:
                by = relevance or run.report().relevance
                measure_baselines(run.spec, dataset, settings, cache, report, by)
                if COPIES not in run.all_relevances and not cache.backbone.refusal:
                    measure_copies(run, dataset, settings, cache, report)
            except Cancelled:
                log.info("stopped measuring the baselines on request")
            finally:
                jobs.forget_stop(run.folder)
                run.update(stage="", done=0, total=0)
    except (RunError, OSError) as error:  # deleted meanwhile, or taken up by another process
        _log.warning("baselines of run %s: %s", run.id, error)


def measure_copies(
    run: Run,
    dataset: RetrievalDataset,
    settings: Settings,
    cache: FeatureCache,
    on_progress: StageProgress = ignore_progress,
) -> None:
    """Find edited images with a run, and with the baselines; stored as the relevance `copies`.

    Raises:
        RunError: the codes cannot be read, or the run cannot encode images.
        Cancelled: `on_progress` raises it.
    """
    evaluate_run(run, dataset, settings, cache, on_progress, COPIES)
    measure_baselines(run.spec, dataset, settings, cache, on_progress, COPIES)


def features_of(prepared: PreparedRun, rows: Indices, on_progress: StageProgress) -> Features:
    """Features (n, d) of all images; where the backbone has learned, those of other rows are 0."""
    if prepared.trunk is None:
        return prepared.features
    features = np.zeros((len(prepared.dataset), prepared.trunk.backbone.dim), np.float32)
    features[rows] = embed(
        prepared.trunk.backbone,
        prepared.dataset,
        rows,
        lambda done, total: on_progress("encoding", done, total),
    )
    return features


def _reporting(run: Run, on_progress: StageProgress) -> StageProgress:
    """Pass progress on, write it into the run a few times per second, and obey a stop."""
    note = jobs.Reporter(run.folder, f"run {run.id}", run.update)

    def report(stage: str, done: int, total: int) -> None:
        on_progress(stage, done, total)
        note(done, total)

    return report


def encode(method: HashMethod, features: Features, *rows: Indices) -> list[HashCodes]:
    """Codes of each set of images by the network."""
    return [method.encode_rows(features, some) for some in rows]
