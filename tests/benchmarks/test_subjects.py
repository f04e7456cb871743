"""Each subject at a tiny size: what its cases check of each other holds, and rows come of them."""

from __future__ import annotations

import os
import sys

import pytest
import streamlit as st

from benchmarks import features, frame
from benchmarks.__main__ import subject
from benchmarks.frame import Row, measured
from benchmarks.servers import Visitor, load, streamlit
from benchmarks.subjects import encoding, training

SIZE = 250


@pytest.fixture(autouse=True)
def _briefly(monkeypatch):
    monkeypatch.setattr(frame, "REPEAT_S", 0)
    monkeypatch.setattr(encoding, "IMAGES", 3)
    for module in (features, training):
        monkeypatch.setattr(module, "WIDTH", 128)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What subjects of one size share."""
    return tmp_path_factory.mktemp("subjects")


# Search has the cases of filtered search without a filter.
@pytest.mark.parametrize("name", ["evaluation", "encoding", "ingest", "filtered", "training"])
def test_every_case_of_a_subject_gives_a_row(name, folder):
    one = subject(name)
    one.prepare(SIZE, folder)

    rows = [measured(one, number, SIZE, folder) for number in range(len(one.cases))]

    for row in rows:
        assert row.wall_s > 0
        assert row.figures["count"] > 0
    for group in {case.group for case in one.cases}:
        assert {"ours", "peer", "bound"} == {row.role for row in rows if row.group == group}


def test_both_evaluators_agree(folder):
    one = subject("evaluation")
    one.prepare(SIZE, folder)

    ours, peer = (measured(one, number, SIZE, folder).figures["mAP %"] for number in (0, 1))

    assert ours == pytest.approx(peer, abs=0.5)  # the peer's ties are in the order of positions


@pytest.mark.parametrize("what", ["plain Streamlit script", "empty Streamlit page"])
def test_pages_are_drawn_with_first_and_longest(what, folder, monkeypatch):
    monkeypatch.setattr("os.environ", dict(os.environ))
    one = subject("pages")
    one.prepare(SIZE, folder)
    number = next(n for n, case in enumerate(one.cases) if case.what == what)

    row = measured(one, number, SIZE, folder)
    st.cache_resource.clear()

    assert 0 < row.figures["median s"] == row.figures["longest s"] <= row.wall_s
    assert row.figures["first s"] > 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc of the server")
def test_a_plain_service_answers_twenty_users(folder):
    one = subject("load")
    one.prepare(SIZE, folder)
    number = next(n for n, case in enumerate(one.cases) if case.what.startswith("plain Starlette"))

    said = frame._child(one, SIZE, folder, 1, str(number))

    row = Row.model_validate_json(said.splitlines()[-1])
    assert row.figures["users"] == 20
    assert row.figures["errors"] == 0
    assert row.figures["count"] == 600


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc of the server")
def test_users_visit_a_page_at_once_and_errors_are_counted(tmp_path):
    (tmp_path / "page.py").write_text(
        "import numpy, streamlit as st\n"
        "st.image(numpy.zeros((4, 4, 3)))\n"
        "1 / (0 if st.query_params.get('q') == '3' else 1)\n"
    )
    server = streamlit(str(tmp_path / "page.py"), {})
    visitors = [Visitor(server.host, "") for _ in range(2)]

    figures = load([lambda n, tab=tab: tab.visit(f"q={n}") for tab in visitors], 2)

    assert figures["count"] == 4
    assert figures["errors"] == 1
    assert 0 < figures["p50 ms"] <= figures["p95 ms"]
    assert [tab.n_pictures for tab in visitors] == [1, 1]
    assert server.figures()["server MiB"] > 1
    for tab in visitors:
        tab.close()
    server.stop()
