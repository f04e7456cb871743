"""A run goes to a folder or a repository, and comes back as it was."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.index.search import stored_query
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.settings import Settings
from pipeline.sharing.run_bundle import BundleError, missing_dataset, pull, push
from pipeline.sums import check_sum
from tests.factories import spec


@pytest.fixture
def elsewhere(tmp_path: Path) -> Settings:
    """A library without anything."""
    settings = Settings(home=tmp_path / "elsewhere", threads=1)
    settings.runs_path.mkdir(parents=True)
    return settings


def test_a_run_comes_back_as_it_was(done_run, own_library, elsewhere, shapes, tmp_path):
    assert push(done_run, str(tmp_path / "bundle")) == str(tmp_path / "bundle")

    pulled = pull(str(tmp_path / "bundle"), elsewhere)

    assert pulled.id == done_run.id
    assert pulled.spec == done_run.spec
    assert pulled.report() == done_run.report()
    for part in ("query", "database"):
        (codes, rows), (before, before_rows) = pulled.load_codes(part), done_run.load_codes(part)
        assert np.array_equal(codes.packed, before.packed)
        assert np.array_equal(rows, before_rows)
    assert pulled.status().host == ""
    assert check_sum(pulled.folder / "model" / "weights.safetensors")
    assert check_sum(pulled.folder / "codes" / "query.npz")
    assert "shapes" in missing_dataset(pulled, elsewhere)
    shutil.copytree(own_library.datasets_path, elsewhere.datasets_path)
    assert missing_dataset(pulled, elsewhere) == ""
    backbone, method = pulled.load_backbone(), pulled.load_method()
    encoded = method.encode(backbone.embed([shapes.load_image(3)]))
    assert np.array_equal(encoded.packed, stored_query(done_run, 3).code.packed)


def test_the_card_says_what_the_run_is(done_run, tmp_path):
    push(done_run, str(tmp_path / "bundle"))

    card = (tmp_path / "bundle" / "README.md").read_text("utf-8")

    assert card.startswith("---\nlibrary_name: hashlens\n")
    assert "# ITQ · 16 bits on shapes" in card
    assert "Y. Gong" in card
    assert f"| mAP | {done_run.report().map:.3f} |" in card
    assert "8 queries, 32 images." in card
    files = {path.name for path in (tmp_path / "bundle").rglob("*") if path.is_file()}
    assert not {"log.txt", "heartbeat", "index.json"} & files


def test_nothing_is_written_over_and_nothing_half_taken(done_run, own_library, elsewhere, tmp_path):
    bundle = tmp_path / "bundle"
    push(done_run, str(bundle))
    with pytest.raises(BundleError, match="is there already; choose another folder"):
        push(done_run, str(bundle))
    with pytest.raises(BundleError, match=f"the run {done_run.id} is here already"):
        pull(str(bundle), own_library)
    (bundle / "model" / "weights.safetensors").write_bytes(b"no weights")
    with pytest.raises(RunError):
        pull(str(bundle), elsewhere)
    with pytest.raises(BundleError, match=r"spec\.json and run\.json are missing"):
        pull(str(tmp_path), elsewhere)
    assert not list(elsewhere.runs_path.iterdir())
    queued = RunRegistry(own_library).create(spec(bits=8))
    with pytest.raises(RunError, match="only finished runs"):
        push(queued, str(tmp_path / "other"))


def test_names_in_a_bundle_lead_nowhere(done_run, elsewhere, tmp_path):
    bundle = tmp_path / "bundle"
    push(done_run, str(bundle))
    for file, field, value in (
        ("run.json", "created", "../../../x"), ("spec.json", "method", "../../itq"),
    ):  # fmt: skip
        path = bundle / file
        before = path.read_text("utf-8")
        path.write_text(json.dumps({**json.loads(before), field: value}), "utf-8")
        with pytest.raises(BundleError, match="holds no run"):
            pull(str(bundle), elsewhere)
        path.write_text(before, "utf-8")
    secret = tmp_path / "secret.json"
    secret.write_text("{}", "utf-8")
    (bundle / "report-secret.json").symlink_to(secret)
    pulled = pull(str(bundle), elsewhere)
    assert not (pulled.folder / "report-secret.json").exists()


def _stand_in(monkeypatch: pytest.MonkeyPatch, **functions: Any) -> None:
    """Take the place of the hub's package, whether it is installed or not."""
    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(**functions))
    monkeypatch.setattr("pipeline.ingest.hub.find_spec", lambda name: name)


def test_a_repository_is_written_and_read_through_the_hub(
    done_run, elsewhere, tmp_path, monkeypatch
):
    hub = tmp_path / "hub"

    class Api:
        def create_repo(self, name: str, *, exist_ok: bool) -> None:
            assert exist_ok
            (hub / name).parent.mkdir(parents=True, exist_ok=True)

        def upload_folder(self, *, repo_id: str, folder_path: Path, commit_message: str) -> None:
            assert done_run.id in commit_message
            shutil.copytree(folder_path, hub / repo_id)

    def download(name: str, *, local_dir: str, allow_patterns: list[str]) -> None:
        assert "model/*" in allow_patterns
        shutil.copytree(hub / name, local_dir, dirs_exist_ok=True)

    _stand_in(monkeypatch, HfApi=Api, snapshot_download=download)

    assert push(done_run, "hf://ann/codes") == "https://huggingface.co/ann/codes"
    card = (hub / "ann/codes/README.md").read_text("utf-8")
    assert "\nhashlens pull hf://ann/codes\n" in card
    assert pull("hf://ann/codes", elsewhere).report() == done_run.report()


def test_a_hub_without_its_package_is_named(done_run, elsewhere, monkeypatch):
    monkeypatch.setattr("pipeline.ingest.hub.find_spec", lambda name: None)

    for refused in (
        lambda: push(done_run, "hf://ann/codes"), lambda: pull("hf://ann/codes", elsewhere),
    ):  # fmt: skip
        with pytest.raises(BundleError, match="run: pip install -r requirements-networks"):
            refused()


def test_a_hub_that_cannot_be_reached_is_named(done_run, elsewhere, monkeypatch):
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("no route")

    _stand_in(monkeypatch, HfApi=fail, snapshot_download=fail)
    told = r"hf://ann/codes cannot be reached [(]RuntimeError: no route[)]; go online"
    with pytest.raises(BundleError, match=f"{told}, or load its files"):
        pull("hf://ann/codes", elsewhere)
    with pytest.raises(BundleError, match=f"{told}, sign in"):
        push(done_run, "hf://ann/codes")
