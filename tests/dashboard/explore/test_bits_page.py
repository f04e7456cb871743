"""Bits in every state, in process."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.explore import bits_parts
from dashboard.services.run_choices import run_choices
from models.codes import HashCodes
from pipeline.analysis.opened_run import open_run
from pipeline.annotations.bit_names import BitNames
from pipeline.datasets.dataset import load_dataset
from pipeline.evaluation.metrics import average_precision
from pipeline.evaluation.ranking import hamming_histograms
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, png, published_run, texts


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


@pytest.mark.parametrize("view", ["What if", "Bit cards", "Robustness", "Code map", "Other run"])
def test_every_view_of_bits_is_drawn(open_app: OpenApp, shared_home: Path, view: str):
    app = open_app(shared_home, "bits")
    app.segmented_control(key="view").set_value(view).run()

    assert not app.exception
    assert not app.error


def test_a_named_bit_is_called_by_its_name_wherever_it_differs(
    open_app: OpenApp, own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    run = published_run(own_home)
    app = open_app(own_home, "bits")
    app.segmented_control(key="view").set_value("Bit cards").run()
    assert "name" not in app.dataframe[0].proto.column_order
    app.number_input(key="bit").set_value(3).run()
    app.text_input(key=f"bit_name:{run.id}:3").set_value("warm *stripes*").run()

    assert BitNames.of(run).all() == {3: "warm *stripes*"}
    assert "name" in app.dataframe[0].proto.column_order
    app.segmented_control(key="view").set_value("What if").run()
    assert "Named bits" not in texts(app)
    app.multiselect(key="flip").set_value([2, 3]).run()
    assert "Named bits that differ: 3 (warm *stripes*)." in texts(app)

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
    app = open_app(own_home, "bits")
    app.segmented_control(key="view").set_value("Bit cards").run()
    app.text_input(key=f"bit_name:{published_run(own_home).id}:1").set_value("warm").run()

    assert app.error[0].proto.title == "The name was not stored"
    assert "no space left" in app.error[0].value


def test_the_code_map_says_how_many_of_its_lines_are_drawn(
    open_app: OpenApp, shared_home: Path, monkeypatch: pytest.MonkeyPatch
):
    app = open_app(shared_home, "bits")
    app.segmented_control(key="view").set_value("Code map").run()
    assert (
        "A line joins two codes that are at most 2 bits apart and have the same majority label."
        in texts(app)
    )

    monkeypatch.setattr(bits_parts, "_MOST_LINKS", 2)
    assert re.search(r"label; the nearest 2 of \d+ are drawn\.", texts(app.run()))


def test_a_single_run_has_no_other_to_align_with(open_app: OpenApp, own_home: Path):
    registry = RunRegistry(Settings(home=own_home))
    registry.delete(next(run for run in registry.all() if run.spec.method == "lsh"))
    app = open_app(own_home, "bits")
    app.segmented_control(key="view").set_value("Other run").run()

    assert not app.exception
    assert "the only finished run" in app.info[0].value


def test_bits_without_a_method_say_why(open_app: OpenApp, own_home: Path):
    shutil.rmtree(published_run(own_home).folder / "model")
    app = open_app(own_home, "bits")
    app.segmented_control(key="view").set_value("Robustness").run()

    assert not app.exception
    assert app.error[0].proto.title == "This run cannot encode images."


def test_an_upload_of_an_image_without_a_stored_code_is_probed(open_app: OpenApp, own_home: Path):
    run, dataset = published_run(own_home), load_dataset("shapes", Settings(home=own_home))
    codes, rows = run.load_codes("query")
    run.save_codes("query", codes[1:], rows[1:])
    content = dataset.image_path(int(rows[0])).read_bytes()
    app = open_app(own_home)
    app.file_uploader(key="upload_file").upload("copy.png", content).run()
    app.switch_page("explore/bits_page.py").run()

    app.segmented_control(key="view").set_value("Robustness").run()

    assert not app.exception
    assert "flipped at least once" in texts(app)


def test_an_upload_is_probed_and_ranked_under_another_run(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home)
    app.file_uploader(key="upload_file").upload("mine.png", png()).run()
    app.switch_page("explore/bits_page.py").run()
    app.segmented_control(key="view").set_value("Robustness").run()
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
    app = open_app(shared_home, "bits")
    assert "mAP without" not in texts(app)
    opened = open_run(published_run(shared_home).id, Settings(home=shared_home))
    kept = [bit for bit in range(opened.bits) if bit not in (1, 6)]
    labels = opened.labels[opened.query_rows], opened.labels[opened.database_rows]
    codes = [
        HashCodes.from_relaxed(one.signs()[:, kept].astype(np.float32))
        for one in (opened.query_codes, opened.database_codes)
    ]
    expected = 100 * average_precision(hamming_histograms(*codes, *labels)).mean()

    app.multiselect(key="mute").set_value([2, 7]).run()

    assert not app.exception
    assert f"mAP without the muted bits {expected:.1f} %" in texts(app)
    app.multiselect(key="mute").set_value(list(range(1, 13))).run()
    assert not app.exception
    assert "mAP without" not in texts(app)
