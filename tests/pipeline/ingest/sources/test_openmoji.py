"""OpenMoji: the built-in data set, from installed packages alone."""

from collections import Counter

import numpy as np
import pytest

from pipeline.images import load_rgb
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.source import Source
from pipeline.ingest.sources import SourceRequest, open_source


@pytest.fixture(scope="module")
def plain() -> Source:
    return open_source("openmoji", SourceRequest())


@pytest.fixture(scope="module")
def varied() -> Source:
    return open_source("openmoji", SourceRequest(variants=True))


def item(source, image_id):
    return next(item for item in source.items if item.image_id == image_id)


def test_there_are_enough_drawings_in_every_category(plain):
    counts = Counter(item.labels["category"] for item in plain.items)

    assert len(plain.items) > 1800
    assert 8 <= len(counts) <= 10
    assert min(counts.values()) > 50
    assert all(len(category) == 1 for category in counts)


def test_plain_skin_tone_squares_are_left_out(plain):
    assert ("Component",) not in {item.labels["category"] for item in plain.items}


def test_tags_are_words_of_the_name_that_are_common_enough(plain):
    counts = Counter(tag for item in plain.items for tag in item.labels["tags"])

    assert min(counts.values()) >= 12
    assert counts["face"] > 50
    assert not {"with", "and", "the"} & {*counts}
    cat = item(plain, "1F63A")  # smiling cat face with open mouth
    assert {"cat", "face"} <= {*cat.labels["tags"]}
    assert "cat" in cat.text


def test_a_drawing_is_rasterised_on_white_the_same_every_time(plain):
    apple = item(plain, "1F34E")

    image = load_rgb(apple.read())

    assert image.size == (224, 224)
    assert image.getpixel((0, 0)) == (255, 255, 255)
    assert np.asarray(image).std() > 20
    assert apple.read() == apple.read()


def test_a_drawing_is_found_whether_or_not_its_name_has_a_variation_selector(plain):
    with_selector = [item for item in plain.items if "-FE0F" in item.image_id]

    assert len(with_selector) > 50
    assert load_rgb(with_selector[0].read()).size == (224, 224)


def test_variants_of_an_emoji_are_one_group_with_its_labels(plain, varied):
    hand, light = item(varied, "1F44B"), item(varied, "1F44B-1F3FB")

    assert light.group == hand.group
    assert light.labels == hand.labels
    assert len(varied.items) > len(plain.items) + 1000
    assert varied.identity != plain.identity


def test_names_are_unique_and_none_of_them_is_missing(varied):
    names = [item.image_id for item in varied.items]

    assert len(set(names)) == len(names)
    assert not {*names} & {name for name, _ in varied.problems}


def test_the_licence_travels_with_the_data(plain, settings):
    few = Source(**{**vars(plain), "items": plain.items[:12], "identity": "few"})

    info = import_dataset(few, settings).info

    assert "CC" in info.licence
    assert "OpenMoji" in info.attribution
    assert "https://" in info.attribution
    assert [labels.kind for labels in info.label_sets] == ["single", "multi"]
    assert info.n == 12
