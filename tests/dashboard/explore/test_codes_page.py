"""Codes in every state, in process."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.services.run_choices import run_choices
from models.codes import HashCodes
from pipeline.analysis.opened_run import open_run
from pipeline.annotations.bit_names import BitNames
from pipeline.datasets.dataset import load_dataset
from pipeline.evaluation.metrics import average_precision
from pipeline.evaluation.ranking import hamming_histograms
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, button, png, published_run, texts


def upload_beside(run_id: str, row: int, content: bytes) -> None:
    """What the drawer shows of an image beside an upload, as a page of its own."""
    from dashboard import cached, state
    from dashboard.services.queries import Upload
    from dashboard.widgets import query_panel, why_near

    if not state.query():
        state.keep_upload(Upload("mine.png", content))
    opened = cached.search.opened(run_id)
    _, asked = query_panel.encoded_query(state.query(), "ds:0", opened)
    why_near.show_why_near(row, opened, asked)


def opened_drawer(row: int, run_id: str | None) -> None:
    """What a click in Browse calls, as a page of its own."""
    from dashboard import cached, state
    from dashboard.explore import browse_gallery

    state.set_run(run_id)
    browse_gallery.open_drawer(cached.library.dataset("shapes"), row)


def drawer_of(home: Path, monkeypatch: pytest.MonkeyPatch, **given: object) -> AppTest:
    monkeypatch.setenv("HASHLENS_HOME", str(home))
    app = AppTest.from_function(opened_drawer, kwargs=given, default_timeout=30).run()
    assert not app.exception
    return app


def at(app: AppTest, view: str, part: str = "", key: str = "") -> AppTest:
    """The page at one of its views."""
    app.segmented_control(key="view").set_value(view).run()
    if part:
        app.segmented_control(key=key).set_value(part).run()
    assert not app.exception
    return app


@pytest.mark.parametrize(
    ("old", "now"),
    [
        ("What if", {"view": "One query"}),
        ("Bit cards", {"view": "One bit"}),
        ("Robustness", {"view": "One query", "query_view": "Change the image"}),
        ("Code map", {"view": "All codes", "codes_view": "Code map"}),
        ("Other run", {"view": "One bit", "bit_view": "Beside another run"}),
    ],
)
def test_links_of_the_former_bits_page_show_the_same_view(
    open_app: OpenApp, shared_home: Path, old: str, now: dict[str, str]
):
    app = open_app(shared_home, "bits", view=old, flip=["2", "x"], mute="5")

    assert not app.exception
    assert app.title[0].value == "Codes"
    assert {name: app.get_by_key(name).value for name in now} == now
    if old == "What if":
        assert "1 bit flipped, 1 muted" in texts(app)


def test_changes_of_bits_that_a_shorter_code_lacks_are_left_out(
    open_app: OpenApp, shared_home: Path
):
    app = open_app(shared_home, "codes", flip=["3", "12", "13", "x"])
    assert "2 bits flipped, 0 muted" in texts(app)
    assert app.query_params["flip"] == ["3", "12"]

    app.selectbox(key="run").set_value(run_choices(Settings(home=shared_home), "shapes")[1].slug)
    assert "1 bit flipped, 0 muted" in texts(app.run())

    app.button(key="undo_bits").click().run()
    assert "0 bits flipped, 0 muted" in texts(app)
    assert "flip" not in app.query_params


def test_a_named_bit_is_called_by_its_name_wherever_it_differs(
    open_app: OpenApp, own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    run = published_run(own_home)
    app = at(open_app(own_home, "codes", bit="3", flip=["2", "3"]), "One bit")
    assert "name" not in app.dataframe[0].proto.column_order
    app.text_input(key=f"bit_name:{run.id}:3").set_value("warm *stripes*").run()

    assert BitNames.of(run).all() == {3: "warm *stripes*"}
    assert "name" in app.dataframe[0].proto.column_order
    assert "Named bits that differ: 3 (warm *stripes*)." in texts(at(app, "One query"))

    for bit in range(1, 13):
        BitNames.of(run).set(bit, f"name {bit}")
    opened = open_run(run.id, Settings(home=own_home))
    far = int(opened.database_rows[-1])
    shown = texts(drawer_of(own_home, monkeypatch, row=far, run_id=run.id))
    n_differ = int(re.search(r"(\d+) of 12 bits differ", shown)[1])
    assert n_differ > 0
    assert len(re.findall(r"\(name \d+\)", shown)) == n_differ


def test_a_name_that_cannot_be_stored_is_said(
    open_app: OpenApp, own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(BitNames, "set", full)
    app = at(open_app(own_home, "codes"), "One bit")
    app.text_input(key=f"bit_name:{published_run(own_home).id}:1").set_value("warm").run()

    assert app.error[0].proto.title == "The name was not stored"
    assert "no space left" in app.error[0].value


def test_the_code_map_shows_the_fullest_code_and_says_what_it_shows(
    open_app: OpenApp, shared_home: Path
):
    app = at(open_app(shared_home, "codes"), "All codes", "Code map", "codes_view")
    run = published_run(shared_home)
    opened = open_run(run.id, Settings(home=shared_home))
    distinct, counts = np.unique(opened.searched_codes.signs(), axis=0, return_counts=True)

    said = texts(app)
    assert f"A picture for all {len(distinct)} distinct codes, which 60 of 60 images have" in said
    assert f"{counts.max()} images share this code, the most frequent one" in said
    assert f"{len(distinct)} distinct codes in all" in said

    app.session_state["code_map_picked"] = (run.id, [0, 1])
    two = np.sort(counts)[-2:].sum()
    assert f"{two} images with these 2 codes" in texts(app.run())
    app.session_state["code_map_picked"] = ("another run", [0, 1])
    assert "the most frequent one" in texts(app.run())


def test_a_single_run_has_no_other_to_align_with(open_app: OpenApp, own_home: Path):
    registry = RunRegistry(Settings(home=own_home))
    registry.delete(next(run for run in registry.all() if run.spec.method == "lsh"))
    app = at(open_app(own_home, "codes"), "One bit", "Beside another run", "bit_view")

    assert not app.exception
    assert "the only finished run" in app.info[0].value


def test_codes_without_a_method_say_why(open_app: OpenApp, own_home: Path):
    shutil.rmtree(published_run(own_home).folder / "model")
    app = at(open_app(own_home, "codes"), "One query", "Change the image", "query_view")

    assert not app.exception
    assert app.error[0].proto.title == "This run cannot encode images."


def test_an_upload_of_an_image_without_a_stored_code_is_probed(open_app: OpenApp, own_home: Path):
    run, dataset = published_run(own_home), load_dataset("shapes", Settings(home=own_home))
    codes, rows = run.load_codes("query")
    run.save_codes("query", codes[1:], rows[1:])
    content = dataset.image_path(int(rows[0])).read_bytes()
    app = open_app(own_home)
    app.file_uploader(key="upload_file").upload("copy.png", content).run()
    app.switch_page("explore/codes_page.py").run()

    at(app, "One query", "Change the image", "query_view")

    assert not app.exception
    assert "flipped at least once" in texts(app)


def test_an_upload_is_probed_and_ranked_under_another_run(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home)
    app.file_uploader(key="upload_file").upload("mine.png", png()).run()
    app.switch_page("explore/codes_page.py").run()
    at(app, "One query", "Change the image", "query_view")
    assert not app.exception
    assert "flipped at least once" in texts(app)

    opened = open_run(published_run(shared_home).id, Settings(home=shared_home))
    other = run_choices(Settings(home=shared_home), "shapes")[1].id
    row = int(opened.database_rows[3])
    app = AppTest.from_function(upload_beside, args=(opened.id, row, png()), default_timeout=30)
    app.run()
    app.selectbox(key="other_run").set_value(other).run()
    assert not app.exception
    assert re.search(r"Rank in that run</div><div[^>]*>rank \d+( to \d+)? · \d/8<", texts(app))


def test_muted_bits_are_priced_in_map(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "codes")
    assert "mAP without" not in texts(app)
    opened = open_run(published_run(shared_home).id, Settings(home=shared_home))
    kept = [bit for bit in range(opened.bits) if bit not in (1, 6)]
    labels = opened.labels[opened.query_rows], opened.labels[opened.database_rows]
    codes = [
        HashCodes.from_relaxed(one.signs()[:, kept].astype(np.float32))
        for one in (opened.query_codes, opened.database_codes)
    ]
    expected = 100 * average_precision(hamming_histograms(*codes, *labels)).mean()

    app.session_state["mute"] = [2, 7]
    app.run()

    assert not app.exception
    assert f"mAP without the muted bits {expected:.1f} %" in texts(app)
    app.session_state["mute"] = list(range(1, 13))
    app.run()
    assert not app.exception
    assert "mAP without" not in texts(app)


def test_bits_that_can_go_are_tried_on_one_query(open_app: OpenApp, shared_home: Path):
    app = at(open_app(shared_home, "codes"), "All codes", "Bits kept", "codes_view")
    spare = button(app, "Search without these")
    n_spare = int(spare.label.split()[-1])

    spare.click().run()

    assert app.segmented_control(key="view").value == "One query"
    assert f"0 bits flipped, {n_spare} muted" in texts(app)
    assert len(app.query_params["mute"]) == n_spare


def test_links_of_the_time_when_codes_had_statistics_alone_show_them(
    open_app: OpenApp, shared_home: Path
):
    app = open_app(shared_home, "codes", codes_view="Buckets")

    assert not app.exception
    assert app.segmented_control(key="view").value == "All codes"
    assert app.segmented_control(key="codes_view").value == "Code map"


def test_an_unchanged_query_finds_what_search_finds(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "codes", q="ds:7")
    found = app.session_state["what_if_order"]

    app.switch_page("explore/search_page.py").run()

    assert app.query_params["q"] == "ds:7"
    assert app.session_state["results_order"] == found
    assert len(found) == 24
