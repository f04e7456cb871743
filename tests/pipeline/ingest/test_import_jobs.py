"""Import jobs: progress and results through files, stopped without a trace, survivors of kills."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from models.errors import Cancelled
from pipeline.datasets.dataset import DatasetError, list_datasets, load_dataset
from pipeline.ingest import import_jobs
from pipeline.ingest.import_jobs import (
    ImportJob,
    create_job,
    execute_job,
    open_job,
    start_job,
    uploads_path,
)
from pipeline.ingest.request import ImportRequest
from pipeline.jobs import LOST_AFTER_S, JobError
from pipeline.settings import Settings
from tests.factories import wait_until, write_images
from tests.layout_writers import class_folders, pictures, zipped


def job_of(folder: Path, settings: Settings, kind: str = "import") -> ImportJob:
    request = ImportRequest(source=str(folder), name="set")
    return create_job(request, kind, settings)  # type: ignore[arg-type]


def test_a_check_leaves_a_plan_and_nothing_in_the_library(
    image_folder: Path, settings: Settings
) -> None:
    job = job_of(image_folder, settings, "check")
    assert job.status().state == "queued"
    with pytest.raises(JobError, match=r"plan.json of job \w+ is damaged"):
        job.plan()

    execute_job(job, settings)

    status = open_job(job.id, settings).status()
    assert (status.state, status.done, status.total) == ("done", 40, 40)
    assert job.plan().info.n == 40
    assert not settings.datasets_path.exists()


def test_an_import_names_the_data_set_it_made(image_folder: Path, settings: Settings) -> None:
    job = job_of(image_folder, settings)

    execute_job(job, settings)

    assert (job.status().state, job.status().dataset) == ("done", "set")
    assert len(load_dataset("set", settings)) == 40


def test_a_stopped_import_leaves_no_trace(image_folder: Path, settings: Settings) -> None:
    job = job_of(image_folder, settings)
    job.request_stop()

    with pytest.raises(Cancelled):
        execute_job(job, settings)

    assert job.status().state == "stopped"
    left = [path.name for path in settings.datasets_path.iterdir() if path.suffix != ".lock"]
    assert left == []


def test_a_failure_is_told(tmp_path: Path, settings: Settings) -> None:
    job = job_of(tmp_path / "gone", settings)

    with pytest.raises(DatasetError):
        execute_job(job, settings)

    assert job.status().state == "failed"
    assert "gone is not a folder" in job.status().error


def test_a_job_whose_process_died_is_lost(image_folder: Path, settings: Settings) -> None:
    job = job_of(image_folder, settings)
    long_ago = time.time() - LOST_AFTER_S - 1
    os.utime(job.folder / "heartbeat", (long_ago, long_ago))
    assert job.status().state == "queued"  # starting a process may take a while

    job.update(state="running")

    assert job.status().state == "lost"


def test_an_uploaded_archive_goes_once_it_is_imported(tmp_path: Path, settings: Settings) -> None:
    folder = uploads_path(settings) / "token"
    folder.mkdir(parents=True)
    archive = zipped(class_folders(tmp_path / "set", pictures()), folder / "set.zip")

    execute_job(job_of(archive, settings, "check"), settings)
    assert archive.exists()
    execute_job(job_of(archive, settings), settings)

    assert not folder.exists()
    assert zipped(tmp_path / "set", tmp_path / "own.zip").exists()


@pytest.mark.parametrize("name", ["", "..", "0" * 16, "../runs", "x" * 16])
def test_unknown_jobs_are_refused(settings: Settings, name: str) -> None:
    with pytest.raises(JobError, match="there is no import"):
        open_job(name, settings)


def test_jobs_of_last_week_are_removed(image_folder: Path, settings: Settings) -> None:
    old = job_of(image_folder, settings)
    os.utime(old.folder, (0, 0))

    new = job_of(image_folder, settings)

    assert not old.folder.exists()
    assert new.folder.exists()


def test_a_job_runs_in_a_process_of_its_own_and_stops_there(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long enough to be caught in the middle: 2,000 images. This process works elsewhere."""
    monkeypatch.chdir(settings.home.parent)
    settings = settings.model_copy(update={"home": Path(settings.home.name)})
    job = job_of(write_images(tmp_path / "many", per_class=500), settings)

    start_job(job, settings)
    wait_until(lambda: job.status().done > 0)
    job.request_stop()
    wait_until(lambda: job.status().state != "running")

    assert job.status().state == "stopped"
    assert list_datasets(settings) == []
    assert not (settings.datasets_path / ".set.part").exists()


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of jobs that processes would have been started for; none is."""
    ids: list[str] = []
    monkeypatch.setattr(import_jobs, "launch", lambda words, *_: ids.append(words[-1]))
    return ids


def small_zip(tmp_path: Path) -> Path:
    return zipped(class_folders(tmp_path / "set", pictures()), tmp_path / "set.zip")


def test_a_small_file_is_checked_without_a_process(
    tmp_path: Path, settings: Settings, launched: list[str]
) -> None:
    job = job_of(small_zip(tmp_path), settings, "check")

    start_job(job, settings)
    wait_until(lambda: job.status().state == "done")

    assert job.plan().info.n == 12
    assert launched == []


def test_a_small_check_stops_and_fails_as_others_do_and_makes_room_for_the_next(
    tmp_path: Path, settings: Settings, launched: list[str]
) -> None:
    archive, damaged = small_zip(tmp_path), tmp_path / "damaged.zip"
    damaged.write_bytes(archive.read_bytes()[:200])
    stopped = job_of(archive, settings, "check")
    stopped.request_stop()
    outcomes = {}
    for job in (stopped, job_of(damaged, settings, "check"), job_of(archive, settings, "check")):
        wait_until(lambda: not import_jobs._thread_is_free.locked())
        start_job(job, settings)
        wait_until(lambda job=job: job.status().state not in ("queued", "running"))
        outcomes[job.id] = job.status()

    assert [status.state for status in outcomes.values()] == ["stopped", "failed", "done"]
    assert "damaged archive" in list(outcomes.values())[1].error
    assert launched == []


def test_all_but_one_small_check_at_a_time_gets_a_process(
    tmp_path: Path, image_folder: Path, settings: Settings, launched: list[str]
) -> None:
    archive, table = small_zip(tmp_path), tmp_path / "table.csv"
    table.write_text("path,label\nset/train/cat/000.png,cat\n")
    busy = [job_of(archive, settings, "check")]
    with import_jobs._thread_is_free:
        start_job(busy[0], settings)
    others = [
        job_of(archive, settings),  # an import must outlive the server
        job_of(image_folder, settings, "check"),
        job_of(table, settings, "check"),  # small, and may name many images
        job_of(tmp_path / "gone.zip", settings, "check"),
    ]
    for job in others:
        start_job(job, settings)

    assert launched == [job.id for job in busy + others]
