"""Labels that come later are joined one to one; what does not match is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.datasets.dataset import DatasetError, RetrievalDataset, load_dataset
from pipeline.datasets.protocols import PROTOCOLS
from pipeline.datasets.split import make_split
from pipeline.ingest import add_images as adding
from pipeline.ingest.add_images import add_images
from pipeline.ingest.add_labels import Joined, add_labels
from pipeline.ingest.layouts.reading import ReadOptions
from pipeline.ingest.source import Item, Source
from pipeline.settings import Settings
from tests.factories import half_labelled, png, unlabelled


@pytest.fixture
def halves(settings: Settings, tmp_path: Path) -> RetrievalDataset:
    return half_labelled(tmp_path / "halves", settings)


def label(settings: Settings, lines: str, name: str = "halves", **options: object) -> Joined:
    text = lines.replace(" ", "\n")
    return add_labels(name, "later.csv", text.encode(), settings, **options)  # type: ignore[arg-type]


def later(settings: Settings, label_set: str, name: str = "halves") -> dict[str, tuple[str, ...]]:
    dataset = load_dataset(name, settings)
    names = dataset.label_names(dataset.label_set(label_set))
    images = zip(dataset.manifest["image_id"], names, strict=True)
    return {image: own for image, own in images if own}


def test_labels_are_joined_by_name_and_what_does_not_match_is_counted_on_both_sides(
    settings: Settings, halves: RetrievalDataset
) -> None:
    joined = label(settings, "file,colour 00.jpg,red 03.png,blue 02.jpg, x.png,red y.png,blue")

    assert later(settings, "colour") == {"00": ("red",), "03": ("blue",)}
    assert (joined.n_labelled, joined.n_named, joined.n_images) == (2, 3, 40)
    assert (joined.n_rows, joined.unmatched) == (5, ("x.png", "y.png"))
    assert "2 of 40 images have a label in 'colour', 2 classes; 37 images are not in" in (
        joined.sentence
    )
    assert "2 of 5 rows of the table name no image (x.png, y.png)" in joined.sentence
    dataset = load_dataset("halves", settings)
    assert [labels.name for labels in dataset.info.label_sets] == ["class", "colour"]
    assert dataset.label_names(dataset.label_set("class")) == halves.label_names(
        halves.label_set("class")
    )
    assert dataset.info.fingerprint != halves.info.fingerprint
    assert halves.info.fingerprint in dataset.info.same_images
    assert "queries are drawn anew" in joined.next_step
    assert joined.command("halves").startswith("python -m pipeline run --dataset halves ")
    assert dataset.info.n_problems == halves.info.n_problems


def test_names_paths_and_ids_are_found(settings: Settings, halves: RetrievalDataset) -> None:
    for column, cells in (("file", ("/data/x/00.jpg", "01.png")), ("id", ("00", "01"))):
        lines = f"{column},{column}kind {cells[0]},a {cells[1]},b"
        label(settings, lines)

        assert later(settings, f"{column}kind") == {"00": ("a",), "01": ("b",)}


def test_cells_with_several_labels_make_a_multi_label_set(
    settings: Settings, halves: RetrievalDataset
) -> None:
    joined = label(settings, "file,tags 00.jpg,a|b 01.png,b 02.jpg,a|c")

    assert joined.labels.kind == "multi"
    assert later(settings, "tags") == {"00": ("a", "b"), "01": ("b",), "02": ("a", "c")}


def test_one_hot_columns_need_a_name(settings: Settings, halves: RetrievalDataset) -> None:
    lines = "file,cat,dog 00.jpg,1,0 01.png,0,1 02.jpg,1,1"
    with pytest.raises(DatasetError, match="name the label set with --as"):
        label(settings, lines)

    assert label(settings, lines, label_set="pets").labels.classes == ("cat", "dog")
    assert later(settings, "pets")["02"] == ("cat", "dog")


@pytest.mark.parametrize(
    ("lines", "options", "reason"),
    [
        ("file,class 00.jpg,red 01.png,blue", {}, "a label set 'class' already, which stays"),
        ("file,colour x.jpg,red y.png,blue", {}, "no row of later.csv names an image"),
        ("file,colour 00.jpg, 01.png,", {}, "has no labels"),
        ("file,colour 00.jpg,a 01.png,b", {"label_set": "a/b"}, "label set name 'a/b' must be"),
        (
            "file,colour,size 00.jpg,red,1 01.png,blue,2",
            {"options": ReadOptions(label_columns=("colour", "size"))},
            "several columns of labels",
        ),
        (
            "file,colour 00.jpg,red",
            {"options": ReadOptions(label_columns=("shade",))},
            "unknown column 'shade'",
        ),
    ],
)
def test_what_cannot_be_joined_changes_nothing(
    settings: Settings, halves: RetrievalDataset, lines: str, options: dict, reason: str
) -> None:
    with pytest.raises(DatasetError, match=reason):
        label(settings, lines, **options)

    assert load_dataset("halves", settings).info == halves.info


def test_only_tables_are_read(settings: Settings, halves: RetrievalDataset) -> None:
    with pytest.raises(DatasetError, match=r"photo\.png is no table"):
        add_labels("halves", "photo.png", png(), settings)
    with pytest.raises(DatasetError, match="unknown data set 'gone'"):
        add_labels("gone", "a.csv", b"file,kind", settings)


def test_a_joining_that_is_cut_off_changes_nothing(
    settings: Settings, halves: RetrievalDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(adding, "write_atomic", full)
    with pytest.raises(OSError, match="no space"):
        label(settings, "file,colour 00.jpg,red 01.png,blue")
    monkeypatch.undo()

    assert load_dataset("halves", settings).info == halves.info
    label(settings, "file,colour 00.jpg,red 01.png,blue")


def test_images_that_are_added_after_have_no_such_label(
    settings: Settings, halves: RetrievalDataset
) -> None:
    label(settings, "file,colour 00.jpg,red 01.png,blue")
    items = [Item("new", lambda: png((9, 8, 7)), {"class": ("dots",)})]
    facts = {"title": "", "summary": "", "licence": "", "attribution": "", "identity": "3"}
    source = Source(name="more", items=items, kinds={"class": "single"}, **facts)  # type: ignore[arg-type]

    grown = add_images("halves", source, settings)

    assert len(grown) == 41
    assert grown.label_names(grown.label_set("colour"))[40] == ()
    assert grown.label_set("colour").came_later
    assert grown.label_set("colour").split_by is None  # of images that had no class
    assert grown.info.same_images == (grown.info.fingerprint,)


def test_splits_by_them_are_those_from_before(settings: Settings) -> None:
    """Nothing is drawn again, so that codes of earlier runs can be measured."""
    unlabelled(settings)
    before = load_dataset("bare", settings)
    rows = " ".join(f"{i},{'ab'[i % 2]}" for i in range(20))
    joined = label(settings, f"id,kind {rows}", "bare")
    dataset = load_dataset("bare", settings)
    whole = make_split(before, PROTOCOLS["holdout"], None, 0)
    assert joined.command("bare") == "python -m pipeline evaluate RUN --labels 'kind'"
    split = make_split(dataset, PROTOCOLS["holdout"], dataset.label_set("kind"), 0)

    for part in ("query", "database", "train"):
        rows_then = getattr(whole, part)
        assert getattr(split, part).tolist() == rows_then[rows_then < 20].tolist()
    assert np.isin(split.query, whole.query).all()
