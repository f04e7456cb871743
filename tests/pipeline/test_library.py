"""Rename, export, delete: nothing is half done, and the dependents of a data set are known."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from pipeline.annotations.verdicts import Verdicts
from pipeline.datasets.dataset import DatasetError, list_datasets, load_dataset
from pipeline.deletions import delete_with_all, dependents_of
from pipeline.images import ImageError
from pipeline.index.publish import publish
from pipeline.index.store.base import StoreUnavailable
from pipeline.index.store.memory import MemoryCodeStore
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.sources import SourceRequest, open_source
from pipeline.library import export_dataset, rename_dataset
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.factories import imported
from tests.layout_writers import csv_table, pictures, with_many


def test_an_exported_data_set_comes_back_equal(tmp_path: Path, settings: Settings) -> None:
    root = csv_table(tmp_path / "set", with_many(pictures()))
    dataset = import_dataset(open_source("folder", SourceRequest(path=root)), settings)

    target = export_dataset(dataset, tmp_path / "set.zip")
    source = open_source("folder", SourceRequest(name="set", path=target))
    again = import_dataset(source, Settings(home=tmp_path / "other"))

    assert again.info.fingerprint == dataset.info.fingerprint
    assert again.info.label_sets == dataset.info.label_sets
    assert again.info.default_protocol == "given"
    assert not again.info.n_problems


def test_an_export_that_fails_leaves_no_file(tmp_path: Path, own_library: Settings) -> None:
    dataset = load_dataset("shapes", own_library)
    dataset.image_path(20).write_bytes(b"changed")

    with pytest.raises(ImageError, match="has changed"):
        export_dataset(dataset, tmp_path / "set.zip")

    assert [path for path in tmp_path.iterdir() if ".zip" in path.name] == []


@pytest.mark.parametrize("name", ["set.tar", "there.zip", "no/folder.zip"])
def test_an_export_goes_into_a_new_zip_only(
    tmp_path: Path, own_library: Settings, name: str
) -> None:
    (tmp_path / "there.zip").write_bytes(b"precious")

    with pytest.raises(DatasetError, match=r"must be a new .zip file"):
        export_dataset(load_dataset("shapes", own_library), tmp_path / name)

    assert (tmp_path / "there.zip").read_bytes() == b"precious"


def test_an_export_has_one_file_an_image_under_harmless_names(
    tmp_path: Path, own_library: Settings
) -> None:
    target = export_dataset(load_dataset("shapes", own_library), tmp_path / "set.zip")

    names = zipfile.ZipFile(target).namelist()
    assert len(names) == 41
    assert "metadata.jsonl" in names
    assert all(name.startswith("images/") for name in names if name != "metadata.jsonl")


def test_a_name_can_change_while_no_run_refers_to_it(
    image_folder: Path, settings: Settings
) -> None:
    imported(image_folder, settings)

    info = rename_dataset("shapes", settings, to="forms", title="Forms & more")

    assert [one.name for one in list_datasets(settings)] == ["forms"]
    assert load_dataset("forms", settings).info == info
    assert load_dataset("forms", settings).load_image(0).size == (24, 24)


def test_with_runs_only_the_title_can_change(own_library: Settings) -> None:
    with pytest.raises(DatasetError, match=r"1 runs refer to 'shapes', so its name stays"):
        rename_dataset("shapes", own_library, to="forms")

    assert rename_dataset("shapes", own_library, title="Forms").title == "Forms"
    assert load_dataset("shapes", own_library).info.title == "Forms"


def test_a_taken_or_hostile_name_is_refused(image_folder: Path, settings: Settings) -> None:
    imported(image_folder, settings)
    import_dataset(
        open_source("folder", SourceRequest(name="other", path=image_folder)), settings, again=True
    )

    with pytest.raises(DatasetError, match="there is a data set 'other' already"):
        rename_dataset("shapes", settings, to="other")
    with pytest.raises(DatasetError, match="must be 1 to 41"):
        rename_dataset("shapes", settings, to="../x")
    assert {info.name for info in list_datasets(settings)} == {"shapes", "other"}


def test_what_people_said_goes_with_a_renamed_data_set(
    image_folder: Path, settings: Settings
) -> None:
    digest = str(imported(image_folder, settings).manifest["sha256"].iloc[0])
    Verdicts.of("shapes", "class", settings).set_verdict(digest, digest, "relevant")
    (settings.home / "judging" / "forms").mkdir(parents=True)
    with pytest.raises(DatasetError, match=r"earlier data set 'forms' is kept in .*judging"):
        rename_dataset("shapes", settings, to="forms")
    (settings.home / "judging" / "forms").rmdir()

    rename_dataset("shapes", settings, to="forms")

    assert Verdicts.of("forms", "class", settings).current().keys() == {(digest, digest)}
    assert not (settings.home / "verdicts" / "shapes").exists()


def test_deleting_takes_runs_indexes_and_thumbnails_along(own_library: Settings) -> None:
    store, registry = MemoryCodeStore(), RunRegistry(own_library)
    publish(registry.all()[0], load_dataset("shapes", own_library), store)
    (own_library.home / "thumbs" / "shapes").mkdir(parents=True)
    assert str(dependents_of("shapes", own_library)) == "1 run and 1 index"

    delete_with_all("shapes", own_library, store)

    assert list_datasets(own_library) == []
    assert registry.all() == []
    assert store.collections() == []
    assert not (own_library.home / "thumbs" / "shapes").exists()
    assert own_library.features_path.is_dir()  # other data sets may share images


def test_a_data_set_is_kept_when_an_index_cannot_be_dropped(own_library: Settings) -> None:
    class Unreachable(MemoryCodeStore):
        def collections(self) -> list[str]:
            raise StoreUnavailable("no answer")

    with pytest.raises(StoreUnavailable):
        delete_with_all("shapes", own_library, Unreachable())

    assert load_dataset("shapes", own_library)
    assert RunRegistry(own_library).all()


def test_a_data_set_with_a_running_run_is_kept(own_library: Settings) -> None:
    run = RunRegistry(own_library).all()[0]
    run.update(state="running")

    wanted = pytest.raises(DatasetError, match=r"is being executed; stop it first")
    with run.claimed(), wanted:
        delete_with_all("shapes", own_library, MemoryCodeStore())

    assert load_dataset("shapes", own_library)
