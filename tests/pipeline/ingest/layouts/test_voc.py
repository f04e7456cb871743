"""Pascal VOC as it comes from labelling programs, and as it was published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.ingest.source import Source
from pipeline.ingest.sources import SourceRequest
from pipeline.ingest.sources.folder import open_files
from tests.layout_writers import pictures, put


def source_of(root: Path) -> Source:
    return open_files(SourceRequest(name="set", path=root)).source


def labels_of(source: Source) -> dict[str, tuple[str, ...]]:
    return {item.image_id: item.labels.get("objects", ()) for item in source.items}


def put_named(root: Path, names: Sequence[str]) -> None:
    for name, one in zip(names, pictures(len(names)), strict=True):
        put(root, name, one.content)


def annotation(name: str, label: str) -> str:
    return (
        f"<annotation><filename>{name}</filename><object><name>{label}</name></object></annotation>"
    )


@pytest.mark.parametrize(
    ("declared", "encoding", "label"),
    [
        ("ISO-8859-1", "latin-1", "bär"),
        ("gbk", "gbk", "猫"),
        ("GB2312", "gbk", "镕"),  # a character of GBK that GB2312 lacks
        ("utf-16", "utf-16", "猫"),
        ("utf-16", "utf-8", "猫"),
        ("utf-8", "utf-8-sig", "猫"),
        ("", "utf-16-le", "cat"),
    ],
)
def test_an_annotation_is_read_in_the_encoding_that_it_declares(
    tmp_path: Path, declared: str, encoding: str, label: str
) -> None:
    put_named(tmp_path / "set", ["images/1.png"])
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    put(tmp_path / "set", "ann/1.xml", (head + annotation("1.png", label)).encode(encoding))

    assert labels_of(source_of(tmp_path / "set")) == {"images/1.png": (label,)}


@pytest.mark.parametrize("before", ["\n", "  \r\n", "\ufeff", "\ufeff\n"])
def test_blanks_and_marks_before_the_declaration_do_not_matter(tmp_path: Path, before: str) -> None:
    put_named(tmp_path / "set", ["images/1.png"])
    text = f'{before}<?xml version="1.0"?>\n{annotation("1.png", "cat")}'
    put(tmp_path / "set", "ann/1.xml", text)

    assert labels_of(source_of(tmp_path / "set")) == {"images/1.png": ("cat",)}


def test_bytes_that_are_not_in_the_declared_encoding_cost_their_file(tmp_path: Path) -> None:
    put_named(tmp_path / "set", ["images/1.png", "images/2.png"])
    head = '<?xml version="1.0" encoding="utf-8"?>'
    put(tmp_path / "set", "ann/1.xml", (head + annotation("1.png", "bär")).encode("latin-1"))
    put(tmp_path / "set", "ann/2.xml", head + annotation("2.png", "cat"))

    source = source_of(tmp_path / "set")

    assert labels_of(source) == {"images/2.png": ("cat",)}
    assert "'utf-8' codec can't decode" in {p.file: p.reason for p in source.problems}["ann/1.xml"]


def test_an_annotation_belongs_to_the_image_that_has_its_name_whatever_is_named_inside(
    tmp_path: Path,
) -> None:
    """A template's name in all files, and names from before the files were numbered."""
    root = tmp_path / "set"
    put_named(root, [f"images/{i}.png" for i in range(3)])
    for i, label in enumerate(("cat", "dog", "cow")):
        put(root, f"ann/{i}.xml", annotation("0.png", label))

    source = source_of(root)

    assert labels_of(source) == {
        "images/0.png": ("cat",),
        "images/1.png": ("dog",),
        "images/2.png": ("cow",),
    }
    assert "named like: 2, such as ann/1.xml, which names '0.png'" in " ".join(source.warnings)


def test_an_annotation_without_an_image_of_its_name_goes_by_the_name_inside(tmp_path: Path) -> None:
    root = tmp_path / "set"
    put_named(root, ["images/a.png", "images/b.png"])
    put(root, "ann/1.xml", annotation("a.png", "cat"))
    put(root, "ann/2.xml", annotation("C:\\old\\b.JPG", "dog"))

    source = source_of(root)

    assert labels_of(source) == {"images/a.png": ("cat",), "images/b.png": ("dog",)}
    assert not source.warnings


