"""The drawer of one image: what it explains and offers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.services.run_choices import run_choices
from pipeline.analysis.opened_run import open_run
from pipeline.settings import Settings
from tests.dashboard.pages import published_run, texts


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


def test_the_drawer_explains_a_result(shared_home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HASHLENS_HOME", str(shared_home))

    def script(run_id: str) -> None:
        from dashboard import cached
        from dashboard.services.search import QueryImage, Request, answer
        from dashboard.widgets.drawer import show_drawer
        from pipeline.index.search import stored_query
        from pipeline.runs.registry import RunRegistry

        opened = cached.search.opened(run_id)
        row = int(opened.query_rows[0])
        query = stored_query(RunRegistry(cached.library.settings()).open(run_id), row)
        asked = QueryImage(query, "query", row)
        found = answer(opened, asked, Request(), cached.search.backend(run_id), None)
        show_drawer(
            found.groups[-1].results[-1].row,
            opened.dataset,
            gallery_key="results",
            opened=opened,
            query=asked,
            compares_query=True,
        )

    app = AppTest.from_function(script, args=(published_run(shared_home).id,), default_timeout=30)
    app.run()

    assert not app.exception
    shown = "".join(str(one.value) for one in [*app.html, *app.markdown])
    assert "of 12 bits differ" in shown
    assert "alt='Query: " in shown  # beside the result
    assert "Shared with the query" in shown
    assert "near the threshold" not in texts(app)
    assert [one.label for one in app.button] == [
        "Search with this",
        "Mark right",
        "Mark wrong",
        "Compare runs on this query",
    ]

    app.toggle(key="unsure").set_value(True).run()
    assert not app.exception
    assert re.search("Differing bits, least sure first: [0-9, ]+[.]", texts(app))
    assert re.search(
        "differing bits? w.* near the threshold in the query; with its relaxed code this image "
        "(moves from rank [0-9–]+ to|stays at rank) [0-9–]+[.]",
        texts(app),
    )


@pytest.mark.parametrize(
    ("row", "heading", "are_disabled"),
    [
        (5, "**first**", [True, False]),
        (2, r"**\*second\***", [False, False]),
        (9, "**third**", [False, True]),
        (7, None, []),  # it is not in the gallery
    ],
)
def test_the_drawer_leads_to_the_images_beside_it_in_its_gallery(
    shared_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    row: int,
    heading: str | None,
    are_disabled: list[bool],
):
    monkeypatch.setenv("HASHLENS_HOME", str(shared_home))

    def script(row: int) -> None:
        import streamlit as st

        from dashboard import cached
        from dashboard.widgets.drawer import show_drawer

        st.session_state["some_order"] = ["5", "2", "9"]
        titles = {5: "first", 2: "*second*", 9: "third"}
        show_drawer(row, cached.library.dataset("shapes"), gallery_key="some", titles=titles)

    app = AppTest.from_function(script, args=(row,), default_timeout=30).run()

    assert not app.exception
    assert [one.disabled for one in app.button] == are_disabled
    assert [one.value for one in app.markdown][:1] == ([] if heading is None else [heading])


def test_a_drawer_of_browse_explains_an_image_as_search_does(
    shared_home: Path, monkeypatch: pytest.MonkeyPatch
):
    opened = open_run(published_run(shared_home).id, Settings(home=shared_home))
    app = drawer_of(
        shared_home, monkeypatch, row=int(opened.database_rows[3]), run_id=opened.run.id
    )

    shown = texts(app)
    assert "SHA-256" in shown
    assert "Compared with the query on Search" in shown
    assert "of 12 bits differ" in shown
    assert [one.label for one in app.button] == [
        "Search with this",
        "Mark right",
        "Mark wrong",
        "Compare runs on this image",
    ]
    assert app.selectbox(key="other_run").options == [
        one.label for one in run_choices(Settings(home=shared_home), "shapes")[1:]
    ]


def test_a_drawer_of_browse_without_a_run_knows_only_the_image(
    shared_home: Path, monkeypatch: pytest.MonkeyPatch
):
    app = drawer_of(shared_home, monkeypatch, row=3, run_id=None)

    assert "SHA-256" in texts(app)
    assert not app.button


def test_a_drawer_of_browse_survives_a_run_that_cannot_be_opened(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    run = published_run(own_home)
    (run.folder / "codes" / "database.npz").write_bytes(b"damaged")

    app = drawer_of(own_home, monkeypatch, row=3, run_id=run.id)

    assert "npz is damaged" in app.toast[0].value
    assert "SHA-256" in texts(app)
