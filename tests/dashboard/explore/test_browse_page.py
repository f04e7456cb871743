"""Browse in every state, in process."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import access
from pipeline.annotations.tags import Tags
from pipeline.annotations.verdicts import Verdicts
from pipeline.datasets.dataset import list_datasets, load_dataset
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.dashboard.pages import (
    HOSTILE,
    OpenApp,
    button,
    texts,
)
from tests.layout_writers import put


def downloads(app: AppTest) -> list[str]:
    return [one.label for one in app.get("download_button")]


def test_verdicts_can_be_downloaded_once_there_are_any(open_app: OpenApp, own_home: Path):
    settings = Settings(home=own_home)
    app = open_app(own_home, "browse")
    assert "Verdicts as CSV (0)" in downloads(app)
    dataset = load_dataset("shapes", settings)
    sha256 = dataset.manifest["sha256"].iloc[0]
    Verdicts.of("shapes", dataset.info.label_sets[0].name, settings).set_verdict(
        sha256, "", "unsure"
    )

    assert "Verdicts as CSV (1)" in downloads(app.run())


def test_browse_shows_images_filters_and_the_split(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "browse")

    assert not app.exception
    assert "**60 images** :gray[· of 60 · protocol holdout, seed 0" in texts(app)
    assert app.get("vega_lite_chart")[0].proto.alt == (
        "Images of the 3 most frequent classes; a click filters."
    )


def test_browse_filters_by_class_and_text_from_the_address_bar(
    open_app: OpenApp, shared_home: Path
):
    by_class = open_app(shared_home, "browse", **{"class": "squares"})
    assert "**20 images**" in texts(by_class)

    by_class.text_input(key="text").set_value("squares 03").run()
    assert "**1 image**" in texts(by_class)

    by_class.text_input(key="text").set_value("nothing like it").run()
    assert not by_class.exception
    assert "No images match" in by_class.info[0].value


def test_images_are_chosen_tagged_filtered_and_freed_of_the_tag(open_app: OpenApp, own_home: Path):
    app = open_app(own_home, "browse")
    app.toggle(key="choosing").set_value(True).run()
    button(app, "All shown").click().run()
    assert "60 images selected" in texts(app)
    button(app, "None").click().run()
    assert button(app, "Add tag").disabled

    dataset = load_dataset("shapes", Settings(home=own_home))
    app.session_state[f"chosen_{dataset.info.fingerprint}"].update({"2", "5"})
    app.selectbox(key="tag_to_put").set_value("review").run()
    button(app, "Add tag").click().run()

    assert not app.exception
    tags = Tags.of("shapes", Settings(home=own_home))
    rows = dataset.manifest["sha256"]
    assert tags.all() == {rows[2]: ("review",), rows[5]: ("review",)}
    app = open_app(own_home, "browse", tag="review")
    assert "**2 images**" in texts(app)

    app.toggle(key="choosing").set_value(True).run()
    button(app, "All shown").click().run()
    app.selectbox(key="tag_to_put").set_value("review").run()
    button(app, "Remove tag").click().run()

    assert not app.exception
    assert tags.all() == {}
    assert "**60 images**" in texts(app)


def test_a_link_to_a_tag_that_is_gone_shows_all_images(open_app: OpenApp, own_home: Path):
    assert "**60 images**" in texts(open_app(own_home, "browse", tag="gone"))
    Tags.of("shapes", Settings(home=own_home)).put(["a" * 64], "<b>odd</b> $x$")

    app = open_app(own_home, "browse", tag="gone")

    assert not app.exception
    assert "**60 images**" in texts(app)


def test_damaged_tags_are_a_problem_not_a_crash(open_app: OpenApp, own_home: Path):
    put(own_home, "tags/shapes.json", b"[")

    app = open_app(own_home, "browse")

    assert not app.exception
    assert "cannot be read" in app.error[0].proto.title
    assert "60 images" in texts(app)


def test_browse_of_an_empty_library_names_the_command(open_app: OpenApp, tmp_path: Path):
    app = open_app(tmp_path / "nothing", "browse")

    assert not app.exception
    assert "python -m pipeline demo" in app.code[0].value


def test_browse_of_a_damaged_data_set_is_a_problem_not_a_crash(open_app: OpenApp, own_home: Path):
    (own_home / "datasets" / "shapes" / "manifest.parquet").write_bytes(b"damaged")

    app = open_app(own_home, "browse")

    assert not app.exception
    assert app.error[0].proto.title == "This data set cannot be opened."


def test_a_data_set_gets_another_title(open_app: OpenApp, own_home: Path):
    app = open_app(own_home, "browse")

    app.text_input(key="browse_title").set_value("My <b>shapes</b>").run()
    button(app, "Rename").click().run()

    assert not app.exception
    assert load_dataset("shapes", Settings(home=own_home)).info.title == "My <b>shapes</b>"


def test_deleting_asks_and_says_what_goes_along(open_app: OpenApp, own_home: Path):
    settings = Settings(home=own_home)
    app = open_app(own_home, "browse")

    button(app, "Delete").click().run()
    assert "2 runs and 1 index" in texts(app)
    assert list_datasets(settings)
    button(app, "Delete for good").click().run()

    assert list_datasets(settings) == []
    assert RunRegistry(settings).all() == []


def test_a_data_set_that_cannot_be_deleted_is_kept_and_the_reason_shown(
    open_app: OpenApp, own_home: Path
):
    settings = Settings(home=own_home)
    run = RunRegistry(settings).all()[0]
    run.update(state="running")
    app = open_app(own_home, "browse")

    with run.claimed():
        button(app, "Delete").click().run()
        button(app, "Delete for good").click().run()

    assert app.error[0].proto.title == "The data set was not deleted."
    assert "is being executed" in texts(app)
    assert list_datasets(settings)


def test_names_of_files_never_become_markup_on_browse(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "browse", text="a.example")

    assert not app.exception
    assert "**1 image**" in texts(app)
    assert not any(HOSTILE in one.value for one in app.markdown)


def test_labels_from_a_table_become_another_label_set(open_app: OpenApp, own_home: Path):
    settings = Settings(home=own_home)
    ids = load_dataset("shapes", settings).manifest["image_id"].tolist()
    lines = [
        "file,size",
        *(f'"{name}",{"large" if i % 3 else "small"}' for i, name in enumerate(ids)),
    ]
    app = open_app(own_home, "browse")
    assert app.button(key="browse_add_labels").disabled

    app.file_uploader(key="browse_label_file").upload("t.csv", "\n".join(lines).encode()).run()
    app.button(key="browse_add_labels").click().run()

    assert not app.exception
    assert "60 of 60 images have a label in" in app.success[0].value
    assert any("evaluate RUN --labels 'size'" in one.value for one in app.code)
    sets = load_dataset("shapes", settings).info.label_sets
    assert [labels.name for labels in sets] == ["class", "size"]
    app.button(key="browse_add_labels").click().run()
    assert "which stays as it is" in app.error[0].value
    assert not app.run().error  # said once


def test_whoever_loses_a_role_can_no_longer_change_what_is_on_the_screen(
    open_app: OpenApp, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_app(own_home, "browse")
    app.text_input(key="browse_title").set_value("Renamed")
    monkeypatch.setattr(access, "role", lambda: "viewer")

    button(app, "Rename").click().run()

    assert [toast.value for toast in app.toast] == [
        "This needs the role operator; nothing was changed."
    ]
    assert "Renamed" not in (own_home / "datasets" / "shapes" / "dataset.json").read_text("utf-8")
