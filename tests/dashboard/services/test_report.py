"""The report: a basket that survives, files that are complete, and text that stays text."""

from __future__ import annotations

import io
import json
import zipfile

import altair as alt
import pandas as pd
import pytest

from dashboard.services import chart_files
from dashboard.services.report_basket import (
    Basket,
    Item,
    Picture,
    Strip,
    edited,
    moved,
    new_item,
    started,
    with_heading,
    with_item,
    without_item,
)
from dashboard.services.report_export import to_bundle, to_html, to_manifest
from dashboard.services.report_store import change, read_basket
from pipeline.analysis.acceptance_checks import Condition, check
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings

EVIL = "<script>alert(1)</script>"
TABLE = pd.DataFrame({"Model": ["=HYPERLINK(1)", EVIL], "mAP": [41.5, None]})
SETTINGS = pd.DataFrame({"Setting": ["bits"], "ITQ · 12 bits": ["12"]})
CHECKS = {"ITQ": [Condition("no dead bits", "fail", "=2 dead")]}


def chart() -> alt.Chart:
    return alt.Chart(pd.DataFrame({"x": [1, 2]})).mark_point().encode(x="x:Q")


@pytest.fixture
def basket() -> Basket:
    item = new_item(
        EVIL,
        TABLE,
        finding="a & b",
        chart=chart_files.specification(chart()),
        pictures=(Picture(sha256="ab", caption=EVIL, mark="no"), Picture(sha256="cd", caption="x")),
        runs=("r1",),
    )
    return Basket(title="T & U", author="me", finding=f"one\n{EVIL}", items=(item,))


def test_the_basket_is_there_after_a_restart(settings: Settings, tmp_path):
    library = Settings(home=tmp_path)
    first, second = new_item("first", TABLE), new_item("second")

    for one in (first, second):
        change(library, "shapes", with_item(one))
    change(library, "shapes", moved(second, -1))
    change(library, "shapes", edited(first, note="look here"))
    change(library, "shapes", with_heading("A", "B", "C"))

    found = read_basket(library, "shapes").basket
    assert [one.title for one in found.items] == ["second", "first"]
    assert found.items[1].note == "look here"
    assert found.items[1].table["mAP"].isna().tolist() == [False, True]
    assert (found.title, found.author, found.finding) == ("A", "B", "C")
    change(library, "shapes", without_item(second))
    assert [one.id for one in read_basket(library, "shapes").basket.items] == [first.id]


def test_moving_past_an_end_changes_nothing(tmp_path):
    library, item = Settings(home=tmp_path), new_item("one")
    change(library, "shapes", with_item(item))
    change(library, "shapes", moved(item, -1))
    change(library, "shapes", moved(new_item("gone"), 1))

    assert read_basket(library, "shapes").basket.items == (item,)


@pytest.mark.parametrize("content", [b"{", b"", b"\xff", b'{"items": 3}', b"[]"])
def test_a_basket_that_cannot_be_read_is_kept_aside_and_said(tmp_path, content: bytes):
    library, path = Settings(home=tmp_path), tmp_path / "reports" / "shapes.json"
    path.parent.mkdir()
    path.write_bytes(content)

    before = read_basket(library, "shapes")
    change(library, "shapes", with_item(item := new_item("one")))
    after = read_basket(library, "shapes")

    assert before.basket == Basket()
    assert before.problem
    assert (after.basket.items, after.problem) == ((item,), "")
    assert [path.read_bytes() for path in after.kept] == [content]


def test_a_basket_of_an_earlier_version_opens_with_its_summary_as_the_finding(tmp_path):
    library, path = Settings(home=tmp_path), tmp_path / "reports" / "shapes.json"
    path.parent.mkdir()
    item = {
        "id": "a",
        "title": "Methods",
        "note": "x",
        "pictures": [{"sha256": "b", "caption": ""}],
    }
    path.write_text(json.dumps({"title": "T", "summary": "S", "items": [item]}), "utf-8")

    found = read_basket(library, "shapes")

    assert (found.basket.title, found.basket.finding, found.problem) == ("T", "S", "")
    assert found.basket.items[0].note == "x"


