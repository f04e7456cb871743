"""Half-labelled and unlabelled data sets on the pages: what is counted, found and left out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.datasets.dataset import load_dataset
from pipeline.index.publish import publish
from pipeline.index.store.opening import open_store
from pipeline.ingest.import_jobs import create_job, execute_job
from pipeline.ingest.request import ImportRequest
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, texts, train
from tests.factories import half_labelled, unlabelled, write_images

_COUNTED = "20 of 40 images have a class label; measured on those."


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`halves` and `bare`, each with a published run; the second run of `halves` has no index."""
    root = tmp_path_factory.mktemp("partly")
    settings = Settings(home=root / "home", threads=1)
    half_labelled(root / "halves", settings)
    unlabelled(settings)
    store = open_store(None, settings.index_path)
    for name in ("halves", "bare"):
        publish(train(settings, name), load_dataset(name, settings), store)
    store.close()
    train(settings, "halves", method="lsh", bits=8)
    return settings.home


@pytest.mark.parametrize("page", ["leaderboard", "curves", "advisor", "failures", "compare"])
def test_pages_that_leave_images_out_say_how_many(open_app: OpenApp, home: Path, page: str):
    app = open_app(home, page, ds="halves")

    assert not app.exception
    assert _COUNTED in texts(app).replace("\\", "")


def test_search_finds_all_images_and_marks_those_without_a_label_as_unknown(
    open_app: OpenApp, home: Path
):
    app = open_app(home, "search", ds="halves", k="200")

    assert not app.exception
    said = texts(app).replace("\\", "")
    assert "39 images searched · index of all 40 imported images" in said
    assert f"{_COUNTED} Results without one are marked as unknown and not counted." in said


def test_search_of_unlabelled_images_finds_all(open_app: OpenApp, home: Path):
    app = open_app(home, "search", ds="bare", k="200")

    assert not app.exception
    assert "29 images searched · index of all 30 imported images" in texts(app)


@pytest.mark.parametrize("dataset", ["halves", "bare"])
def test_the_split_filter_finds_queries(open_app: OpenApp, home: Path, dataset: str):
    found = texts(open_app(home, "search", ds=dataset, k="200", **{"in": "Queries"}))

    n_queries = {"halves": 4, "bare": 6}[dataset]
    assert f"**{n_queries - 1} nearest**" in found


def test_runs_with_indexes_of_different_images_are_compared_on_the_database(
    open_app: OpenApp, home: Path, tmp_path: Path
):
    own = shutil.copytree(home, tmp_path / "home")
    settings = Settings(home=own)
    run = train(settings, "halves", bits=16)
    store = open_store(None, settings.index_path)
    publish(run, load_dataset("halves", settings), store, images="database")
    store.close()

    app = open_app(own, "compare", ds="halves")

    assert not app.exception
    overlap = next(one.value for one in app.metric if one.label.startswith("Overlap"))
    assert overlap == "16 of 24"  # all of the database, of 24 asked for


def test_a_check_counts_images_without_a_label(open_app: OpenApp, home: Path, tmp_path: Path):
    folder = write_images(tmp_path / "images")
    files = sorted(path.relative_to(folder) for path in folder.rglob("*.*"))
    lines = [f"{path},{path.parent if number % 4 else ''}" for number, path in enumerate(files)]
    (folder / "labels.csv").write_text("\n".join(["file,kind", *lines]), "utf-8")
    settings = Settings(home=home)
    request = ImportRequest(source=str(folder), name="new", reading={"layout": "table"})
    job = create_job(request, "check", settings)
    execute_job(job, settings)

    app = open_app(home, "import", job=job.id)

    assert not app.exception
    assert "30 of 40 images have a" in " ".join(one.value for one in app.info)
