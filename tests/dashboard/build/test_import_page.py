"""Import in every state, in process."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from dashboard.services import imports
from pipeline.datasets.dataset import list_datasets
from pipeline.ingest.dry_run import NearPair
from pipeline.ingest.import_jobs import ImportJob, create_job, execute_job, uploads_path
from pipeline.ingest.importing import execute_import, open_request
from pipeline.ingest.request import ImportRequest
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, button, draw_images, texts
from tests.layout_writers import (
    class_folders,
    csv_table,
    pictures,
    put,
    put_images,
    with_many,
    zipped,
)


def checked(home: Path, source: Path, kind: str = "check", **options: object) -> ImportJob:
    """A job that has been executed."""
    settings = Settings(home=home)
    request = ImportRequest.model_validate({"source": str(source), "name": "set", **options})
    job = create_job(request, kind, settings)  # type: ignore[arg-type]
    execute_job(job, settings)
    return job


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[ImportJob]:
    """Jobs that the page would have started; none is."""
    jobs: list[ImportJob] = []
    monkeypatch.setattr(imports, "start_job", lambda job, _settings: jobs.append(job))
    return jobs


def test_an_import_begins_with_an_empty_page_that_says_what_is_taken(
    open_app: OpenApp, tmp_path: Path
):
    app = open_app(tmp_path / "nothing", "import")

    assert not app.exception
    assert "Nothing is stored until you have seen" in texts(app)
    assert button(app, "Check").disabled


def test_a_built_in_source_is_checked_at_the_press_of_a_button(
    open_app: OpenApp, own_home: Path, started: list[ImportJob]
):
    app = open_app(own_home, "import", **{"from": "Built-in"})
    app.text_input(key="import_name").set_value("emoji").run()

    button(app, "Check").click().run()

    assert not app.exception
    request = started[0].request()
    assert (request.source, request.name) == ("openmoji", "emoji")
    assert started[0].status().kind == "check"
    assert app.query_params["job"] == started[0].id
    assert button(app, "Stop")


@pytest.mark.parametrize("text", ["", "/etc", "{allowed}/../secret", "{allowed}/link"])
def test_only_allowed_folders_of_the_server_are_read(
    open_app: OpenApp,
    own_home: Path,
    tmp_path: Path,
    started: list[ImportJob],
    monkeypatch: pytest.MonkeyPatch,
    text: str,
):
    allowed = tmp_path / "allowed"
    put(allowed, "a/1.png", b"x")
    put(tmp_path, "secret/1.png", b"x")
    (allowed / "link").symlink_to(tmp_path / "secret")
    monkeypatch.setenv("HASHLENS_IMPORT_ROOTS", str(allowed))
    app = open_app(own_home, "import", **{"from": "Folder on the server"})

    app.text_input(key="import_path").set_value(text.format(allowed=allowed)).run()
    if text:
        button(app, "Check").click().run()
        assert "is not inside an allowed folder" in app.error[0].value.replace("\\", "")

    assert not started
    with pytest.raises(imports.NotAllowed):
        imports.allowed_source(text.format(allowed=allowed), Settings(import_roots=(allowed,)))


def test_an_allowed_folder_is_checked(
    open_app: OpenApp,
    own_home: Path,
    tmp_path: Path,
    started: list[ImportJob],
    monkeypatch: pytest.MonkeyPatch,
):
    put(tmp_path / "allowed", "pets/cat/1.png", b"x")
    monkeypatch.setenv("HASHLENS_IMPORT_ROOTS", str(tmp_path / "allowed"))
    app = open_app(own_home, "import", **{"from": "Folder on the server"})

    app.text_input(key="import_path").set_value(f"{tmp_path}/allowed/pets").run()
    button(app, "Check").click().run()

    assert started[0].request().source == str(tmp_path / "allowed" / "pets")
    assert started[0].request().link_roots == (str((tmp_path / "allowed").resolve()),)


def test_a_link_inside_an_allowed_folder_may_not_lead_out_of_it(own_home: Path, tmp_path: Path):
    put(tmp_path, "secret.png", pictures(1)[0].content)
    put(tmp_path / "allowed", "pets/cat/1.png", pictures(2)[1].content)
    (tmp_path / "allowed" / "pets" / "cat" / "2.png").symlink_to(tmp_path / "secret.png")
    settings = Settings(home=own_home, import_roots=(tmp_path / "allowed",))
    request = ImportRequest(
        source=str(tmp_path / "allowed" / "pets"), link_roots=imports.allowed_roots(settings)
    )

    source = open_request(request, settings).source

    assert [item.image_id for item in source.items] == ["cat/1.png"]
    assert "leaves the folders allowed" in source.problems[0].reason


def test_without_allowed_folders_the_page_says_how_to_allow_some(open_app: OpenApp, own_home: Path):
    app = open_app(own_home, "import", **{"from": "Folder on the server"})

    assert "HASHLENS_IMPORT_ROOTS" in app.info[0].value


def test_a_check_shows_counts_charts_pictures_problems_and_the_command(
    open_app: OpenApp, own_home: Path, tmp_path: Path
):
    root = class_folders(tmp_path / "set", pictures(40))
    put(root, "train/cat/broken.png", b"broken")
    put(root, "train/cat/copy.png", pictures(40)[0].content)
    job = checked(own_home, root)

    app = open_app(own_home, "import", job=job.id)

    assert not app.exception
    numbers = {metric.label: metric.value for metric in app.metric}
    assert numbers["Images"] == "40"
    assert numbers["Rejected"] == "1"
    assert numbers["Duplicates"] == "1"
    assert numbers["Leaks"] == "1"
    assert app.warning[0].proto.title == "1 leak"
    assert "The same picture among the queries and in the training set" in texts(app)
    (pairs,) = (str(one.value) for one in app.html if "same picture" in str(one.value))
    assert re.findall(r"<b>(\w+)</b>", pairs) == ["query", "training"]
    assert pairs.count("data:image/webp;base64,") == 2
    assert "Looks like **class folders**" in texts(app)
    table = next(one.value for one in app.dataframe if "file" in one.value)
    assert table["file"].tolist() == ["train/cat/broken.png", "train/cat/copy.png"]
    alts = [chart.proto.alt for chart in app.get("vega_lite_chart")]
    assert any("the largest is" in alt for alt in alts)
    assert app.code[-1].value == f"python -m pipeline datasets import {root} --name set"
    assert button(app, "Import 40 images as set")
    assert [info.name for info in list_datasets(Settings(home=own_home))] == ["shapes"]


def test_columns_and_split_can_be_changed_and_are_checked_again(
    open_app: OpenApp, own_home: Path, tmp_path: Path, started: list[ImportJob]
):
    job = checked(own_home, csv_table(tmp_path / "set", with_many(pictures())))
    app = open_app(own_home, "import", job=job.id)

    labels = next(one for one in app.multiselect if one.label == "Label columns")
    assert labels.value == ["label"]
    next(one for one in app.selectbox if one.label == "Split column").set_value("")
    next(one for one in app.selectbox if one.label == "Split").set_value("stratified")
    next(one for one in app.number_input if one.label == "Seed").set_value(5)
    button(app, "Check again").click().run()

    assert not app.exception
    request = started[0].request()
    assert request.reading.label_columns == ("label",)
    assert request.reading.split_column == ""
    assert (request.split.how, request.split.seed) == ("stratified", 5)


def test_what_was_checked_is_what_is_imported(
    open_app: OpenApp, own_home: Path, tmp_path: Path, started: list[ImportJob]
):
    job = checked(own_home, class_folders(tmp_path / "set", pictures()))
    app = open_app(own_home, "import", job=job.id)

    button(app, "Import 12 images").click().run()

    assert started[0].status().kind == "import"
    assert started[0].request() == job.request()


def test_what_was_imported_becomes_the_chosen_data_set_once(
    open_app: OpenApp, own_home: Path, tmp_path: Path, started: list[ImportJob]
):
    job = checked(own_home, class_folders(tmp_path / "set", pictures()))
    app = open_app(own_home, "import", job=job.id)
    button(app, "Import 12 images").click().run()
    execute_job(started[0], Settings(home=own_home))

    app.run()
    assert not app.exception
    assert app.sidebar.selectbox(key="ds").value == "set"
    assert app.query_params["job"] == started[0].id
    app.sidebar.selectbox(key="ds").select("shapes").run()

    assert app.sidebar.selectbox(key="ds").value == "shapes"
    assert "is in the library" in app.success[0].proto.title


def test_content_that_is_here_already_needs_a_second_thought(
    open_app: OpenApp, own_home: Path, tmp_path: Path
):
    draw_images(tmp_path / "shapes")
    job = checked(own_home, tmp_path / "shapes")
    app = open_app(own_home, "import", job=job.id)

    assert "already here as shapes" in texts(app)
    assert button(app, "Import 60 images").disabled
    app.toggle(key="import_again").set_value(True).run()
    assert not button(app, "Import 60 images").disabled
    assert "--again" in app.code[-1].value


def test_an_import_that_would_pass_over_a_label_file_waits_for_a_yes(
    open_app: OpenApp, own_home: Path, tmp_path: Path, started: list[ImportJob]
):
    put_images(tmp_path / "set", pictures(), "img")
    put(tmp_path / "set", "labels.json", '{"img/000.png": "cat",\n "img" "dog"}')
    app = open_app(own_home, "import", job=checked(own_home, tmp_path / "set").id)

    assert "labels.json is not used: cannot be read as JSON" in texts(app)
    waiting = button(app, "Import 12 images").disabled
    app.toggle(key="import_doubt").set_value(True).run()
    button(app, "Import 12 images").click().run()

    assert not app.exception
    assert waiting
    assert started[0].request().yes


def test_an_addition_counts_what_is_new_and_says_what_changes(
    open_app: OpenApp, own_home: Path, tmp_path: Path
):
    some = pictures()
    execute_import(
        ImportRequest(source=str(csv_table(tmp_path / "base", some[:9]))), Settings(home=own_home)
    )
    more = csv_table(tmp_path / "more", [*some[:9], *with_many(some)[9:]])
    app = open_app(own_home, "import", job=checked(own_home, more, into="base").id)

    assert not app.exception
    assert "becomes multi-label" in texts(app)
    assert button(app, "Import 3 images to base")


def test_a_finished_import_offers_what_comes_next(
    open_app: OpenApp, own_home: Path, tmp_path: Path
):
    job = checked(own_home, class_folders(tmp_path / "set", pictures()), "import")

    app = open_app(own_home, "import", job=job.id)

    assert not app.exception
    assert "12 images" in app.success[0].value
    assert "protocol given" in app.success[0].value.replace("\\", "")
    assert button(app, "Train three recommended")
    command = app.code[-1].value
    assert command.startswith("python -m pipeline sweep --dataset set --methods itq,ud2h,")
    assert "--bits 8" in command
    assert "--protocol given" in command


def test_the_sidebar_lists_what_was_imported_at_once(
    open_app: OpenApp, own_home: Path, tmp_path: Path
):
    app = open_app(own_home, "import")
    assert len(app.sidebar.selectbox(key="ds").options) == 1

    job = checked(own_home, class_folders(tmp_path / "set", pictures(12)), kind="import")
    app.query_params["job"] = job.id
    app.run()

    assert not app.exception
    assert "is in the library" in app.success[0].proto.title
    assert len(app.sidebar.selectbox(key="ds").options) == 2


@pytest.mark.parametrize(
    ("state", "sentence"), [("stopped", "Nothing was stored"), ("failed", "The check failed.")]
)
def test_a_job_that_came_to_nothing_says_so(
    open_app: OpenApp, own_home: Path, tmp_path: Path, state: str, sentence: str
):
    job = checked(own_home, class_folders(tmp_path / "set", pictures()))
    job.update(state=state, error="a <b>reason</b>")

    app = open_app(own_home, "import", job=job.id)

    assert not app.exception
    shown = texts(app) + "".join(one.proto.title for one in app.error)
    assert sentence in shown
    assert not [one for one in app.button if one.label.startswith("Import ")]


@pytest.mark.parametrize("job", ["../../etc", "0123456789abcdef", "damaged"])
def test_a_link_to_a_job_that_is_gone_says_so_and_gives_the_first_step(
    open_app: OpenApp, own_home: Path, tmp_path: Path, job: str
):
    if job == "damaged":
        broken = checked(own_home, class_folders(tmp_path / "set", pictures()))
        (broken.folder / "status.json").write_text("{")
        job = broken.id

    app = open_app(own_home, "import", job=job)

    assert not app.exception
    assert "no longer on the server" in app.info[0].value
    assert "Nothing is stored until" in texts(app)


def uploaded(home: Path, tmp_path: Path) -> Path:
    """An archive where the upload box would have put it."""
    room = uploads_path(Settings(home=home)) / ("t" * 32)
    room.mkdir(parents=True)
    return zipped(class_folders(tmp_path / "set", pictures()), room / "set.zip")


def test_a_new_tab_on_a_link_has_the_upload_and_can_import_it(
    open_app: OpenApp, own_home: Path, tmp_path: Path, started: list[ImportJob]
):
    archive = uploaded(own_home, tmp_path)
    app = open_app(own_home, "import", job=checked(own_home, archive).id)

    assert button(app, "Upload another")
    assert not button(app, "Check").disabled
    assert app.text_input(key="import_name").value == "set"
    button(app, "Import 12 images").click().run()

    assert not app.exception
    assert started[0].request().source == str(archive)
    assert app.query_params["job"] == started[0].id


def test_a_check_whose_upload_has_been_deleted_says_so(
    open_app: OpenApp, own_home: Path, tmp_path: Path
):
    archive = uploaded(own_home, tmp_path)
    job = checked(own_home, archive)
    shutil.rmtree(archive.parent)

    app = open_app(own_home, "import", job=job.id)

    assert not app.exception
    assert "Upload the file again and check it" in texts(app)
    assert not [one for one in app.button if one.label.startswith("Import ")]


def test_the_boxes_of_a_new_tab_hold_what_the_job_was_asked(
    open_app: OpenApp, own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HASHLENS_IMPORT_ROOTS", str(tmp_path))
    source = csv_table(tmp_path / "more", pictures())

    app = open_app(own_home, "import", job=checked(own_home, source, into="shapes").id)

    assert app.button_group(key="from").value == "Folder on the server"
    assert app.text_input(key="import_path").value == str(source)
    assert app.selectbox(key="import_into").value == "shapes"


def test_a_check_is_still_on_screen_after_another_page(
    open_app: OpenApp, own_home: Path, tmp_path: Path
):
    job = checked(own_home, class_folders(tmp_path / "set", pictures()))
    app = open_app(own_home, "import", job=job.id)
    app.switch_page("share/status_page.py").run()
    del app.query_params["job"]

    app.switch_page("build/import_page.py").run()

    assert button(app, "Import 12 images")
    assert app.query_params["job"] == job.id


def test_the_result_of_a_check_by_another_version_asks_for_a_new_one(
    open_app: OpenApp, own_home: Path, tmp_path: Path
):
    job = checked(own_home, class_folders(tmp_path / "set", pictures()))
    (job.folder / "plan.json").write_text("{}")

    app = open_app(own_home, "import", job=job.id)

    assert not app.exception
    assert "cannot be read" in app.error[0].proto.title


def test_pairs_of_a_plan_are_worded_as_what_they_are():
    def pair(**facts: object) -> NearPair:
        return NearPair.model_validate({"first": "a", "second": "b", "is_leak": False, **facts})

    assert imports.pair_sentence(pair(distance=1)) == "Nearly the same: 1 of 64 bits differs"
    assert imports.pair_sentence(pair(distance=3)) == "Nearly the same: 3 of 64 bits differ"
    assert (
        imports.pair_sentence(pair(distance=0, is_copy=True, sides=("query", "database")))
        == "The same picture among the queries and in the database"
    )