def test_a_basket_of_another_version_is_shown_and_kept_as_it_was(tmp_path, basket: Basket):
    """What this version has no field for would be lost by the first change."""
    library, path = Settings(home=tmp_path), tmp_path / "reports" / "shapes.json"
    path.parent.mkdir()
    content = json.dumps(json.loads(basket.model_dump_json()) | {"theme": "dark"})
    path.write_text(content, "utf-8")

    before = read_basket(library, "shapes")
    change(library, "shapes", with_item(new_item("one")))
    after = read_basket(library, "shapes")

    assert before.basket == basket
    assert before.problem == f"{path} cannot be read in full: theme: Extra inputs are not permitted"
    assert len(after.basket.items) == 2
    assert [path.read_text("utf-8") for path in after.kept] == [content]


def test_a_basket_that_cannot_be_opened_is_not_written_over(tmp_path):
    library, path = Settings(home=tmp_path), tmp_path / "reports" / "shapes.json"
    path.mkdir(parents=True)

    assert "Is a directory" in read_basket(library, "shapes").problem
    with pytest.raises(OSError, match="Is a directory"):
        change(library, "shapes", with_item(new_item("one")))
    assert path.is_dir()


def test_the_page_holds_everything_and_nobodys_markup(basket: Basket):
    pictures = {"ab": b"RIFF"}

    page = to_html(basket, CHECKS, pictures.get, {"Generated": "now"}, SETTINGS).decode()

    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 4
    assert "T &amp; U" in page
    assert page.count("<svg") == 1
    assert "data:image/webp;base64,UklGRg==" in page
    assert "picture no longer available" in page
    assert "default-src 'none'" in page
    assert "@media print" in page
    assert "no dead bits" in page
    assert "http://www.w3.org" in page  # a name inside SVG, the only address
    assert page.count("https://") == 0


def test_a_script_in_the_title_stays_text_in_the_head_and_in_the_heading(basket: Basket):
    named = basket.model_copy(update={"title": EVIL, "author": EVIL})

    page = to_html(named, {EVIL: CHECKS["ITQ"]}, lambda _: None, {EVIL: EVIL}, SETTINGS).decode()

    assert "<script" not in page
    assert "<title>&lt;script&gt;alert(1)&lt;/script&gt;</title>" in page
    assert "<h1>&lt;script&gt;alert(1)&lt;/script&gt;</h1>" in page


def test_a_chart_that_cannot_be_drawn_is_replaced_by_its_table(basket: Basket):
    broken = basket.items[0].model_copy(update={"chart": {"mark": 3}})

    page = to_html(Basket(items=(broken,)), {}, lambda _: None, {}, SETTINGS).decode()

    assert "<svg" not in page
    assert "41.5" in page


@pytest.fixture
def strip() -> Item:
    found = (
        Picture(sha256="ab", caption="near", mark="yes", distance=2),
        Picture(sha256="cd", caption=EVIL, mark="no", distance=11),
    )
    return new_item(
        "Query: cat",
        finding="1 of the first 2 shares the query's label, cats.",
        protocol="Relevant by class.",
        query=Picture(sha256="ef", caption="own image", source="data:image/webp;base64,UQ=="),
        strips=(Strip(run="ITQ · 12 bits", bits=12, pictures=found),),
    )


def test_the_finding_comes_first_and_the_conditions_last(basket: Basket, strip: Item):
    shown = basket.model_copy(update={"finding": "UD2H wins.", "items": (strip, *basket.items)})

    page = to_html(shown, CHECKS, {"ab": b"RIFF"}.get, {"Licence": "CC0"}, SETTINGS).decode()

    parts = ["UD2H wins.", "Query: cat", "<b>2/12</b>", "a &amp; b", "Conditions</h2>"]
    parts += ["CC0", "Settings of the runs", "no dead bits"]
    places = [page.index(part) for part in parts]
    assert places == sorted(places)


