"""Importing: resumable, all or nothing, every refused file with a reason."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from pipeline.datasets.dataset import DatasetError, RetrievalDataset, list_datasets, load_dataset
from pipeline.datasets.problems import read_problems
from pipeline.datasets.split_choice import SplitChoice
from pipeline.deletions import delete_dataset
from pipeline.images import ImageError
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.source import Item, Source
from pipeline.ingest.sources import SourceRequest, open_source
from pipeline.settings import Settings
from tests.factories import forget_sums, imported, kill, png, python, wait_for_line, write_images

CHILD = """
import sys, time
from pathlib import Path
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.sources import SourceRequest, open_source
from pipeline.settings import Settings

def show(done, total):
    print(done, flush=True)
    time.sleep(0.003)

folder, home = map(Path, sys.argv[1:])
source = open_source("folder", SourceRequest(name="many", path=folder))
print("opened", flush=True)
import_dataset(source, Settings(home=home), on_progress=show)
print("imported", flush=True)
"""


def source_of(contents: dict[str, bytes], name: str = "pictures", identity: str = "1") -> Source:
    """A source whose items hold these bytes; labels are the part before the slash."""
    items = [
        Item(image_id, lambda c=content: c, {"class": (image_id.split("/")[0],)})  # type: ignore[misc]
        for image_id, content in contents.items()
    ]
    return Source(
        name=name,
        title="Pictures",
        summary="Some pictures.",
        licence="none",
        attribution="",
        kinds={"class": "single"},
        items=items,
        identity=identity,
    )


def problems_of(dataset: RetrievalDataset) -> dict[str, str]:
    with (dataset.folder / "problems.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: row["reason"] for row in csv.DictReader(file)}


def images_in(dataset: RetrievalDataset) -> dict[str, bytes]:
    root = dataset.folder / "images"
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def hidden_in(settings: Settings) -> list[str]:
    names = (path.name for path in settings.datasets_path.iterdir())
    return [name for name in names if name.startswith(".") and not name.endswith(".lock")]


def test_an_imported_folder_has_facts_labels_and_images(shapes: RetrievalDataset) -> None:
    labels = shapes.label_set()

    assert (shapes.info.name, len(shapes), shapes.info.n_problems) == ("shapes", 40, 0)
    assert labels.classes == ("circle", "cross", "dots", "stripes")
    assert shapes.labels(labels).sum(axis=0).tolist() == [10, 10, 10, 10]
    assert shapes.load_image(7).size == (24, 24)
    assert shapes.manifest["width"].eq(24).all()
    assert shapes.manifest["sha256"].is_unique


def test_an_import_killed_in_the_middle_is_invisible_and_goes_on_to_the_same_result(
    tmp_path: Path, settings: Settings
) -> None:
    folder = write_images(tmp_path / "many", per_class=75)
    child = python(CHILD, folder, settings.home)
    wait_for_line(child, "60")
    kill(child)

    journal = settings.datasets_path / ".many.part" / "journal.jsonl"
    n_done = len(journal.read_bytes().splitlines())
    assert 60 <= n_done < 300
    assert list_datasets(settings) == []
    with pytest.raises(DatasetError, match="unknown data set 'many'"):
        load_dataset("many", settings)

    with journal.open("ab") as file:  # and the worst case: torn in the middle of a line
        file.write(b'{"image_id": "dots/0')

    def stop_soon(done: int, _total: int) -> None:
        if done == n_done + 5:
            raise KeyboardInterrupt

    source = open_source("folder", SourceRequest(name="many", path=folder))
    with pytest.raises(KeyboardInterrupt):  # and once more
        import_dataset(source, settings, on_progress=stop_soon)
    resumed = imported(folder, settings, "many")
    clean = imported(folder, Settings(home=tmp_path / "clean"), "many")

    assert resumed.info.fingerprint == clean.info.fingerprint
    pd.testing.assert_frame_equal(resumed.manifest, clean.manifest)
    assert images_in(resumed) == images_in(clean)
    assert problems_of(resumed) == problems_of(clean) == {}
    assert hidden_in(settings) == []


def test_what_was_done_is_not_read_again(settings: Settings) -> None:
    read = []
    contents = {f"a/{index}": png((index, 0, 0)) for index in range(6)}
    source = source_of(contents)
    for item in source.items:
        object.__setattr__(item, "read", lambda i=item.image_id: read.append(i) or contents[i])

    def stop_at_four(done: int, _total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_dataset(source, settings, on_progress=stop_at_four)
    import_dataset(source, settings)

    assert read == [f"a/{index}" for index in range(6)]


def test_a_half_done_import_of_other_content_is_dropped(settings: Settings) -> None:
    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_dataset(source_of({"a/0": png((1, 2, 3))}), settings, on_progress=stop)
    dataset = import_dataset(source_of({"b/0": png((9, 9, 9))}, identity="2"), settings)

    assert list(dataset.manifest["image_id"]) == ["b/0"]
    assert len(images_in(dataset)) == 1


def test_unreadable_files_are_listed_with_reasons_and_the_rest_is_taken(settings: Settings) -> None:
    def fail() -> bytes:
        raise PermissionError(13, "Permission denied")

    source = source_of({"a/good": png(), "a/text": b"hello", "a/empty": b"", "a/torn": png()[:40]})
    denied = Item("a/denied", fail, {"class": ("a",)})
    source = Source(**{**vars(source), "items": [*source.items, denied]})

    dataset = import_dataset(source, settings)

    assert list(dataset.manifest["image_id"]) == ["a/good"]
    problems = problems_of(dataset)
    assert list(problems) == ["a/text", "a/empty", "a/torn", "a/denied"]
    assert "is not a JPEG" in problems["a/text"]
    assert "Permission denied" in problems["a/denied"]
    assert dataset.info.n_problems == 4


def test_equal_content_is_kept_once_under_its_first_name(settings: Settings) -> None:
    dataset = import_dataset(
        source_of({"a/1": png(), "b/2": png(), "a/3": png((1, 1, 1))}), settings
    )

    assert list(dataset.manifest["image_id"]) == ["a/1", "a/3"]
    assert problems_of(dataset) == {"b/2": "same content as a/1 with other labels; kept once"}


def test_nothing_usable_is_an_error_and_the_next_try_starts_afresh(settings: Settings) -> None:
    """A disconnected drive: every read fails, later it works, and the identity is the same."""
    contents = {"a/1": b"broken"}
    with pytest.raises(DatasetError, match="no image of Pictures could be taken"):
        import_dataset(source_of(contents), settings)

    dataset = import_dataset(source_of({"a/1": png()}), settings)

    assert len(dataset) == 1


def test_the_same_content_again_is_recognised(image_folder: Path, settings: Settings) -> None:
    first = imported(image_folder, settings)
    reads = []

    again = import_dataset(
        open_source("folder", SourceRequest(name="shapes", path=image_folder)),
        settings,
        on_progress=lambda *step: reads.append(step),
    )

    assert again.info == first.info
    assert reads == []


def test_other_content_under_the_same_name_is_refused(tmp_path: Path, settings: Settings) -> None:
    imported(write_images(tmp_path / "one", per_class=2), settings)

    with pytest.raises(DatasetError, match=r"other content exists; choose another name, or delete"):
        imported(write_images(tmp_path / "two", per_class=3), settings)

    assert len(load_dataset("shapes", settings)) == 8


def test_a_file_replaced_by_another_of_the_same_size_is_other_content(
    tmp_path: Path, settings: Settings
) -> None:
    path = tmp_path / "folder" / "a" / "1.bmp"
    path.parent.mkdir(parents=True)
    path.write_bytes(png((1, 2, 3)))
    imported(tmp_path / "folder", settings)
    path.write_bytes(png((3, 2, 1)))
    os.utime(path, ns=(1, 1))  # as much later as any clock can tell

    with pytest.raises(DatasetError, match="other content exists"):
        imported(tmp_path / "folder", settings)


def test_linked_images_are_not_copied_and_a_changed_one_is_noticed(
    tmp_path: Path, settings: Settings
) -> None:
    folder = write_images(tmp_path / "linked", per_class=2)
    source = open_source("folder", SourceRequest(name="linked", path=folder))

    dataset = import_dataset(source, settings, link=True)

    assert not (dataset.folder / "images").exists()
    assert dataset.load_image(0).size == (24, 24)
    changed = dataset.image_path(0)
    assert changed.is_relative_to(folder)
    changed.write_bytes(png())
    with pytest.raises(ImageError, match="has changed since it was imported"):
        dataset.load_image(0)
    changed.unlink()
    with pytest.raises(ImageError, match="cannot be read: No such file"):
        dataset.load_image(0)


def test_linking_and_copying_are_different_content(image_folder: Path, settings: Settings) -> None:
    imported(image_folder, settings)
    source = open_source("folder", SourceRequest(name="shapes", path=image_folder))

    with pytest.raises(DatasetError, match="other content exists"):
        import_dataset(source, settings, link=True)


def test_a_second_process_is_told_that_the_first_is_at_it(
    tmp_path: Path, settings: Settings
) -> None:
    folder = write_images(tmp_path / "many", per_class=75)
    child = python(CHILD, folder, settings.home)
    wait_for_line(child, "5")

    with pytest.raises(DatasetError, match="'many' is being imported by another process"):
        imported(folder, settings, "many")

    assert "imported" in child.communicate(timeout=60)[0]
    assert len(load_dataset("many", settings)) == 300


@pytest.mark.parametrize(
    "name",
    ["", "..", "../up", "a/b", ".hidden", "UPPER", "ü", "a" * 42, "a b", "-a", "a\n", "/tmp/x"],
)
def test_names_that_could_leave_the_library_are_refused(settings: Settings, name: str) -> None:
    with pytest.raises(DatasetError, match="must be 1 to 41"):
        import_dataset(source_of({"a/1": png()}, name=name), settings)

    for call in (load_dataset, delete_dataset):
        with pytest.raises(DatasetError, match="unknown data set"):
            call(name, settings)


@pytest.mark.parametrize("name", ["shapes/../shapes", "{library}/shapes", "./shapes"])
def test_a_path_to_a_data_set_is_not_its_name(own_library: Settings, name: str) -> None:
    path = name.format(library=own_library.datasets_path.resolve())

    for call in (load_dataset, delete_dataset):
        with pytest.raises(DatasetError, match="unknown data set"):
            call(path, own_library)
    assert load_dataset("shapes", own_library)


def test_strange_image_names_come_back_as_they_are(settings: Settings) -> None:
    names = ["../../etc/passwd", "a b/ü 猫.png", 'quote"comma,.png', "new\nline", "=1+1", "x" * 300]
    contents = {name: png((index, 0, 0)) for index, name in enumerate(names)}

    dataset = import_dataset(source_of({**contents, "bad\nname,": b"no"}), settings)

    assert list(load_dataset("pictures", settings).manifest["image_id"]) == names
    assert list(problems_of(dataset)) == ["bad\nname,"]
    stored = {path.resolve() for path in (dataset.folder / "images").rglob("*.png")}
    assert len(stored) == len(names)
    assert all(path.is_relative_to(dataset.folder.resolve()) for path in stored)


def test_the_fingerprint_tells_content_from_circumstance(
    settings: Settings, tmp_path: Path
) -> None:
    contents = {"a/1": png((1, 0, 0)), "b/2": png((2, 0, 0))}
    first = import_dataset(source_of(contents), settings)
    turned = import_dataset(
        source_of(dict(reversed(contents.items())), name="turned"), Settings(home=tmp_path / "x")
    )
    other = import_dataset(
        source_of({**contents, "b/2": png((3, 0, 0))}, name="other", identity="2"), settings
    )

    assert turned.info.fingerprint == first.info.fingerprint
    assert other.info.fingerprint != first.info.fingerprint


def test_a_deleted_data_set_is_gone_even_after_a_deletion_that_was_interrupted(
    image_folder: Path, settings: Settings
) -> None:
    imported(image_folder, settings)
    remains = settings.datasets_path / ".shapes.deleted" / "images"
    remains.mkdir(parents=True)
    (remains / "left.png").write_bytes(png())

    delete_dataset("shapes", settings)

    assert list_datasets(settings) == []
    assert hidden_in(settings) == []
    assert imported(image_folder, settings).info.n == 40


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda folder: (folder / "dataset.json").write_text("{", "utf-8"), "is damaged"),
        (
            lambda folder: (folder / "manifest.parquet").write_bytes(b"PAR1"),
            "manifest.parquet is damaged",
        ),
        (lambda folder: (folder / "manifest.parquet").unlink(), "manifest.parquet is missing"),
        (lambda folder: rewrite(folder, format=99), "has format 99, this version reads 1"),
        (lambda folder: rewrite(folder, n=39), "has 40 rows, not 39"),
    ],
    ids=["facts", "manifest", "no manifest", "format", "rows"],
)
def test_a_damaged_data_set_is_named(own_library: Settings, damage, reason: str) -> None:
    damage(own_library.datasets_path / "shapes")

    with pytest.raises(DatasetError, match=reason):
        load_dataset("shapes", own_library)


def rewrite(folder: Path, **changes: object) -> None:
    path = folder / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")
    forget_sums(folder)


def test_a_damaged_data_set_does_not_hide_the_others(own_library: Settings) -> None:
    folder = own_library.datasets_path / "shapes"
    shutil.copytree(folder, folder.with_name("broken"))
    (folder.with_name("broken") / "dataset.json").write_text("[]", "utf-8")

    assert [info.name for info in list_datasets(own_library)] == ["shapes"]


def test_an_unknown_name_offers_the_nearest_and_the_command(own_library: Settings) -> None:
    with pytest.raises(DatasetError, match=r"Did you mean 'shapes'.* datasets import shape"):
        load_dataset("shape", own_library)
    with pytest.raises(
        DatasetError, match=r"unknown label set of shapes 'clas'. Did you mean 'class'"
    ):
        load_dataset("shapes", own_library).label_set("clas")


def test_the_same_content_under_another_name_is_recognised_and_leaves_nothing(
    tmp_path: Path, image_folder: Path, settings: Settings
) -> None:
    """By its files at once; by its content when it comes from other files."""
    imported(image_folder, settings)
    copy = shutil.copytree(image_folder, tmp_path / "copy", copy_function=shutil.copyfile)

    for folder in (image_folder, copy):
        with pytest.raises(DatasetError, match="already here as 'shapes'; nothing was imported"):
            imported(folder, settings, "twin")
    second = import_dataset(
        open_source("folder", SourceRequest(name="twin", path=copy)), settings, again=True
    )

    assert hidden_in(settings) == []
    assert second.info.fingerprint == load_dataset("shapes", settings).info.fingerprint


def test_an_import_that_the_disk_cannot_hold_is_not_begun(settings: Settings) -> None:
    source = source_of({"a/1": png()})
    huge = Item("a/2", bytes, {"class": ("a",)}, size=10**18)
    source = Source(**{**vars(source), "items": [*source.items, huge]})

    with pytest.raises(OSError, match=r"1000000000.0 GB are needed .* nothing was written"):
        import_dataset(source, settings)

    assert hidden_in(settings) == []


def test_equal_content_on_both_sides_of_a_given_split_is_a_leak(settings: Settings) -> None:
    items = [
        Item("test/1", png, {"class": ("a",)}, split="query"),
        Item("train/1", png, {"class": ("a",)}, split="train"),
        Item("train/2", lambda: png((1, 1, 1)), {"class": ("a",)}, split="train"),
    ]
    source = Source(**{**vars(source_of({})), "items": items})

    dataset = import_dataset(source, settings)

    assert problems_of(dataset) == {
        "train/1": "same content as test/1 (leak: query and train); kept once"
    }


def test_what_was_converted_is_listed_and_does_not_count_as_refused(settings: Settings) -> None:
    contents = {"a/clear": png((0, 0, 0, 9), mode="RGBA"), "a/plain": png()}

    dataset = import_dataset(source_of(contents), settings)

    assert read_problems(dataset.folder / "problems.csv") == [
        ("a/clear", "transparency on white", "converted", "")
    ]
    assert (len(dataset), dataset.info.n_problems) == (2, 0)


def test_a_split_is_part_of_what_is_imported(image_folder: Path, settings: Settings) -> None:
    source = open_source("folder", SourceRequest(name="shapes", path=image_folder))
    choice = SplitChoice(how="stratified", queries=0.3, seed=7)
    dataset = import_dataset(source, settings, split=choice)

    assert (
        dataset.info.split_summary == "protocol given, seed 7 (stratified by class, 30 % queries)"
    )
    assert (dataset.manifest["split"] == "query").sum() == 12
    assert import_dataset(source, settings, split=choice).info == dataset.info
    with pytest.raises(DatasetError, match="other content exists"):
        import_dataset(source, settings, split=SplitChoice(how="stratified", seed=8))
