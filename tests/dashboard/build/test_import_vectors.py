"""Own vectors on the Import page, and a data set made of them on every other page."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from dashboard.services.own_vectors import plan_of_files
from pipeline.datasets.dataset import load_dataset
from pipeline.settings import Settings
from pipeline.stored_features import own_vectors
from pipeline.vectors.importing import plan_vectors, store_vectors
from pipeline.vectors.request import VectorsRequest
from tests.dashboard.pages import OpenApp, button, png, texts, train


def npy(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def form(app, target: str, content: bytes, name: str = "v.npy"):
    """The form filled in with an uploaded file."""
    app.selectbox(key="vectors_dataset").set_value(target).run()
    app.text_input(key="vectors_name").set_value("mine")
    app.file_uploader(key="vectors_file").upload(name, content, "application/octet-stream").run()
    return app


def test_vectors_are_checked_and_then_imported(open_app: OpenApp, own_home: Path, rng) -> None:
    settings = Settings(home=own_home)
    dataset = load_dataset("shapes", settings)
    app = open_app(own_home, "import", **{"from": "Own vectors"})
    assert button(app, "Check").disabled

    form(app, "shapes", npy(rng.normal(size=(len(dataset), 5))))
    button(app, "Check").click().run()

    assert f"{len(dataset)} vectors of 5 dimensions" in texts(app)
    assert "No ids: taken in the order of the images" in texts(app)
    assert "vectors:mine" not in own_vectors(settings)
    button(app, "Import").click().run()
    assert "vectors:mine" in own_vectors(settings)
    assert not app.exception


def test_what_is_wrong_is_said_and_nothing_is_stored(open_app: OpenApp, own_home: Path) -> None:
    app = open_app(own_home, "import", **{"from": "Own vectors"})

    form(app, "shapes", npy(np.ones((3, 5))))
    button(app, "Check").click().run()

    assert "3 vectors without ids" in texts(app)
    assert not any(one.label == "Import" for one in app.button)


def test_the_name_of_an_uploaded_file_leads_nowhere(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "library")
    request = VectorsRequest(dataset="sift", source="x", name="v", new=True)

    plan = plan_of_files(
        request, ("../../up.npy", npy(np.eye(6))), ("..\\ids.txt", b"a\nb\nc\nd\ne\nf"), settings
    )

    assert plan.dataset.manifest["image_id"].tolist() == list("abcdef")
    assert plan.about.source == "up.npy"


@pytest.fixture(scope="module")
def vectors_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with a data set made of vectors and a run on it; not to be changed."""
    folder = tmp_path_factory.mktemp("vectors")
    settings, rng = Settings(home=folder / "library"), np.random.default_rng(0)
    classes = np.repeat(np.arange(4), 20)
    vectors = rng.normal(size=(4, 16))[classes] + rng.normal(size=(80, 16)) / 3
    np.savez(folder / "v.npz", vectors=vectors, labels=classes)
    request = VectorsRequest(dataset="sift", source=str(folder / "v.npz"), name="v", new=True)
    store_vectors(plan_vectors(request, settings), settings)
    train(settings, "sift", backbone="vectors:v", bits=8)
    return settings.home


@pytest.mark.parametrize(
    "page",
    [
        *("overview", "search", "compare", "browse", "codes", "leaderboard", "curves"),
        *("failures", "advisor", "import", "train", "runs", "report", "status"),
    ],
)
def test_every_page_works_on_a_data_set_made_of_vectors(
    open_app: OpenApp, vectors_home: Path, page: str
) -> None:
    app = open_app(vectors_home, page, ds="sift")

    assert not app.exception
    assert "cannot be read" not in texts(app)


def test_own_vectors_can_be_trained_on(open_app: OpenApp, vectors_home: Path) -> None:
    app = open_app(vectors_home, "train", ds="sift")

    assert app.selectbox(key="backbone").options == ["own vectors: v"]  # no network has pictures


def test_an_uploaded_image_is_refused_with_what_to_do(
    open_app: OpenApp, vectors_home: Path
) -> None:
    app = open_app(vectors_home, ds="sift")

    app.file_uploader(key="upload_file").upload("mine.png", png()).run()

    assert not app.exception
    assert "vectors:v are vectors imported without a network" in texts(app)
    assert "train one on a network that is here" in texts(app)  # the same vectors would not help
