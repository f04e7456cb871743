"""Experiments: what is there of the runs that somebody wants, and executing what is missing.

One rule for all commands. A run that fails has the reason in its status and is reported, and the
others go on. A stop, by Ctrl-C or of the run at hand, stops all; what is done is not done again, so
the same command resumes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from models.errors import Cancelled
from pipeline.datasets.dataset import load_dataset
from pipeline.evaluation.relevance import LABELS
from pipeline.logs import about
from pipeline.progress import StageProgress, ignore_progress
from pipeline.runs.control import RunBusy
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings
from pipeline.wording import percent

State = Literal["new", "done", "running", "queued"]
OutcomeState = Literal["done", "done before", "failed", "running"]
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Planned:
    """One run that is wanted, and what is there of it already."""

    spec: RunSpec
    state: State
    run: Run | None


@dataclass(frozen=True)
class Outcome:
    """Outcome of one run that was wanted.

    Attributes:
        number: number of this outcome, from 1.
        total: outcomes that there will be.
        state: whether it ran now, before, not to the end, or runs in another process.
        run: run that was executed.
    """

    number: int
    total: int
    state: OutcomeState
    run: Run

    @property
    def is_done(self) -> bool:
        """Whether it has a result, of now or before."""
        return self.state in ("done", "done before")

    @property
    def title(self) -> str:
        """The run for people."""
        return f"{self.run.spec.label} · seed {self.run.spec.seed}"

    @property
    def text(self) -> str:
        """The result, or the reason why there is none."""
        if self.state == "failed":
            return self.run.status().error or f"it was {self.run.state()}"
        if self.state == "running":
            return "in another process; the same command shows it once it is done"
        try:
            report = self.run.report()
        except RunError:
            return self.run.status().unmeasured or "not evaluated"
        seconds = report.timings.get("training_s")
        trained = "" if seconds is None else f", trained in {seconds:.1f} s"
        if report.relevance == LABELS:
            return f"mAP {percent(report.map)} %{trained}"
        kept = percent(report.value("neighbours_at_10"))
        return f"keeps {kept} % of the 10 nearest by features{trained}"


def plan(specs: Iterable[RunSpec], settings: Settings) -> list[Planned]:
    """Plan each spec: find the newest run that is done on the data set as it is now.

    Where none is done, one that is running or queued. The leaderboard shows the same ones. A spec
    that is wanted twice counts once.

    Raises:
        DatasetError: a data set is missing or damaged.
    """
    specs = list({spec.digest: spec for spec in specs}.values())
    registry = RunRegistry(settings)
    known: dict[str, tuple[State, Run | None]] = {}
    for name in {spec.dataset for spec in specs}:
        known |= _known_runs(registry, name, load_dataset(name, settings).info.same_images)
    return [Planned(spec, *known.get(spec.digest, ("new", None))) for spec in specs]


def find_lost(spec: RunSpec, settings: Settings) -> Run | None:
    """The newest run of a spec, queued again, if it failed while it trained.

    For several processes that train along: where one of them is killed, the others fail.
    """
    runs = (run for run in RunRegistry(settings).all() if run.spec.digest == spec.digest)
    newest = next(runs, None)
    if newest is None or newest.status().state != "failed" or not newest.checkpoints().epoch():
        return None
    newest.requeue()
    return newest


def run_missing(
    planned: Sequence[Planned],
    settings: Settings,
    *,
    name: str = "",
    on_start: Callable[[Run], None] = lambda run: None,
    on_outcome: Callable[[Outcome], None] = lambda outcome: None,
    on_progress: StageProgress = ignore_progress,
) -> list[Outcome]:
    """Execute here what is new, queued, or was left by a killed process; see the module's rule.

    Args:
        planned: runs that are wanted.
        settings: say where the library is.
        name: name that new runs share.
        on_start: called with each run before it is executed.
        on_outcome: called after each run.
        on_progress: called within a run with the stage, steps done and steps in all.

    Raises:
        Cancelled: it was stopped; the message says how many runs are done and how to go on.
    """
    outcomes: list[Outcome] = []
    for number, planned_run in enumerate(planned, 1):
        run = planned_run.run or RunRegistry(settings).create(planned_run.spec, name)
        try:
            state = _carried_out(run, settings, on_start, on_progress)
        except (Cancelled, KeyboardInterrupt) as stop:
            n_done = sum(outcome.is_done for outcome in outcomes)
            raise Cancelled(
                f"{n_done} of {len(planned)} runs are done; the same command resumes"
            ) from stop
        outcomes.append(Outcome(number, len(planned), state, run))
        on_outcome(outcomes[-1])
    return outcomes


def attempt(run: Run, settings: Settings, on_progress: StageProgress = ignore_progress) -> bool:
    """Execute a queued run; returns whether that went well. Its status says why it did not.

    Raises:
        Cancelled: someone asked it to stop.
        RunBusy: another process executes it, or has done so.
    """
    from pipeline.runs.execute import execute  # torch, which a plan does without

    with about(run=run.id):
        try:
            execute(run, settings, on_progress, only_queued=True)
        except (Cancelled, RunBusy):
            raise
        except Exception as error:
            _log.info("run %s failed", run.id, exc_info=True)
            if run.folder.exists() and run.status().state == "queued":  # before its start
                run.fail(error)
            return False
    return True


def _carried_out(
    run: Run,
    settings: Settings,
    on_start: Callable[[Run], None],
    on_progress: StageProgress,
) -> OutcomeState:
    """See to it that a run is done; how that went."""
    if run.status().state == "done":
        return "done before"
    run.recover()
    try:
        if run.status().state == "queued":
            on_start(run)
            return "done" if attempt(run, settings, on_progress) else "failed"
    except RunBusy:
        pass  # another process was faster
    status = run.status()
    if status.state in ("failed", "cancelled"):  # given up, or stopped where it was executed
        return "failed"
    return "done before" if status.state == "done" else "running"


def _known_runs(
    registry: RunRegistry, dataset: str, fingerprints: Sequence[str]
) -> dict[str, tuple[State, Run | None]]:
    """The runs on a data set that count as being there, by the digest of their spec."""
    known: dict[str, tuple[State, Run | None]] = {}
    for run in registry.all():
        state = run.status().state
        if run.stored.dataset == dataset and state in ("queued", "running"):
            known.setdefault(run.spec.digest, (state, run))
    done = registry.finished(*fingerprints)
    return known | {digest: ("done", run) for digest, run in done.items()}
