"""Import jobs: a dry run or an import in a process of its own, watched through files.

The dry run of a small file is done by a thread instead, one at a time: a process needs longer to
start than such a check takes. Both are watched, stopped and found lost in the same way.

imports/<id>/request.json  what was asked, never changed
imports/<id>/status.json   state, progress, error
imports/<id>/plan.json     what a dry run found

The rest is that of any job (pipeline/jobs.py).
"""

from __future__ import annotations

import logging
import re
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict

from models.errors import Cancelled
from pipeline.ingest.archives import is_archive
from pipeline.ingest.dry_run import Plan
from pipeline.ingest.importing import execute_import, open_request, plan_import
from pipeline.ingest.ingest import discard_import
from pipeline.ingest.request import ImportRequest
from pipeline.jobs import (
    HEARTBEAT,
    LOST_AFTER_S,
    JobError,
    Reporter,
    beating,
    is_silent,
    read,
    request_stop,
    write,
)
from pipeline.launching import launch
from pipeline.settings import Settings

Kind = Literal["check", "import"]
State = Literal["queued", "running", "done", "failed", "stopped", "lost"]
LIVE: tuple[State, ...] = ("queued", "running")
_START_WITHIN_S = 300.0  # a loaded machine takes long to start a process
_KEEP_S = 7 * 24 * 3600
_SMALL_BYTES = 16_000_000  # of an archive that a thread checks
_thread_is_free = threading.Lock()
_log = logging.getLogger(__name__)
_ID = re.compile(r"[0-9a-f]{16}")


class JobStatus(BaseModel):
    """Status of a job.

    Attributes:
        done: images looked at, of `total`.
        error: why it failed.
        dataset: data set that the import made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    state: State = "queued"
    done: int = 0
    total: int = 0
    error: str = ""
    dataset: str = ""
    started: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class ImportJob:
    """One job's folder."""

    folder: Path

    @property
    def id(self) -> str:
        """Identifier: the folder's name."""
        return self.folder.name

    def request(self) -> ImportRequest:
        """Read the request of the job.

        Raises:
            JobError: the file is damaged.
        """
        return read(self.folder / "request.json", ImportRequest)

    def status(self) -> JobStatus:
        """Status of the job; `lost` when its process has died.

        Raises:
            JobError: the file is damaged.
        """
        status = read(self.folder / "status.json", JobStatus)
        limit_s = _START_WITHIN_S if status.state == "queued" else LOST_AFTER_S
        is_lost = status.state in LIVE and is_silent(self.folder / HEARTBEAT, limit_s)
        return status.model_copy(update={"state": "lost"}) if is_lost else status

    def plan(self) -> Plan:
        """Read the plan that the dry run made.

        Raises:
            JobError: it has not ended well, or the file is damaged.
        """
        return read(self.folder / "plan.json", Plan)

    def request_stop(self) -> None:
        """Ask the process to stop at its next image."""
        request_stop(self.folder)

    def update(self, **changes: object) -> None:
        """Replace fields of the status; for the executing process."""
        status = read(self.folder / "status.json", JobStatus).model_copy(update=changes)
        write(self.folder / "status.json", status, durable=False)


def create_job(request: ImportRequest, kind: Kind, settings: Settings) -> ImportJob:
    """A new queued job. Jobs of last week are removed."""
    root = jobs_path(settings)
    root.mkdir(parents=True, exist_ok=True)
    for old in root.iterdir():
        if time.time() - old.stat().st_mtime > _KEEP_S:
            shutil.rmtree(old, ignore_errors=True)
    work = root / f".{uuid4().hex}"
    work.mkdir()
    write(work / "request.json", request)
    write(work / "status.json", JobStatus(kind=kind))
    (work / HEARTBEAT).touch()
    return ImportJob(work.rename(root / uuid4().hex[:16]))


def open_job(job_id: str, settings: Settings) -> ImportJob:
    """The job called `job_id`.

    Raises:
        JobError: there is none.
    """
    folder = jobs_path(settings) / job_id
    if not (_ID.fullmatch(job_id) and (folder / "status.json").is_file()):
        raise JobError(f"there is no import {job_id!r}; it may have been removed after a week")
    return ImportJob(folder)


def start_job(job: ImportJob, settings: Settings) -> None:
    """Execute a job in a process that outlives this one, or in a thread if it is a small check."""
    if _is_small_check(job) and _thread_is_free.acquire(blocking=False):
        threading.Thread(target=_check_here, args=(job, settings), daemon=True).start()
    else:
        launch(("datasets", "work", job.id), settings, job.folder / "log.txt")


def _is_small_check(job: ImportJob) -> bool:
    request = job.request()
    path = Path(request.source)
    if job.status().kind != "check" or request.is_built_in or not path.is_file():
        return False
    try:
        return path.stat().st_size <= _SMALL_BYTES and is_archive(path)
    except OSError:
        return False  # the process says what is wrong with it


def _check_here(job: ImportJob, settings: Settings) -> None:
    """Execute a check; the status says how it ended, and nobody is there to raise to."""
    try:
        execute_job(job, settings)
    except Exception:
        _log.info("check %s did not end well", job.id, exc_info=True)
    finally:
        _thread_is_free.release()


def execute_job(job: ImportJob, settings: Settings) -> None:
    """Do what a job asks, writing progress; a failure is recorded and raised.

    A stopped import leaves nothing in the library.

    Raises:
        Cancelled: someone asked to stop.
        DatasetError, OSError: as for `plan_import` and `execute_import`.
    """
    request, began = job.request(), time.time()
    kind = job.status().kind
    job.update(state="running", started=began)
    try:
        with beating(job.folder / HEARTBEAT):
            report = Reporter(job.folder, f"import {job.id}", job.update)
            if kind == "check":
                plan = plan_import(request, settings, report)
                write(job.folder / "plan.json", plan)
            else:
                dataset = execute_import(request, settings, report)
                job.update(dataset=dataset.info.name)
                _forget_upload(request, settings)
        job.update(state="done", seconds=time.time() - began)
    except Cancelled:
        if kind == "import" and not request.into:
            discard_import(open_request(request, settings).source.name, settings)
        job.update(state="stopped", seconds=time.time() - began)
        raise
    except BaseException as error:
        job.update(state="failed", error=str(error) or type(error).__name__)
        raise


def jobs_path(settings: Settings) -> Path:
    """Folder of all jobs."""
    return settings.home / "imports"


def uploads_path(settings: Settings) -> Path:
    """Folder of uploaded archives, one sub-folder each; absolute for other processes."""
    return settings.home.resolve() / "uploads"


def _forget_upload(request: ImportRequest, settings: Settings) -> None:
    """An uploaded archive is not needed once it is imported."""
    folder = Path(request.source).parent
    if folder.parent == uploads_path(settings):
        shutil.rmtree(folder, ignore_errors=True)
