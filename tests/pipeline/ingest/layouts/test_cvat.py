"""CVAT exports: subsets with equal names, encodings, and videos, which are not read."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.ingest.folder_tree import folder_tree
from pipeline.ingest.layouts.cvat import why_unread
from pipeline.ingest.source import Source
from pipeline.ingest.sources import SourceRequest
from pipeline.ingest.sources.folder import open_files
from tests.layout_writers import pictures, put


def opened(root: Path, images: list[str], xml: str, encoding: str = "utf-8") -> Source:
    for name, one in zip(images, pictures(len(images)), strict=True):
        put(root, name, one.content)
    put(root, "annotations.xml", xml.encode(encoding))
    return open_files(SourceRequest(name="set", path=root)).source


def export(*images: str, head: str = "") -> str:
    return f"{head}<annotations><version>1.1</version>{''.join(images)}</annotations>"


def image(name: str, label: str, subset: str = "") -> str:
    return f'<image name="{name}" subset="{subset}"><box label="{label}"/></image>'


def facts(source: Source) -> list[tuple[str, ...]]:
    return [(item.image_id, *item.labels["objects"], item.split) for item in source.items]


@pytest.mark.parametrize("folders", [("Train", "Test"), ("train", "test")])
def test_equal_names_are_told_apart_by_the_folders_of_their_subsets(
    tmp_path: Path, folders: tuple[str, str]
) -> None:
    names = [f"images/{folder}/1.png" for folder in folders]
    text = export(image("1.png", "cat", "Train"), image("1.png", "dog", "Test"))

    source = opened(tmp_path / "set", names, text)

    assert sorted(facts(source)) == sorted([(names[0], "cat", "train"), (names[1], "dog", "query")])


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ('<?xml version="1.0" encoding="gbk"?>', "gbk"),
        ('<?xml version="1.0" encoding="utf-16"?>', "utf-16"),
        (f"<!-- {'x' * 5000} -->", "utf-8"),
    ],
)
def test_an_export_is_found_in_any_encoding_and_after_any_comment(
    tmp_path: Path, head: str, encoding: str
) -> None:
    text = export(image("1.png", "猫"), head=head)

    assert facts(opened(tmp_path / "set", ["1.png"], text, encoding)) == [("1.png", "猫", "")]


@pytest.mark.parametrize(
    ("text", "is_video"),
    [
        (export('<track id="0" label="cat"><box frame="0"/></track>'), True),
        (export(image("1.png", "cat")), False),
        ("<annotation><track/></annotation>", False),
        ("<annotations", False),
    ],
)
def test_an_export_for_video_is_called_so(tmp_path: Path, text: str, is_video: bool) -> None:
    put(tmp_path / "set", "annotations.xml", text)
    file = folder_tree(tmp_path / "set").files[0]

    assert why_unread(file).startswith("a CVAT export for video") == is_video
