"""The report in every state, in process."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dashboard import cached
from dashboard.share import report_preview
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from pipeline.sharing import search_file
from pipeline.sharing.findings import Findings
from tests.dashboard.pages import OpenApp, png, texts


def test_what_is_added_is_in_the_report_with_conditions(open_app: OpenApp, own_home: Path):
    app = open_app(own_home, "leaderboard")
    app.get_by_key("leaderboard_report").click().run()
    app = open_app(own_home, "report")

    assert not app.exception
    assert "1 entry" in [one.value for one in app.subheader]
    assert "Conditions" in [one.value for one in app.subheader]
    [item] = stored(own_home)["items"]
    assert "ds=shapes" in item["link"]
    assert item["link"].endswith("&v=1")
    app.get_by_key(f"remove_{item['id']}").click().run()
    assert app.subheader[0].value == "Nothing is in the report yet"
    app.button(key="undo").click().run()
    assert "1 entry" in [one.value for one in app.subheader]


def test_a_report_that_cannot_be_read_is_kept_and_said(open_app: OpenApp, own_home: Path):
    path = own_home / "reports" / "shapes.json"
    path.parent.mkdir()
    path.write_text("{", "utf-8")

    app = open_app(own_home, "report")
    assert not app.exception
    assert "Invalid JSON" in app.error[0].value

    open_app(own_home, "leaderboard").get_by_key("leaderboard_report").click().run()
    app = open_app(own_home, "report")
    assert not app.error
    assert "could not be read in full. It is kept as" in app.warning[0].value
    [kept] = path.parent.glob("*.kept-*.json")
    assert kept.read_text("utf-8") == "{"


def stored(home: Path, name: str = "shapes") -> dict[str, Any]:
    return json.loads((home / "reports" / f"{name}.json").read_text("utf-8"))


def run_id(home: Path, method: str) -> str:
    runs = RunRegistry(Settings(home=home)).all()
    return next(run.id for run in runs if run.spec.method == method)


def test_a_draft_has_a_finding_three_queries_by_rule_one_chart_and_conditions(
    open_app: OpenApp, own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    shown: list[str] = []
    monkeypatch.setattr(report_preview, "show_preview", lambda page, _: shown.append(page))
    app = open_app(own_home, "report")
    app.get_by_key("draft_report").click().run()

    assert not app.exception
    report = stored(own_home)
    assert report["title"] == "ITQ · 12 bits on shapes"
    assert re.match(
        r"ITQ · 12 bits reaches mAP [\d.]+ % \(95 % interval [\d.]+ to [\d.]+ over 12 queries\) "
        r"with 2 bytes per image\. The features without hashing, ranked by cosine, reach",
        report["finding"],
    )
    assert report["finding"].endswith("Measured under protocol holdout, relevant by class.")
    *strips, chart = report["items"]
    ap = RunRegistry(Settings(home=own_home)).open(run_id(own_home, "itq")).query_aps()
    for item, value in zip(strips, (ap.max(), None, ap.min()), strict=True):
        assert item["note"].startswith("Chosen by rule: the ")
        assert value is None or f"(AP {100 * value:.1f} %)" in item["note"]
        assert len(item["strips"][0]["pictures"]) == 10
        marks = [one["mark"] for one in item["strips"][0]["pictures"]]
        n = marks.count("yes")
        assert item["finding"].startswith(f"{n} of the first 10 share")
        assert "Protocol holdout, relevant by class" in item["protocol"]
        assert "48 images searched; order: distance, then similarity." in item["protocol"]
    assert [item["title"].split(":")[0] for item in strips] == [
        "Best query",
        "Typical query",
        "Worst query",
    ]
    assert chart["chart"]

    app.get_by_key("preview").set_value(True).run()
    page = shown[0]
    assert page.count("data:image/webp;base64,") == 33
    assert "picture no longer available" not in page
    places = [page.index(part) for part in ("reaches mAP", "Best query", "<svg", "Conditions</h2>")]
    assert places == sorted(places)
    for part in ("Licence", "Protocol and labels", "Settings of the runs", "torch "):
        assert part in page[places[-1] :]


def test_a_draft_against_another_run_says_who_is_better_and_shows_both(
    open_app: OpenApp, own_home: Path
):
    app = open_app(own_home, "report")
    app.selectbox(key="draft_other").set_value(run_id(own_home, "lsh")).run()
    app.get_by_key("draft_report").click().run()

    assert not app.exception
    report = stored(own_home)
    assert re.match(r"(ITQ|LSH) .*(better than|not separable).* mAP [+-]", report["finding"])
    assert [len(item["strips"]) for item in report["items"]] == [2, 2, 2, 0]
    assert re.search(
        r"under ITQ · 12 bits; \d+ under LSH · 8 bits\.", report["items"][0]["finding"]
    )


def test_a_draft_of_an_unmeasured_run_says_what_is_missing(open_app: OpenApp, own_home: Path):
    for run in RunRegistry(Settings(home=own_home)).all():
        (run.folder / "report.json").unlink()
    app = open_app(own_home, "report")

    app.get_by_key("draft_report").click().run()

    assert "The draft cannot be created" in app.toast[0].value.replace("\\", "")
    assert not (own_home / "reports" / "shapes.json").exists()


def test_texts_are_edited_and_the_last_edit_is_undone_on_screen(open_app: OpenApp, own_home: Path):
    open_app(own_home, "leaderboard").get_by_key("leaderboard_report").click().run()
    app = open_app(own_home, "report")
    [item] = stored(own_home)["items"]

    field = f"finding_{item['id']}"
    app.text_area(key=field).set_value("mine").run()
    assert stored(own_home)["items"][0]["finding"] == "mine"
    app.text_area(key="report_finding").set_value("It works.").run()
    assert stored(own_home)["finding"] == "It works."
    app.button(key="undo").click().run()
    assert (stored(own_home)["finding"], app.text_area(key="report_finding").value) == ("", "")
    assert app.button(key="undo").label == "Redo"
    app.button(key="undo").click().run()
    assert app.text_area(key="report_finding").value == "It works."
    assert app.text_area(key=field).value == "mine"


def test_reports_are_created_renamed_switched_deleted_and_brought_back(
    open_app: OpenApp, own_home: Path
):
    open_app(own_home, "leaderboard").get_by_key("leaderboard_report").click().run()
    app = open_app(own_home, "report")
    app.text_input(key="new_report").set_value("For Monday").run()
    app.button(key="create_report").click().run()
    assert app.subheader[0].value == "Nothing is in “For Monday” yet"
    assert list(app.selectbox(key="report").options) == ["For Monday", "Untitled report"]

    app.get_by_key("begin_data").click().run()
    app.text_input(key="report_title").set_value("For Tuesday").run()
    assert list(app.selectbox(key="report").options) == ["For Tuesday", "Untitled report"]
    app.switch_page("evaluate/leaderboard_page.py").run()
    app.get_by_key("leaderboard_report").click().run()
    assert "Added to “For Tuesday” as entry 3" in app.toast[0].value
    app.switch_page("share/report_page.py").run()
    assert app.query_params["report"] != "first"

    app.selectbox(key="report").set_value("first").run()
    assert "1 entry" in [one.value for one in app.subheader]
    app.selectbox(key="report").select("For Tuesday").run()
    app.button(key="delete_report").click().run()
    assert not app.exception
    assert list(app.selectbox(key="report").options) == ["Untitled report"]
    assert "“For Tuesday”" in app.button(key="undo").help
    app.button(key="undo").click().run()
    assert "3 entries" in [one.value for one in app.subheader]

    app = open_app(own_home, "report")  # another browser: the report changed last
    assert app.text_input(key="report_title").value == "For Tuesday"
    app = open_app(own_home, "report", report="0123456789ab")
    assert "a report that no longer exists" in app.info[0].value


def test_an_upload_is_added_with_its_own_picture_and_without_a_number(
    open_app: OpenApp, own_home: Path
):
    app = open_app(own_home)
    app.file_uploader(key="upload_file").upload("mine.png", png()).run()
    app.button(key="search_report").click().run()

    [item] = stored(own_home)["items"]
    assert item["title"] == "Query: mine.png"
    assert item["query"]["source"].startswith("data:image/webp;base64,")
    assert item["link"] == ""  # nobody else could open it
    assert item["finding"].startswith("The nearest of 60 images differs in ")
    assert item["finding"].endswith("nothing says which results are relevant.")
    assert "small picture of your image is stored" in app.button(key="search_report").help
    assert not open_app(own_home, "report").exception


def test_search_adds_what_was_asked_for_beside_the_numbers(open_app: OpenApp, own_home: Path):
    app = open_app(own_home, order="Codes only", label="squares", show="Not relevant", max="9")
    app.button(key="search_report").click().run()

    [item] = stored(own_home)["items"]
    assert (
        "order: codes only; filters: label squares; within 9 bits; only not relevant"
        in (item["protocol"])
    )
    assert "order=Codes+only" in item["link"]


def test_compare_adds_both_runs(open_app: OpenApp, own_home: Path):
    app = open_app(own_home, "compare")
    app.button(key="compare_report").click().run()

    assert not app.exception
    [item] = stored(own_home)["items"]
    assert [strip["run"] for strip in item["strips"]] == ["ITQ · 12 bits", "LSH · 8 bits"]
    assert [strip["bits"] for strip in item["strips"]] == [12, 8]
    counts = [[one["mark"] for one in strip["pictures"]].count("yes") for strip in item["strips"]]
    assert item["finding"].startswith(f"{counts[0]} of the first 10 share")
    assert f"; {counts[1]} under LSH" in item["finding"]


@pytest.mark.parametrize(
    ("kind", "title", "n_items"),
    [
        ("demo", "Methods", 3),
        ("model", "Against the baselines, ITQ", 5),
        ("data", "Shapes: facts", 2),
    ],
)
def test_a_template_fills_the_report_and_the_preview_shows_it(
    open_app: OpenApp,
    own_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    title: str,
    n_items: int,
):
    shown: list[str] = []
    monkeypatch.setattr(report_preview, "show_preview", lambda page, _: shown.append(page))
    app = open_app(own_home, "report")
    app.get_by_key(f"begin_{kind}").click().run()

    assert not app.exception
    items = stored(own_home)["items"]
    assert len(items) == n_items
    assert all(item["protocol"] or not item["runs"] for item in items)
    assert items[0]["title"].lower().startswith(title.lower())
    app.get_by_key("preview").set_value(True).run()
    assert not app.exception
    assert items[-1]["title"] in shown[0]


def test_a_template_without_a_measured_run_says_what_is_missing(open_app: OpenApp, own_home: Path):
    for run in RunRegistry(Settings(home=own_home)).all():
        (run.folder / "report.json").unlink()
    app = open_app(own_home, "report")

    app.get_by_key("begin_demo").click().run()

    assert "train one first" in app.toast[0].value
    assert not (own_home / "reports" / "shapes.json").exists()


def test_a_search_can_be_downloaded_as_one_file(open_app: OpenApp, own_home: Path):
    app = open_app(own_home, "report")
    app.get_by_key("search_file").click().run()

    assert not app.exception
    assert "60 images, about" in texts(app)
    assert "one file." in texts(app)
    assert [one.proto.label for one in app.get("download_button")] == ["Download"]
    runs = run_id(own_home, "itq"), run_id(own_home, "lsh")
    page = cached.sharing.page(runs, 96, Findings(title="Shapes")).decode()
    assert "<title>Shapes · image search</title>" in page
    assert page.count('"nearest":') == 2


def test_a_search_too_large_for_a_file_is_left_to_the_command_line(
    open_app: OpenApp, own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(search_file, "MOST_BYTES", 1)
    app = open_app(own_home, "report")
    app.get_by_key("search_file").click().run()

    assert "a folder, since one file" in texts(app)
    assert app.code[0].value.startswith("python -m pipeline share 20")
