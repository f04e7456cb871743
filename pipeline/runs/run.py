"""Run: one run folder, with what only the process that executes the run may do to it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.errors import Cancelled
from pipeline import jobs
from pipeline.jobs import HEARTBEAT, beating
from pipeline.runs.control import RunBusy, RunControl, now_utc
from pipeline.runs.log import logging_to
from pipeline.runs.results import RunError
from pipeline.runs.status import error_text, provenance, resident_mb

if TYPE_CHECKING:  # torch, which lists of runs do without
    from models.method import EpochLog
    from pipeline.runs.checkpoints import FolderCheckpoints

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run(RunControl):
    """One run folder."""

    @contextmanager
    def started(self, *, only_queued: bool = False) -> Iterator[None]:
        """Queued -> running -> done, failed or cancelled, with times, log and error text.

        Args:
            only_queued: leave the run alone when another process was faster.

        Raises:
            RunBusy: another process executes it, or has done so.
            RunError: it is done; a run is repeated as a new one.
        """
        with self.claimed():
            state = self.status().state
            if only_queued and state != "queued":
                raise RunBusy(f"run {self.id} is {state}, not queued any more")
            if state == "done":
                raise RunError(f"run {self.id} is done already; repeat it as a new run")
            with beating(self.folder / HEARTBEAT), self._recorded():
                yield

    @contextmanager
    def _recorded(self) -> Iterator[None]:
        """Write each change of state into run.json, and the story into log.txt."""
        epoch = self.checkpoints().epoch()
        self.cut_history(epoch)
        facts = provenance() | {"attempts": self.status().attempts + 1, "started": now_utc()}
        self.update(state="running", finished="", error="", done=0, total=0, **facts)
        with logging_to(self.folder) as log:
            log.info(
                "started, attempt %d%s", facts["attempts"], f", from epoch {epoch}" * (epoch > 0)
            )
            try:
                yield
            except (Cancelled, KeyboardInterrupt):
                log.info("stopped on request")
                self.update(state="cancelled", finished=now_utc(), stage="")
                raise
            except BaseException as error:
                log.error("failed", exc_info=True)
                with suppress(OSError):  # on a full disk: the error says so, the run is `lost`
                    self.fail(error)
                raise
            else:
                (self.folder / "checkpoint").unlink(missing_ok=True)
                self.update(state="done", finished=now_utc(), stage="")
                log.info("done")
            finally:
                jobs.forget_stop(self.folder)  # obeyed, or too late

    def checkpoints(self) -> FolderCheckpoints:
        """Checkpoints of its training, kept until the run is done."""
        from pipeline.runs.checkpoints import FolderCheckpoints

        return FolderCheckpoints(self.folder / "checkpoint")

    def fail(self, error: BaseException) -> None:
        """End the run with the reason; for the executing process."""
        self.update(state="failed", finished=now_utc(), error=error_text(error), stage="")

    @contextmanager
    def stage(self, name: str, earlier_s: float = 0.0) -> Iterator[None]:
        """Name what is going on and store how long it took, with `earlier_s` of another attempt."""
        self.check_stop()
        self.update(stage=name, done=0, total=0)
        began = time.perf_counter()
        _log.info("%s", name)
        yield
        seconds = round(time.perf_counter() - began + earlier_s, 3)
        status = self.status()
        self.update(
            timings={**status.timings, name: seconds},
            memory_mb=max(status.memory_mb, resident_mb()),
        )

    def log_epoch(self, epoch: EpochLog, **measured: float) -> None:
        """Append one epoch to the history and beat the heart; the epoch callback of `fit`.

        Args:
            epoch: epoch as the method reports it.
            measured: values that the pipeline adds, for example `validation_map`.
        """
        record = {
            "epoch": epoch.epoch,
            "n_epochs": epoch.n_epochs,
            "seconds": round(epoch.seconds, 3),
            "terms": epoch.terms,
            **measured,
        }
        with (self.folder / "history.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        self.update(memory_mb=max(self.status().memory_mb, resident_mb()))
        self.check_stop()

    def adopt_dataset(self, fingerprint: str) -> None:
        """Note the content that the run is executed on; a checkpoint of other content goes."""
        if self.status().dataset_fingerprint not in ("", fingerprint):
            (self.folder / "checkpoint").unlink(missing_ok=True)
            self.cut_history(0)
        self.update(dataset_fingerprint=fingerprint)
