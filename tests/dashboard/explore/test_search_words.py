"""Words as the query: on Search where the backbone has a text tower, and wherever queries go."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.services.queries import Words
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.sources import SourceRequest, open_source
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, draw_images, link_on, texts, train
from tests.models.small_clip import NAME, write_small_clip

pytest.importorskip("open_clip", reason="open_clip_torch is not installed")


@pytest.fixture(scope="module")
def clip_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with two runs on a small CLIP of random weights; not to be changed."""
    root = tmp_path_factory.mktemp("words")
    draw_images(root / "shapes")
    settings = Settings(home=root / "home", threads=1)
    import_dataset(open_source("folder", SourceRequest(path=root / "shapes")), settings)
    backbone = f"clip:{NAME}@{write_small_clip(root)}"
    train(settings, "shapes", backbone=backbone)
    train(settings, "shapes", method="lsh", backbone=backbone)
    return settings.home


def test_words_find_images_and_stand_in_the_address(open_app: OpenApp, clip_home: Path) -> None:
    app = open_app(clip_home)

    app.text_input(key="query_words").set_value("  green   squares ").run()

    assert app.query_params["q"] == "tx:green squares"
    assert "24 nearest" in texts(app)
    assert "green squares" in texts(app)
    assert "These results may mean little" not in texts(app)
    assert not app.exception
    assert "tx%3Agreen+squares" in link_on(app)
    again = open_app(clip_home, q="tx:green squares")
    assert again.text_input(key="query_words").value == "green squares"


def test_the_box_is_emptied_by_another_query(open_app: OpenApp, clip_home: Path) -> None:
    app = open_app(clip_home, q="tx:stripes")

    next(one for one in app.button if one.label == "Random query").click().run()

    assert app.text_input(key="query_words").value == ""
    assert app.query_params["q"].startswith("ds:")


@pytest.mark.parametrize("order", ["Similarity", "Relaxed query", "Codes only"])
def test_every_order_works(open_app: OpenApp, clip_home: Path, order: str) -> None:
    app = open_app(clip_home, q="tx:stripes", order=order)

    assert not app.exception
    assert "24 nearest" in texts(app)


@pytest.mark.parametrize("page", ["codes", "compare", "overview"])
def test_other_pages_take_the_words_over(open_app: OpenApp, clip_home: Path, page: str) -> None:
    app = open_app(clip_home, page, q="tx:stripes", cq="tx:stripes")

    assert not app.exception
    if page != "overview":
        assert app.query_params["q" if page == "codes" else "cq"] == "tx:stripes"


def test_words_are_no_image_to_change(open_app: OpenApp, clip_home: Path) -> None:
    app = open_app(clip_home, "codes", q="tx:stripes", query_view="Change its image")

    assert not app.exception


def test_without_a_text_tower_there_is_no_box_and_links_say_why(
    open_app: OpenApp, shared_home: Path
) -> None:
    assert not [one for one in open_app(shared_home).text_input if one.key == "query_words"]

    app = open_app(shared_home, q="tx:stripes")

    assert not app.exception
    assert "tiny has no text tower" in texts(app)
    assert app.query_params["q"].startswith("ds:")


def test_words_have_a_picture_where_queries_have_one() -> None:
    words = Words.of_ref("tx:a dog")

    assert words is not None
    assert words.picture().startswith("data:image/webp;base64,")
    assert words.picture() != Words("a cat").picture()
    assert Words.of_ref("ds:4") is None