@pytest.mark.parametrize(
    ("xml", "named"), [("Annotations/{}/0.xml", "{}/0.png"), ("xml/{}.xml", "{}/0.png")]
)
def test_folders_tell_equal_names_apart(tmp_path: Path, xml: str, named: str) -> None:
    root = tmp_path / "set"
    put_named(root, ["JPEGImages/a/0.png", "JPEGImages/b/0.png"])
    for folder, label in (("a", "cat"), ("b", "dog")):
        put(root, xml.format(folder), annotation(named.format(folder), label))

    assert labels_of(source_of(root)) == {
        "JPEGImages/a/0.png": ("cat",),
        "JPEGImages/b/0.png": ("dog",),
    }


def put_year(root: Path, label: str, parts: dict[str, list[str]], *, first: int) -> None:
    """A year of the challenge with its lists of all classes, of single classes and of tasks."""
    some = iter(pictures(30)[first:])
    for stem in sorted({stem for stems in parts.values() for stem in stems}):
        put(root, f"JPEGImages/{stem}.png", next(some).content)
        put(root, f"Annotations/{stem}.xml", annotation(f"{stem}.png", label))
    for part, stems in parts.items():
        put(root, f"ImageSets/Main/{part}.txt", "\n".join(stems) + "\n")
        signs = [f"{stem} {(-1) ** i:2d}" for i, stem in enumerate(stems)]
        for name in ("cat", "dog"):
            put(root, f"ImageSets/Main/{name}_{part}.txt", "\n".join(signs) + "\n")
        put(root, f"ImageSets/Layout/{part}.txt", f"{stems[0]} 1\n")
    held = next(iter(parts.values()))[0]
    put(root, "ImageSets/Segmentation/val.txt", f"{held}\n")
    for folder in ("SegmentationClass", "SegmentationObject"):
        put(root, f"{folder}/{held}.png", next(some).content)


def test_the_published_challenges_beside_each_other_are_read_with_their_lists(
    tmp_path: Path,
) -> None:
    """Lists of single classes name the images of a part with 1 and -1, as hashing lists do."""
    old = {"train": ["1", "2"], "val": ["3"], "trainval": ["1", "2", "3"], "test": ["4"]}
    new = {"train": ["2", "4"], "val": ["1"], "trainval": ["1", "2", "4"]}
    put_year(tmp_path / "set" / "VOCdevkit" / "VOC2007", "cat", old, first=0)
    put_year(tmp_path / "set" / "VOCdevkit" / "VOC2012", "dog", new, first=10)

    found = open_files(SourceRequest(name="set", path=tmp_path / "set"))

    assert found.guesses[0].layout == "voc"
    assert [
        (item.image_id.replace("/JPEGImages", ""), *item.labels["objects"], item.split)
        for item in found.source.items
    ] == [
        ("VOC2007/1.png", "cat", "train"),
        ("VOC2007/2.png", "cat", "train"),
        ("VOC2007/3.png", "cat", "database"),
        ("VOC2007/4.png", "cat", "query"),
        ("VOC2012/1.png", "dog", "database"),
        ("VOC2012/2.png", "dog", "train"),
        ("VOC2012/4.png", "dog", "train"),
    ]
    assert not found.source.warnings
    assert {problem.file.split("/")[1] for problem in found.source.problems} == {
        "SegmentationClass",
        "SegmentationObject",
    }


def test_lists_of_single_classes_give_the_parts_where_there_are_no_others(tmp_path: Path) -> None:
    root = tmp_path / "set"
    put_named(root, ["JPEGImages/1.png", "JPEGImages/2.png"])
    for stem, label, part in (("1", "cat", "train"), ("2", "dog", "val")):
        put(root, f"Annotations/{stem}.xml", annotation(f"{stem}.png", label))
        for name in ("cat", "dog"):
            put(root, f"ImageSets/Main/{name}_{part}.txt", f"{stem}  1\n")

    source = source_of(root)

    assert [(*item.labels["objects"], item.split) for item in source.items] == [
        ("cat", "train"),
        ("dog", "query"),
    ]
