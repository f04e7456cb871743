"""Every layout gives the same images, labels and parts, from a folder and from archives."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.datasets.dataset import DatasetError, RetrievalDataset
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.layouts import list_layouts
from pipeline.ingest.layouts.reading import ReadOptions
from pipeline.ingest.source import Source
from pipeline.ingest.sources import SourceRequest
from pipeline.ingest.sources.folder import Opened, open_files
from pipeline.settings import Settings
from tests.layout_writers import (
    ANY,
    BOXES,
    SINGLE,
    Picture,
    Writer,
    class_folders,
    csv_table,
    parquet_with_images,
    pictures,
    put,
    put_images,
    tarred,
    with_many,
    zipped,
)

CASES = [pytest.param(*case, pictures(), id=name) for name, case in {**SINGLE, **ANY}.items()]
CASES += [
    pytest.param(*case, with_many(pictures()), id=f"{name}, multi") for name, case in ANY.items()
]


def opened(path: Path, **options: object) -> Opened:
    return open_files(
        SourceRequest(name="set", path=path, reading=ReadOptions.model_validate(options))
    )


def content_of(dataset: RetrievalDataset) -> dict[str, tuple[set[str], str]]:
    """Labels and part of every image, by content."""
    names = dataset.label_names(dataset.label_set())
    rows = zip(dataset.manifest["sha256"], names, dataset.manifest["split"], strict=True)
    return {sha256: ({*labels}, split) for sha256, labels, split in rows}


def expected(some: Sequence[Picture]) -> dict[str, tuple[set[str], str]]:
    parts = {"test": "query", "train": "train"}
    return {
        hashlib.sha256(one.content).hexdigest(): ({*one.classes}, parts[one.part]) for one in some
    }


@pytest.mark.parametrize(("layout", "write", "some"), CASES)
def test_every_layout_is_detected_and_gives_the_same_content(
    tmp_path: Path, settings: Settings, layout: str, write: Writer, some: list[Picture]
) -> None:
    found = opened(write(tmp_path / "set", some))

    dataset = import_dataset(found.source, settings)

    assert found.guesses[0].layout == found.reading.layout == layout
    assert found.guesses[0].confidence > 0.8
    assert content_of(dataset) == expected(some)
    is_multi = any(len(one.classes) > 1 for one in some) or layout in BOXES
    is_multi = is_multi or write in (ANY["json"][1], ANY["parquet"][1], ANY["imagefolder"][1])
    is_multi = is_multi or write is ANY["one-hot"][1]
    assert dataset.label_set().kind == ("multi" if is_multi else "single")
    assert dataset.info.default_protocol == "given"
    assert dataset.info.split == "as the source gives it"
    assert not dataset.info.n_problems


@pytest.mark.parametrize("kind", ["zip", "tar", "tgz", "tar.gz", "tar.bz2", "tar.xz"])
@pytest.mark.parametrize("write", [class_folders, csv_table], ids=["folders", "csv"])
def test_an_archive_gives_what_its_folder_gives(
    tmp_path: Path, settings: Settings, kind: str, write: Writer
) -> None:
    folder = write(tmp_path / "set", pictures())
    pack = zipped if kind == "zip" else tarred
    from_folder = import_dataset(opened(folder).source, settings)

    found = opened(pack(folder, tmp_path / f"set.{kind}"))
    from_archive = import_dataset(found.source, Settings(home=tmp_path / "other"))

    assert from_archive.info.fingerprint == from_folder.info.fingerprint
    assert from_archive.info.title == "set"


def test_a_table_can_be_named_itself_with_its_images_elsewhere(tmp_path: Path) -> None:
    csv_table(tmp_path / "set", pictures())
    table = tmp_path / "labels.csv"
    (tmp_path / "set" / "labels.csv").rename(table)

    request = SourceRequest(name="set", path=table, images=tmp_path / "set" / "images")
    found = open_files(request)

    assert found.reading.layout == "table"
    assert len(found.source.items) == 12
    assert found.columns == ("file_name", "label", "split")
    assert found.reading.path_column == "file_name"
    assert found.reading.label_columns == ("label",)


def test_flat_images_are_unlabelled(tmp_path: Path, settings: Settings) -> None:
    put_images(tmp_path / "set", pictures(), ".")

    found = opened(tmp_path / "set")
    dataset = import_dataset(found.source, settings)

    assert found.reading.layout == "flat"
    assert dataset.info.label_sets == ()
    assert dataset.info.default_protocol == "holdout"


def test_the_layout_can_be_overridden(tmp_path: Path) -> None:
    found = opened(csv_table(tmp_path / "set", pictures()), layout="flat")

    assert found.guesses[0].layout == "table"
    assert found.reading.layout == "flat"
    assert found.source.kinds == {}
    with pytest.raises(DatasetError, match=r"unknown layout 'tabel'. Did you mean 'table'"):
        opened(tmp_path / "set", layout="tabel")


def test_a_class_called_train_is_a_class_beside_others(tmp_path: Path) -> None:
    for name in ("bus", "train", "boat"):
        put(tmp_path / "set", f"{name}/1.png", pictures()[len(name)].content)

    items = opened(tmp_path / "set").source.items

    assert {item.labels["class"] for item in items} == {("bus",), ("train",), ("boat",)}
    assert {item.split for item in items} == {""}


def test_the_class_may_be_the_inmost_folder(tmp_path: Path) -> None:
    for number, name in enumerate(("wild/cat", "wild/dog", "tame/cat")):
        put(tmp_path / "set", f"{name}/{number}.png", pictures()[number].content)

    inmost = opened(tmp_path / "set", class_level=-1)
    outmost = opened(tmp_path / "set")

    assert {item.labels["class"][0] for item in inmost.source.items} == {"cat", "dog"}
    assert {item.labels["class"][0] for item in outmost.source.items} == {"wild", "tame"}
    with pytest.raises(DatasetError, match="class level is 1, 2"):
        opened(tmp_path / "set", class_level=0)


def test_the_unlabelled_folder_of_fiftyone_gives_no_label(tmp_path: Path) -> None:
    some = pictures()
    put(tmp_path / "set", "cat/1.png", some[0].content)
    put(tmp_path / "set", "dog/1.png", some[2].content)
    put(tmp_path / "set", "_unlabeled/2.png", some[1].content)

    items = opened(tmp_path / "set").source.items

    assert {item.image_id: item.labels["class"] for item in items} == {
        "cat/1.png": ("cat",),
        "dog/1.png": ("dog",),
        "_unlabeled/2.png": (),
    }


def test_validation_images_are_queries_only_where_there_is_no_test_part(tmp_path: Path) -> None:
    some = pictures()
    for number, part in enumerate(("train", "val", "train", "val")):
        put(tmp_path / "two", f"{part}/cat/{number}.png", some[number].content)
        put(tmp_path / "three", f"{part}/cat/{number}.png", some[number].content)
    put(tmp_path / "three", "test/cat/9.png", some[9].content)

    two = {item.split for item in opened(tmp_path / "two").source.items}
    three = [item.split for item in opened(tmp_path / "three").source.items]

    assert two == {"train", "query"}
    assert (three.count("query"), three.count("database")) == (1, 2)


def test_columns_can_be_named(tmp_path: Path) -> None:
    put_images(tmp_path / "set", pictures(4))
    lines = [f"{i:03d},images/{i:03d}.png,a photo,red/big" for i in range(4)]
    put(tmp_path / "set", "t.csv", "\n".join(["key,where,note,what", *lines]))

    found = opened(
        tmp_path / "set",
        path_column="where",
        label_columns=("what",),
        text_column="note",
        separator="/",
    )

    assert found.reading.layout == "table"
    assert [item.labels for item in found.source.items] == [{"class": ("red", "big")}] * 4
    assert found.source.items[0].text == "a photo"
    with pytest.raises(DatasetError, match=r"unknown column 'were'. Did you mean 'where'"):
        opened(tmp_path / "set", path_column="were", layout="table")


def test_two_label_columns_are_two_label_sets(tmp_path: Path) -> None:
    put_images(tmp_path / "set", pictures(4))
    lines = [f"images/{i:03d}.png,{'ab'[i % 2]},{'cd'[i // 2]}" for i in range(4)]
    put(tmp_path / "set", "t.csv", "\n".join(["path,shape,colour", *lines]))

    found = opened(tmp_path / "set", label_columns=("shape", "colour"))

    assert found.source.kinds == {"colour": "single", "shape": "single"}
    assert found.source.items[3].labels == {"shape": ("b",), "colour": ("d",)}


def test_ids_without_suffix_find_their_files(tmp_path: Path) -> None:
    put_images(tmp_path / "set", pictures(4))
    put(
        tmp_path / "set",
        "train.csv",
        "id,breed\n" + "\n".join(f"{i:03d},b{i % 2}" for i in range(4)),
    )

    found = opened(tmp_path / "set", label_columns=("breed",))

    assert {item.split for item in found.source.items} == {"train"}
    assert len(found.source.items) == 4


@pytest.mark.parametrize(
    ("header", "row", "labels"),
    [
        ("id,breed", "{n},b{n}", "0 1 2 3"),
        ("id,breed", "{n}.0,b{n}", "0 1 2 3"),
        ("id,photo,breed", "{n},00{other}.png,b{n}", "3 2 1 0"),  # ids number the rows only
    ],
)
def test_numbers_find_their_files_where_no_column_names_any(
    tmp_path: Path, header: str, row: str, labels: str
) -> None:
    put_images(tmp_path / "set", pictures(4))
    rows = [row.format(n=i, other=3 - i) for i in range(4)]
    put(tmp_path / "set", "labels.csv", "\n".join([header, *rows]))

    found = opened(tmp_path / "set", label_columns=("breed",))

    assert found.reading.layout == "table"
    assert [item.labels["class"][0] for item in found.source.items] == [
        f"b{n}" for n in labels.split()
    ]


_OTHERWISE = ("parquet with images", "yolo")  # no names of files; every image is taken
NAMING = {name: case[1] for name, case in ANY.items() if name not in _OTHERWISE}


@pytest.mark.parametrize("write", NAMING.values(), ids=NAMING)
def test_files_that_no_label_names_and_names_without_files_are_problems(
    tmp_path: Path, write: Writer
) -> None:
    some = pictures()
    root = write(tmp_path / "set", some)
    gone = next(root.rglob(some[5].name))
    gone.unlink()
    put(root, "stray.png", pictures(40)[30].content)

    source: Source = opened(root).source

    reasons = {
        Path(problem.file.replace(chr(92), "/")).stem: problem.reason for problem in source.problems
    }
    assert {*reasons} == {"005", "stray"}
    assert "not there" in reasons["005"]
    assert "names it" in reasons["stray"] or "not named" in reasons["stray"]
    assert len(source.items) == len(some) - 1


def test_yolo_takes_images_without_boxes_and_names_boxes_without_an_image(tmp_path: Path) -> None:
    root = ANY["yolo"][1](tmp_path / "set", pictures())
    (root / "images" / "train" / "005.png").unlink()
    (root / "labels" / "train" / "001.txt").unlink()
    put(root, "labels/train/002.txt", "a caption")
    put(root, "README.txt", "Some words about this set.")

    source = opened(root).source

    labels = {item.image_id: item.labels["objects"] for item in source.items}
    assert labels["images/train/001.png"] == ()
    assert "images/train/002.png" not in labels
    reasons = {problem.file: problem.reason for problem in source.problems}
    assert reasons["labels/train/005.txt"] == "holds boxes, its image is not there"
    assert reasons["labels/train/002.txt"] == "has lines that are no boxes"


@pytest.mark.parametrize(
    ("content", "reason"),
    [("names: [cat]", "data.yaml names 1 of 3 classes"), ("names: [", "no readable YAML")],
)
def test_yolo_names_that_do_not_fit_are_an_error(tmp_path: Path, content: str, reason: str) -> None:
    root = ANY["yolo"][1](tmp_path / "set", pictures())
    put(root, "data.yaml", content)

    with pytest.raises(DatasetError, match=reason):
        opened(root)


def test_a_query_that_is_also_in_the_database_is_noted(tmp_path: Path) -> None:
    """The leak of a well-known list of the field: all queries are in the database."""
    put_images(tmp_path / "set", pictures(4))
    lines = [f"images/{i:03d}.png 0 1" for i in range(4)]
    put(tmp_path / "set", "database.txt", "\n".join(lines))
    put(tmp_path / "set", "test.txt", lines[0])

    source = opened(tmp_path / "set").source

    assert source.problems == (
        ("images/000.png", "named as query and as database; kept as query", "noted", "leak"),
    )
    assert [item.split for item in source.items].count("query") == 1


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("labels.csv", "\xff\xfe", "labels.csv is no readable table"),
        ("labels.json", "{", "labels.json is no readable table"),
        ("labels.jsonl", '{"path": "1.png"\n{', "labels.jsonl is no readable table: line 1"),
        ("labels.parquet", "PAR1", "labels.parquet is no readable table"),
        ("labels.csv", "a,b\nx,y\n", "has a column with the paths"),
        ("train.txt", "1.png 0 1\n2.png 1\n", "different numbers of classes: .1, 2."),
    ],
)
def test_a_damaged_label_file_is_named(
    tmp_path: Path, name: str, content: str, reason: str
) -> None:
    put(tmp_path / "set", "1.png", pictures()[0].content)
    put(tmp_path / "set", "2.png", pictures()[1].content)
    (tmp_path / "set" / name).write_text(content, "latin-1")
    layout = "hashing_lists" if name.endswith(".txt") else "table"

    with pytest.raises(DatasetError, match=reason):
        opened(tmp_path / "set" / name, layout=layout)


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]><annotation>&a;</annotation>",
        "<!DOCTYPE x [<!ENTITY a 'aaaa'>]><annotation>&a;</annotation>".encode("utf-16"),
        b"<?xml version='1.0' encoding='nowhere'?><annotation/>",
        b"<annotation>",
    ],
    ids=["entities", "entities in UTF-16", "unknown encoding", "torn"],
)
def test_hostile_annotations_are_problems(tmp_path: Path, content: bytes) -> None:
    some = pictures()
    root = ANY["voc"][1](tmp_path / "set", some)
    next(root.rglob("003.xml")).write_bytes(content)

    source = opened(root).source

    problems = {Path(problem.file).name: problem.reason for problem in source.problems}
    assert {*problems} == {"003.xml", "003.png"}
    assert "XML" in problems["003.xml"]


def test_rows_without_a_readable_image_are_problems_and_unknown_classes_no_label(
    tmp_path: Path, settings: Settings
) -> None:
    some = pictures()
    path = parquet_with_images(tmp_path / "set", some) / "train-00000-of-00001.parquet"
    table = pq.read_table(path)
    images, labels = table["image"].to_pylist(), table["label"].to_pylist()
    images[1], images[2] = {"bytes": None, "path": "gone.png"}, {"bytes": b"no image", "path": ""}
    labels[0] = -1
    changed = pa.table({"image": images, "label": labels}).replace_schema_metadata(
        table.schema.metadata
    )
    pq.write_table(changed, path)

    found = opened(path)
    dataset = import_dataset(found.source, settings)

    assert found.reading.layout == "image_rows"
    problems = (dataset.folder / "problems.csv").read_text()
    assert "train-00000-of-00001/00000001,the row holds no image,skipped" in problems
    assert "train-00000-of-00001/00000002" in problems
    assert len(dataset) == len(images) - 2
    assert dataset.label_names(dataset.label_set())[0] == ()
    assert set(dataset.label_set().classes) == {name for one in some for name in one.classes}


def test_bytes_in_a_plain_column_with_named_labels_are_read_row_group_by_row_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = pictures()
    columns = {"jpg": [one.content for one in some], "species": [one.classes[0] for one in some]}
    (tmp_path / "set").mkdir()
    pq.write_table(pa.table(columns), tmp_path / "set" / "rows.parquet", row_group_size=3)
    groups: list[int] = []
    read_group = pq.ParquetFile.read_row_group
    monkeypatch.setattr(
        pq.ParquetFile,
        "read_row_group",
        lambda self, group, *rest: groups.append(group) or read_group(self, group, *rest),
    )

    items = opened(tmp_path / "set").source.items

    assert [item.read() for item in items] == [one.content for one in some]
    assert groups == [0, 1, 2, 3]  # each once, none before it is needed
    assert [item.labels["class"] for item in items] == [one.classes for one in some]
    assert items[0].size > 0


def test_every_layout_has_a_title() -> None:
    written = {case[0] for case in (*SINGLE.values(), *ANY.values())}
    assert {*list_layouts()} == {*written, "flat"}  # each is written by one of the cases above
    assert all(list_layouts().values())
