"""Tags: put, taken, kept by several at once, and never lost to a damaged file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.annotations.tags import LONGEST, TagError, Tags, tag_table
from pipeline.datasets.dataset import load_dataset
from pipeline.settings import Settings

A, B = "a" * 64, "b" * 64


@pytest.fixture
def tags(tmp_path) -> Tags:
    return Tags.of("pets", Settings(home=tmp_path))


def test_tags_are_put_and_taken(tags: Tags):
    assert tags.all() == {}

    tags.put([A, B], "  bad \n label ")
    tags.put([A], "review")
    tags.put([A], "review")
    assert tags.all() == {A: ("bad label", "review"), B: ("bad label",)}

    tags.take([A, B], "bad label")
    tags.take([B], "never there")
    assert tags.all() == {A: ("review",)}


@pytest.mark.parametrize("tag", ["", " \n", "x" * (LONGEST + 1)])
def test_a_tag_of_no_use_is_refused(tags: Tags, tag: str):
    with pytest.raises(TagError, match="1 to 40 characters"):
        tags.put([A], tag)
    assert tags.all() == {}


@pytest.mark.parametrize("content", ["", "[]", '{"a": "review"}'])
def test_a_damaged_file_is_named_and_not_replaced(tags: Tags, content: str):
    tags.path.parent.mkdir(parents=True)
    tags.path.write_text(content, "utf-8")

    with pytest.raises(TagError, match=r"pets\.json is damaged"):
        tags.put([A], "review")
    assert tags.path.read_text("utf-8") == content


@pytest.mark.parametrize("name", ["", "../pets", "a/b"])
def test_a_name_that_is_none_is_refused(tmp_path, name: str):
    with pytest.raises(ValueError, match="no name of a data set"):
        Tags.of(name, Settings(home=tmp_path))


def test_several_at_once_lose_nothing(tags: Tags):
    names = [f"tag {number}" for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: tags.put([A], name), names))

    assert set(tags.all()[A]) == set(names)


def test_the_table_names_images_of_the_data_set_only(own_library: Settings):
    dataset = load_dataset("shapes", own_library)
    image = str(dataset.manifest["sha256"].iloc[3])

    table = tag_table(dataset, {image: ("odd", "review"), A: ("gone",)})

    assert table.to_dict("records") == [
        {"image": dataset.manifest["image_id"].iloc[3], "sha256": image, "tags": "odd; review"}
    ]
