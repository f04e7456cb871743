"""Status in every state, in process."""

from __future__ import annotations

from pathlib import Path

from tests.dashboard.pages import OpenApp, texts


def test_status_of_an_empty_library_has_remedies(open_app: OpenApp, tmp_path: Path):
    app = open_app(tmp_path / "nothing", "status")

    assert not app.exception
    assert "python -m pipeline index publish" in texts(app)
    assert "python -m pipeline demo" in texts(app)


def test_status_shows_store_indexes_licence_and_versions(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "status")

    assert not app.exception
    page = texts(app)
    assert "embedded, in" in page
    assert "1 live, 48 codes" in page
    assert "as given by the owner of the files" in page
    assert "streamlit" in page
    assert app.dataframe[0].value["State"].tolist() == ["live"]
