"""Runs in trackers, each with its local files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings
from pipeline.sharing.trackers import TrackerError, track
from tests.factories import spec

pytestmark = pytest.mark.filterwarnings("ignore")  # of the trackers, about themselves


@pytest.fixture
def trained(own_library: Settings) -> Run:
    """A run with two epochs."""
    run = RunRegistry(own_library).create(spec(method="dpsh", bits=8, config={"epochs": 2}))
    execute(run, own_library)
    return run


def test_tensorboard_has_losses_by_epoch_and_the_report(trained, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert track(trained, f"tensorboard:{tmp_path}") == 2

    read = EventAccumulator(str(tmp_path / trained.id)).Reload()
    name = next(iter(trained.history()[0]["terms"]))
    values = [event.value for event in read.Scalars(f"loss/{name}")]
    assert values == pytest.approx([line["terms"][name] for line in trained.history()])
    assert read.Scalars("report/map")[0].value == pytest.approx(trained.report().map)
    [settings] = read.Tensors("settings/text_summary")
    assert b"| config.epochs | 2 |" in settings.tensor_proto.string_val[0]


def test_mlflow_has_settings_losses_and_the_report(trained, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    address = (tmp_path / "mlruns").as_uri()

    track(trained, f"mlflow:{address}")

    client = mlflow.MlflowClient(address)
    [experiment] = client.search_experiments(filter_string="name = 'hashlens-shapes'")
    [run] = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.params["config.epochs"] == "2"
    assert run.data.metrics["map"] == pytest.approx(trained.report().map)
    name = next(iter(trained.history()[0]["terms"]))
    steps = client.get_metric_history(run.info.run_id, f"loss/{name}")
    assert [(one.step, one.value) for one in steps] == [
        (line["epoch"], pytest.approx(line["terms"][name])) for line in trained.history()
    ]
    assert [one.path for one in client.list_artifacts(run.info.run_id)] == ["report.json"]


def test_wandb_writes_files_offline(trained, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    for name, value in (
        ("WANDB_MODE", "offline"), ("WANDB_DIR", str(tmp_path)), ("WANDB_SILENT", "true"),
        ("WANDB_CACHE_DIR", str(tmp_path)), ("WANDB_CONFIG_DIR", str(tmp_path)),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)

    track(trained, "wandb:hashlens")

    [written] = (tmp_path / "wandb").glob("offline-run-*/run-*.wandb")
    assert trained.id.encode() in written.read_bytes()
    assert b"precision_at_10" in written.read_bytes()


def test_a_tracker_that_refuses_is_named(done_run: Run, tmp_path: Path, monkeypatch):
    pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    address = (tmp_path / "mlruns").as_uri()

    with pytest.raises(TrackerError, match=r"^mlflow:.* does not take the run: .*MLFLOW_"):
        track(done_run, f"mlflow:{address}")


def test_what_cannot_be_tracked_says_why(done_run: Run, own_library, tmp_path: Path, monkeypatch):
    with pytest.raises(TrackerError, match="'aim:x' is none of tensorboard:FOLDER"):
        track(done_run, "aim:x")
    with pytest.raises(TrackerError, match="none of"):
        track(done_run, "tensorboard")
    monkeypatch.setattr("pipeline.sharing.trackers.find_spec", lambda _: None)
    with pytest.raises(TrackerError, match=r"pip install -r requirements-trackers\.txt"):
        track(done_run, f"tensorboard:{tmp_path}")
    queued = RunRegistry(own_library).create(spec(bits=8))
    with pytest.raises(RunError, match="is queued; only finished runs"):
        track(queued, f"tensorboard:{tmp_path}")
    assert json.loads((done_run.folder / "run.json").read_text("utf-8"))["state"] == "done"
