"""Near-duplicates: found, kept, tagged, listed, and hidden in Search."""

from __future__ import annotations

from pathlib import Path

from pipeline.annotations.tags import Tags
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, texts


def test_groups_are_found_tagged_and_hidden_in_search(open_app: OpenApp, own_home: Path):
    app = open_app(own_home, "duplicates", ds="shapes")
    assert "Hashes of 60 images are computed once" in app.info[0].value
    app.get_by_key("compute_hashes").click().run()
    assert not app.exception
    app.slider(key="within_pHash").set_value(12).run()
    assert not app.exception
    alt = app.get("vega_lite_chart")[0].proto.alt
    assert alt.startswith("Groups by bits that may differ: 0: ")
    assert ", 12: " in alt
    app.segmented_control(key="by").set_value("Codes").run()
    assert not app.exception
    assert "group" in texts(app)

    app.get_by_key("tag_all_duplicates").click().run()
    tags = Tags.of("shapes", Settings(home=own_home)).all()
    assert 1 <= len(tags) <= 59
    assert set(tags.values()) == {("duplicate",)}

    search = open_app(own_home, "search", ds="shapes")
    search.checkbox(key="hide").set_value(True).run()
    assert not search.exception
    shown = search.session_state["results_order"]
    rows = _rows(own_home)
    assert not {rows[int(row)] for row in shown} & set(tags)

    app = open_app(own_home, "duplicates", ds="shapes", by="Codes")
    app.get_by_key("untag_all_duplicates").click().run()
    assert not Tags.of("shapes", Settings(home=own_home)).all()


def _rows(home: Path) -> list[str]:
    from pipeline.datasets.dataset import load_dataset

    return list(load_dataset("shapes", Settings(home=home)).manifest["sha256"])


def test_one_group_can_be_tagged_and_untagged(open_app: OpenApp, own_home: Path):
    app = open_app(own_home, "duplicates", ds="shapes", by="Codes")
    first = next(one for one in app.button if str(one.key).startswith("tag_group_"))

    app.get_by_key(str(first.key)).click().run()

    assert Tags.of("shapes", Settings(home=own_home)).all()
    again = next(one for one in app.button if one.key == first.key)
    assert again.label == "Untag"
    app.get_by_key(str(first.key)).click().run()
    assert not Tags.of("shapes", Settings(home=own_home)).all()