def test_a_strip_holds_its_pictures_distances_and_marks(strip: Item):
    page = to_html(Basket(items=(strip,)), {}, {"ab": b"RIFF"}.get, {}, SETTINGS).decode()

    assert page.count("<img src='data:image/webp;base64,") == 2  # the query's own, and one of two
    assert "base64,UQ==" in page
    assert "picture no longer available" in page
    assert "<b>11/12</b> <span class='no'>✗</span>" in page
    assert "first 2 results: distance in bits, ✓ relevant, ✗ not relevant" in page
    assert "Relevant by class." in page
    assert "<script" not in page
    with zipfile.ZipFile(io.BytesIO(to_bundle(Basket(items=(strip,)), {}))) as bundle:
        rows = bundle.read("01-query-cat.csv").decode().splitlines()
    assert rows[0].endswith("run,rank,distance,bits,relevant,caption,sha256,protocol")
    assert rows[1].startswith("ITQ · 12 bits,1,2,12,yes,near,ab")


@pytest.mark.parametrize(
    "source", ["https://host/x.webp", "javascript:alert(1)", "data:text/html;base64,UQ==", "'>"]
)
def test_a_picture_is_an_image_in_the_page_and_nothing_else(source: str):
    with pytest.raises(ValueError, match="source"):
        Picture(sha256="ab", caption="", source=source)


def test_a_draft_leaves_title_and_finding_that_are_there():
    items = (new_item("one"),)

    filled = started("Draft", items, "found").apply(Basket(title="Mine"))

    assert (filled.title, filled.finding, filled.items) == ("Mine", "found", items)


def test_no_spreadsheet_runs_a_cell(basket: Basket):
    with zipfile.ZipFile(io.BytesIO(to_bundle(basket, CHECKS))) as bundle:
        texts = {name: bundle.read(name).decode() for name in bundle.namelist()}

    assert set(texts) == {"01-script-alert-1-script.csv", "conditions.csv"}
    assert "'=HYPERLINK" in texts["01-script-alert-1-script.csv"]
    assert "'=2 dead" in texts["conditions.csv"]


def test_the_manifest_names_runs_with_their_digests(basket: Basket):
    manifest = json.loads(to_manifest(basket, CHECKS, {"Generated": "now"}, {"r1": "abc"}))

    assert manifest["entries"][0]["runs"] == [{"id": "r1", "spec_sha256": "abc"}]
    assert manifest["conditions"]["ITQ"][0]["outcome"] == "fail"


def test_an_entry_leads_back_to_its_page_but_to_no_script(basket: Basket):
    for link, is_shown in (("http://host/curves?ds=a&v=1", True), ("javascript:alert(1)", False)):
        item = basket.items[0].model_copy(update={"link": link})
        shown = basket.model_copy(update={"items": (item,)})

        manifest = json.loads(to_manifest(shown, CHECKS, {}, {}))
        page = to_html(shown, CHECKS, lambda _: None, {}, SETTINGS).decode()

        assert manifest["entries"][0]["link"] == link
        assert ("Open this in HashLens" in page) is is_shown
        assert "javascript:" not in page


def test_conditions_of_a_real_run_put_failures_first(settings: Settings):
    run = next(one for one in RunRegistry(settings).all() if one.spec.method == "itq")

    found = check(settings, run.id)

    places = [{"fail": 0, "warn": 1, "pass": 2}[one.outcome] for one in found]
    assert places == sorted(places)
    assert "better than random order" in [one.name for one in found]
    assert next(one for one in found if one.name == "better than random order").outcome == "pass"


def test_charts_become_files_without_a_browser():
    spec = chart_files.specification(chart())

    assert chart_files.to_svg(spec).startswith(b"<svg")
    assert chart_files.to_png(spec).startswith(b"\x89PNG")
    assert json.loads(chart_files.to_json(spec))["width"] == 640
    with pytest.raises(chart_files.RenderError, match="cannot be drawn"):
        chart_files.to_png({"mark": 3})
