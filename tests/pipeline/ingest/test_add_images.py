"""Adding images: old rows stay, readers see the old or the new, and a stop leaves the old."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipeline.datasets.dataset import DatasetError, load_dataset
from pipeline.datasets.problems import read_problems
from pipeline.datasets.split_choice import SplitChoice
from pipeline.files import write_atomic
from pipeline.ingest.add_images import add_images
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.source import Source
from pipeline.ingest.sources import SourceRequest, open_source
from pipeline.settings import Settings
from tests.factories import imported, png, write_images
from tests.layout_writers import put


def more(folder: Path) -> Source:
    """Two new images, one of a new class, and one that is there already."""
    put(folder, "dots/new.png", png((1, 2, 3)))
    put(folder, "stars/000.png", png((3, 2, 1)))
    return open_source("folder", SourceRequest(name="more", path=folder))


@pytest.fixture
def folder(tmp_path: Path, image_folder: Path) -> Path:
    put(tmp_path / "more", "dots/000.jpg", (image_folder / "dots" / "000.jpg").read_bytes())
    return tmp_path / "more"


def test_new_images_are_appended_and_known_ones_left_out(
    image_folder: Path, folder: Path, settings: Settings
) -> None:
    before = imported(image_folder, settings)

    after = add_images("shapes", more(folder), settings)

    assert (len(after), after.info.n) == (42, 42)
    pd.testing.assert_frame_equal(after.manifest.iloc[:40], before.manifest)
    assert after.manifest["image_id"].tolist()[40:] == ["dots/new.png", "stars/000.png"]
    assert "stars" in after.label_set().classes
    assert after.info.grown_from == ((before.info.fingerprint, 40),)
    assert after.info.fingerprint != before.info.fingerprint
    assert [after.load_image(row).size for row in (40, 41)] == [(8, 8), (8, 8)]
    assert not list(settings.datasets_path.glob(".*.adding"))


def test_adding_twice_keeps_the_history(
    image_folder: Path, folder: Path, settings: Settings
) -> None:
    imported(image_folder, settings)
    add_images("shapes", more(folder), settings)
    put(folder, "dots/000 again.png", png((9, 9, 9)))

    after = add_images("shapes", open_source("folder", SourceRequest(path=folder)), settings)

    assert [n for _, n in after.info.grown_from] == [40, 42]
    assert len(list(after.folder.glob("manifest*.parquet"))) == 2  # this one and the last
    with pytest.raises(DatasetError, match="no image of more is new to 'shapes'"):
        add_images("shapes", open_source("folder", SourceRequest(path=folder)), settings)


def test_a_name_that_is_taken_by_another_image_gets_the_source_in_front(
    tmp_path: Path, image_folder: Path, settings: Settings
) -> None:
    imported(image_folder, settings)
    put(tmp_path / "more", "dots/000.jpg", png((5, 5, 5)))
    put(tmp_path / "more", "cross/x.jpg", png((6, 5, 5)))

    after = add_images(
        "shapes", open_source("folder", SourceRequest(path=tmp_path / "more")), settings
    )

    assert after.manifest["image_id"].is_unique
    assert "more:dots/000.jpg" in after.manifest["image_id"].tolist()


def test_a_stopped_addition_leaves_the_data_set_as_it_was(
    image_folder: Path, folder: Path, settings: Settings
) -> None:
    before = imported(image_folder, settings)

    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add_images("shapes", more(folder), settings, on_progress=stop)

    after = load_dataset("shapes", settings)
    assert after.info == before.info
    assert len([*after.folder.rglob("*.*")]) == len([*before.folder.rglob("*.*")])
    assert len(add_images("shapes", more(folder), settings)) == 42


def test_a_kill_before_the_switch_leaves_a_manifest_that_nobody_reads(
    image_folder: Path, folder: Path, settings: Settings
) -> None:
    before = imported(image_folder, settings)
    add_images("shapes", more(folder), settings)
    facts = before.folder / "dataset.json"
    write_atomic(facts, before.info.model_dump_json())  # as if dataset.json came never

    assert len(load_dataset("shapes", settings)) == 40
    assert len(add_images("shapes", more(folder), settings)) == 42


def test_new_images_join_the_database_of_a_split(
    image_folder: Path, folder: Path, settings: Settings
) -> None:
    source = open_source("folder", SourceRequest(name="shapes", path=image_folder))
    import_dataset(source, settings, split=SplitChoice(how="stratified"))

    after = add_images("shapes", more(folder), settings)

    assert after.manifest["split"].tolist()[40:] == ["database", "database"]


def test_other_label_sets_are_refused(
    tmp_path: Path, image_folder: Path, settings: Settings
) -> None:
    imported(image_folder, settings)
    put(tmp_path / "flat", "1.png", png((5, 5, 5)))

    with pytest.raises(DatasetError, match=r"label sets \['class'\], the new images \[\]"):
        add_images("shapes", open_source("folder", SourceRequest(path=tmp_path / "flat")), settings)


def table_of(root: Path, *rows: tuple[int, str]) -> Source:
    """Images by colour, with labels in a table."""
    for red, _ in rows:
        put(root, f"img/{red}.png", png((red, 0, 0)))
    lines = [f"img/{red}.png,{labels}" for red, labels in rows]
    header = "path,label,split" if "," in rows[0][1] else "path,label"
    put(root, "labels.csv", "\n".join([header, *lines]))
    return open_source("folder", SourceRequest(name=root.name, path=root))


def test_new_images_with_several_labels_make_the_set_multi_label_and_that_is_said(
    tmp_path: Path, settings: Settings
) -> None:
    import_dataset(table_of(tmp_path / "base", (1, "a"), (2, "b")), settings)

    after = add_images("base", table_of(tmp_path / "more", (3, "a|b"), (4, "a")), settings)

    assert after.label_set().kind == "multi"
    said = [p.reason for p in read_problems(after.folder / "problems.csv")]
    assert said == [
        "label set 'class' becomes multi-label: new images with several labels: 1",
    ]


def test_lists_of_one_label_each_leave_the_set_as_it_is(tmp_path: Path, settings: Settings) -> None:
    import_dataset(table_of(tmp_path / "base", (1, "a"), (2, "b")), settings)

    after = add_images("base", table_of(tmp_path / "more", (3, '"[""a""]"')), settings)

    assert after.label_set().kind == "single"


def test_a_known_image_with_other_labels_keeps_them_and_is_listed_once(
    tmp_path: Path, settings: Settings
) -> None:
    import_dataset(table_of(tmp_path / "base", (1, "a"), (2, "b")), settings)

    add_images("base", table_of(tmp_path / "more", (1, "b"), (2, "b"), (3, "a")), settings)
    with pytest.raises(DatasetError, match="those with other labels there: 1, which stay"):
        add_images("base", table_of(tmp_path / "again", (1, "b"), (3, "a")), settings)

    after = load_dataset("base", settings)
    assert after.label_names(after.label_set())[0] == ("a",)
    listed = [p for p in read_problems(after.folder / "problems.csv") if p.is_a("relabelled")]
    assert [(p.file, p.action) for p in listed] == [("img/1.png", "noted")]
    assert "(a; now b); kept as here" in listed[0].reason


def test_new_images_whose_classes_are_all_unknown_are_said(
    tmp_path: Path, settings: Settings
) -> None:
    import_dataset(table_of(tmp_path / "base", (1, "0"), (2, "1")), settings)

    after = add_images("base", table_of(tmp_path / "more", (3, "cat"), (4, "dog")), settings)

    said = read_problems(after.folder / "problems.csv")[0].reason
    assert said == (
        "label set 'class': no class of the new images (cat, dog) is one of 'base' (0, 1)"
    )


def test_classes_that_differ_in_case_from_known_ones_are_said(
    tmp_path: Path, settings: Settings
) -> None:
    import_dataset(table_of(tmp_path / "base", (1, "cat"), (2, "dog")), settings)

    after = add_images("base", table_of(tmp_path / "more", (3, "Cat"), (4, "dog")), settings)

    said = read_problems(after.folder / "problems.csv")[0].reason
    assert said == "label set 'class': classes that differ in case: Cat beside cat"


def test_parts_of_a_split_that_do_not_fit_what_is_there_are_said(
    tmp_path: Path, settings: Settings
) -> None:
    import_dataset(table_of(tmp_path / "drawn", (1, "a"), (2, "b")), settings)
    import_dataset(
        table_of(tmp_path / "given", (1, "a,train"), (2, "b,test")), settings, again=True
    )

    add_images("drawn", table_of(tmp_path / "more", (3, "a,train"), (4, "b,test")), settings)
    add_images("given", table_of(tmp_path / "other", (1, "a,test"), (3, "b,train")), settings)

    first, second = (
        [p.reason for p in read_problems(load_dataset(name, settings).folder / "problems.csv")]
        for name in ("drawn", "given")
    )
    assert first == [
        "the new images have parts of a split and those of the data set have none: "
        "the split stays as it is drawn"
    ]
    assert "in another part of the split (train; now query); kept as here" in second[0]


def test_an_unknown_data_set_is_named(tmp_path: Path, settings: Settings) -> None:
    source = open_source("folder", SourceRequest(path=write_images(tmp_path / "x", per_class=1)))

    with pytest.raises(DatasetError, match="unknown data set 'nothing'"):
        add_images("nothing", source, settings)
