"""Data sets of the Hugging Face Hub, with a stand-in for the hub itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.hub import downloaded, is_on_hub
from pipeline.ingest.importing import execute_import
from pipeline.ingest.request import ImportRequest
from pipeline.settings import Settings
from tests.factories import write_images

hub = pytest.importorskip("huggingface_hub", reason="requirements-networks.txt is not installed")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[object, ...]]:
    """What the hub was asked for; it gives class folders."""
    calls: list[tuple[object, ...]] = []
    source = write_images(tmp_path / "on the hub", per_class=3)

    def give(name: str, *, repo_type: str, revision: str | None, local_dir: Path) -> str:
        calls.append((name, repo_type, revision))
        shutil.copytree(source, local_dir, dirs_exist_ok=True)
        return str(local_dir)

    monkeypatch.setattr(hub, "snapshot_download", give)
    return calls


@pytest.mark.parametrize(
    ("address", "call", "folder"),
    [
        ("hf://ann/pets", ("ann/pets", "dataset", None), "pets"),
        ("hf://datasets/ann/pets/", ("ann/pets", "dataset", None), "pets"),
        ("hf://ann/pets@refs/pr/1", ("ann/pets", "dataset", "refs/pr/1"), "pets@refs-pr-1"),
    ],
)
def test_an_address_names_repository_and_revision(
    asked: list[tuple[object, ...]], tmp_path: Path, address: str, call: object, folder: str
) -> None:
    assert downloaded(address, tmp_path / "downloads").name == folder
    assert asked == [call]


def test_a_data_set_of_the_hub_is_imported_as_its_folder(asked, settings: Settings) -> None:
    dataset = execute_import(ImportRequest(source="hf://ann/pets", yes=True), settings)

    assert (dataset.info.name, len(dataset)) == ("pets", 12)
    assert len(dataset.label_set().classes) == 4


@pytest.mark.parametrize("address", ["hf://pets", "hf://", "hf://a/b/c", "hf://a/b@"])
def test_what_is_no_address_is_refused(address: str, tmp_path: Path) -> None:
    assert is_on_hub(address)
    with pytest.raises(DatasetError, match="write hf://USER/NAME"):
        downloaded(address, tmp_path)


def test_offline_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> str:
        raise RuntimeError("no route\nand more")

    monkeypatch.setattr(hub, "snapshot_download", offline)

    with pytest.raises(DatasetError, match=r"[(]RuntimeError: no route[)]; go online, or load"):
        downloaded("hf://ann/pets", tmp_path)
