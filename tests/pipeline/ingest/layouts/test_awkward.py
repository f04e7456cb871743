"""Label files as they come from other programs and other machines: right labels, or a word."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.layouts.reading import ReadOptions
from pipeline.ingest.source import Source
from pipeline.ingest.sources import SourceRequest
from pipeline.ingest.sources.folder import open_files
from tests.layout_writers import pictures, put, put_images, voc

N = 6
NAMES = [f"{i:03d}.png" for i in range(N)]
PETS = ["cat", "dog"] * 3


def source_of(root: Path, **options: object) -> Source:
    reading = ReadOptions.model_validate(options)
    return open_files(SourceRequest(name="set", path=root, reading=reading)).source


def with_table(root: Path, text: str | bytes, name: str = "labels.csv") -> Path:
    put_images(root, pictures(N), "img")
    put(root, name, text)
    return root


def labels_of(source: Source) -> Mapping[str, tuple[str, ...]]:
    return {
        item.image_id.split("/")[-1]: next(iter(item.labels.values()), ()) for item in source.items
    }


def splits_of(source: Source) -> list[str]:
    return [item.split for item in sorted(source.items, key=lambda item: item.image_id)]


def lines(cells: list[str], header: str = "path,label", prefix: str = "img/") -> str:
    rows = [f"{prefix}{name},{cell}" for name, cell in zip(NAMES, cells, strict=True)]
    return "\n".join([*([header] if header else []), *rows]) + "\n"


def test_a_first_line_that_names_an_image_is_a_row(tmp_path: Path) -> None:
    source = source_of(with_table(tmp_path / "set", lines(PETS, header="")))

    assert labels_of(source) == {n: (p,) for n, p in zip(NAMES, PETS, strict=True)}
    assert "no header" in " ".join(source.notes)


def test_whether_there_is_a_header_can_be_said(tmp_path: Path) -> None:
    """Ids whose first is not there, so that nothing tells a row from names."""
    rows = ["gone,cat", *(f"{name[:-4]},{pet}" for name, pet in zip(NAMES, PETS, strict=True))]
    root = with_table(tmp_path / "set", "\n".join(rows))

    found = source_of(root, header="no")

    assert labels_of(found)["000.png"] == ("cat",)
    assert ("gone", "named in labels.csv, not there") in {p[:2] for p in found.problems}


def test_of_more_columns_without_a_header_the_one_that_repeats_is_the_label(
    tmp_path: Path,
) -> None:
    text = lines([f"{pet},{i}a,{i}b" for i, pet in enumerate(PETS)], header="")

    assert labels_of(source_of(with_table(tmp_path / "set", text)))["001.png"] == ("dog",)


def test_a_table_without_a_column_that_is_recognised_needs_a_look(tmp_path: Path) -> None:
    text = lines([f"{pet},{pet[0]}" for pet in PETS], header="path,what,which")
    root = with_table(tmp_path / "set", text)

    source = source_of(root)

    assert "none of the columns 'what', 'which' was recognised" in source.doubt
    assert labels_of(source_of(root, label_columns=("what",)))["001.png"] == ("dog",)


def test_a_headerless_row_keeps_cells_that_are_equal_or_empty(tmp_path: Path) -> None:
    rows = ["1,0,1", "0,1,0", "1,0,1", "0,1,0", "1,0,1", "0,1,0"]

    source = source_of(with_table(tmp_path / "set", lines(rows, header="")))

    assert labels_of(source)["000.png"] == ("column 2", "column 4")


@pytest.mark.parametrize(
    ("train", "valid"),
    [("train.csv", "val.csv"), ("train/labels.csv", "valid/labels.csv")],
)
def test_tables_of_a_validation_part_give_it(tmp_path: Path, train: str, valid: str) -> None:
    root = tmp_path / "set"
    put_images(root, pictures(N), "img")
    put(root, train, "path,label\nimg/000.png,cat\nimg/001.png,dog\n")
    put(root, valid, "path,label\nimg/002.png,cat\nimg/003.png,dog\n")

    assert splits_of(source_of(root)) == ["train", "train", "query", "query"]


def test_two_tables_that_contradict_each_other_need_a_look(tmp_path: Path) -> None:
    root = with_table(tmp_path / "set", lines(PETS))
    put(root, "predictions.csv", lines(PETS[::-1]))

    source = source_of(root)

    assert "labels.csv and predictions.csv give the same images different labels: 6" in source.doubt


def test_answers_to_be_sent_in_are_no_labels(tmp_path: Path) -> None:
    root = with_table(tmp_path / "set", lines(PETS), "train.csv")
    put(root, "sample_submission.csv", lines(["cat"] * N))

    source = source_of(root)

    assert labels_of(source)["001.png"] == ("dog",)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("classes.txt", "cat\ndog\n"),
        ("classes.txt", "0 cat\n1 dog\n"),
        ("class_names.json", '["cat", "dog"]'),
        ("label_map.json", '{"cat": 0, "dog": 1}'),
        ("label_num_to_disease_map.json", '{"0": "cat", "1": "dog"}'),
        ("id2label.json", '{"0": "cat", "1": "dog"}'),
        ("classes.csv", "id,name\n0,cat\n1,dog\n"),
        ("categories.csv", "cat,0\ndog,1\n"),
    ],
)
def test_class_numbers_have_the_names_of_a_file_beside(
    tmp_path: Path, name: str, text: str
) -> None:
    root = with_table(tmp_path / "set", lines(["0", "1"] * 3))
    put(root, name, text)

    source = source_of(root)

    assert labels_of(source)["001.png"] == ("dog",)
    assert not source.warnings


def test_a_map_of_class_numbers_is_no_table_where_images_have_numbers(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for i, one in enumerate(pictures(N)):
        put(root, f"{i}.png", one.content)
    put(root, "labels.csv", "id,label\n" + "\n".join(f"{i},{i % 2}" for i in range(N)))
    put(root, "label_map.json", '{"0": "cat", "1": "dog"}')

    source = source_of(root)

    assert labels_of(source)["1.png"] == ("dog",)
    assert not source.doubt


def test_lists_of_paths_give_the_split_of_a_table(tmp_path: Path) -> None:
    root = with_table(tmp_path / "set", lines(PETS))
    put(root, "train.txt", "".join(f"img/{name}\n" for name in NAMES[:4]))
    put(root, "test.txt", "".join(f"img/{name}\n" for name in NAMES[4:]))

    source = source_of(root)

    assert splits_of(source) == ["train"] * 4 + ["query"] * 2
    assert "the split is that of train.txt, test.txt" in " ".join(source.notes)


def test_a_list_called_after_a_part_that_stays_unused_needs_a_look(tmp_path: Path) -> None:
    root = with_table(tmp_path / "set", lines(PETS))
    put(root, "train.txt", "".join(f"img/{name} of a pet\n" for name in NAMES))

    assert "train.txt would not be used" in source_of(root).doubt


@pytest.mark.parametrize(
    "header",
    ["# made by a tool, v1.2, monday\npath,label", "# path,label", "#path, label"],
)
def test_comments_above_a_table_are_passed_over_unless_they_are_its_header(
    tmp_path: Path, header: str
) -> None:
    assert labels_of(source_of(with_table(tmp_path / "set", lines(PETS, header))))["001.png"] == (
        "dog",
    )


@pytest.mark.parametrize("column", ["Finding Labels", "fine_label", "label text", "MultiLabel"])
def test_columns_with_a_word_for_labels_hold_them(tmp_path: Path, column: str) -> None:
    rows = [f"{pet},{i}.5" for i, pet in enumerate(PETS)]
    text = lines(rows, header=f"path,{column},score")

    assert labels_of(source_of(with_table(tmp_path / "set", text)))["001.png"] == ("dog",)


def test_lines_that_are_left_out_are_counted(tmp_path: Path) -> None:
    text = lines([*PETS[:4], "cat,pet", "dog,pet"])

    source = source_of(with_table(tmp_path / "set", text))

    assert "lines that cannot be read and are left out: 2" in " ".join(source.warnings)


def test_a_json_object_of_classes_with_their_images(tmp_path: Path) -> None:
    of = {"cat": [f"img/{n}" for n in NAMES[::2]], "dog": [f"img/{n}" for n in NAMES[1::2]]}

    source = source_of(with_table(tmp_path / "set", json.dumps(of), "labels.json"))

    assert labels_of(source)["001.png"] == ("dog",)


def test_a_real_voc_tree_is_no_set_of_hashing_lists(tmp_path: Path) -> None:
    root = voc(tmp_path / "set", pictures())
    stems = [one.name[:-4] for one in pictures()]
    for name in ("cat", "dog"):
        marks = "".join(f"{stem} {'1' if i % 2 else '-1'}\n" for i, stem in enumerate(stems))
        put(root, f"VOCdevkit/VOC2007/ImageSets/Main/{name}_trainval.txt", marks)

    source = source_of(root)

    assert set(labels_of(source).values()) == {("cat",), ("dog",), ("horse",)}
    assert splits_of(source).count("query") == 3


@pytest.mark.parametrize(
    ("rows", "labels"),
    [
        ([f"{i}\t{i % 2}\timg/{name}" for i, name in enumerate(NAMES)], {"class 0", "class 1"}),
        ([f"img/{name} 3 17" for name in NAMES], {"class 03", "class 17"}),
        ([f'"img/{name}" 1 0' for name in NAMES], {"class 0"}),
        ([f"img/{name};1;0" for name in NAMES], {"class 0"}),
        ([f"img/{name} [1, 0]" for name in NAMES], {"class 0"}),
    ],
)
def test_hashing_lists_in_other_dialects(tmp_path: Path, rows: list[str], labels: set[str]) -> None:
    root = tmp_path / "set"
    put_images(root, pictures(N), "img")
    put(root, "train.lst", "\n".join(rows))

    assert {name for names in labels_of(source_of(root)).values() for name in names} == labels


@pytest.mark.parametrize(
    ("folders", "said"),
    [(("images", "masks"), "kinds of files"), (("fold1", "fold2"), "kinds of files")],
)
def test_folders_that_are_no_classes_need_a_look(
    tmp_path: Path, folders: tuple[str, str], said: str
) -> None:
    for i, one in enumerate(pictures(N)):
        put(tmp_path / "set", f"{folders[i % 2]}/{one.name}", one.content)

    assert said in source_of(tmp_path / "set").doubt


def in_class_folders(root: Path) -> Path:
    for pet, one in zip(PETS, pictures(N), strict=True):
        put(root, f"{pet}/{one.name}", one.content)
    return root


IN_FOLDERS = [f"{pet}/{name}" for pet, name in zip(PETS, NAMES, strict=True)]


@pytest.mark.parametrize(
    ("name", "header", "cell"),
    [
        ("sizes.csv", "filename,width,height", "{i}00,200"),
        ("captions.csv", "filename,caption", "a pet {i}"),
        ("split.csv", "file,split", "train"),
    ],
)
def test_a_table_without_labels_beside_class_folders_leaves_them_their_labels(
    tmp_path: Path, name: str, header: str, cell: str
) -> None:
    root = in_class_folders(tmp_path / "set")
    rows = [f"{path},{cell.format(i=i)}" for i, path in enumerate(IN_FOLDERS)]
    put(root, name, "\n".join([header, *rows]))

    source = source_of(root)

    assert labels_of(source) == {n: (p,) for n, p in zip(NAMES, PETS, strict=True)}
    assert "the labels are those of the folders" in " ".join(source.notes)
    assert not source.doubt


@pytest.mark.parametrize(
    ("column", "cells", "reason"),
    [
        ("label", PETS[:2], "names 2 of 6 images"),
        ("label", PETS[::-1], "they differ for 6 images"),
        ("photographer", ["ann", "bob"] * 3, "by photographer, or as cat, dog"),
    ],
)
def test_a_table_that_may_not_hold_the_labels_of_class_folders_needs_a_look(
    tmp_path: Path, column: str, cells: list[str], reason: str
) -> None:
    root = in_class_folders(tmp_path / "set")
    rows = [f"{path},{cell}" for path, cell in zip(IN_FOLDERS, cells, strict=False)]
    put(root, "notes.csv", "\n".join([f"path,{column}", *rows]))

    assert reason in source_of(root).doubt


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("class_counts.csv", "class,n\ncat,3\ndog,3\n"),
        ("authors.csv", "id,author\n0,ann\n1,bob\n"),
        ("filelist.txt", "\n".join(IN_FOLDERS)),
        ("features.npy", "NUMPY"),
        ("budget.xlsx", "PK"),
        ("train.txt", "\n".join(IN_FOLDERS)),
    ],
)
def test_what_lies_beside_class_folders_without_labelling_them_raises_no_doubt(
    tmp_path: Path, name: str, text: str
) -> None:
    root = in_class_folders(tmp_path / "set")
    put(root, name, text)

    source = source_of(root)

    assert not source.doubt
    assert labels_of(source)["001.png"] == ("dog",)


def test_files_beside_images_that_are_not_understood_are_said(tmp_path: Path) -> None:
    root = tmp_path / "set"
    put_images(root, pictures(N), "img")
    for name, pet in zip(NAMES, PETS, strict=True):
        put(root, f"img/{name[:-4]}.txt", pet)

    assert "is one of 6 beside images of their names" in source_of(root).doubt


def test_a_class_called_train_inside_the_training_part_stays_a_class(tmp_path: Path) -> None:
    some = iter(pictures(8))
    for part in ("train", "test"):
        for name in ("bus", "train"):
            for i in range(2):
                put(tmp_path / "set", f"{part}/{name}/{i}.png", next(some).content)

    assert parts_and_classes(source_of(tmp_path / "set")) == {
        (part, name) for part in ("train", "query") for name in ("bus", "train")
    }


def test_lines_of_a_label_and_a_path_are_no_list_of_paths(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for i, one in enumerate(pictures(N)):
        put(root, f"batch{i % 2}/{one.name}", one.content)
    rows = [
        f"{pet} batch{i % 2}/{name}" for i, (pet, name) in enumerate(zip(PETS, NAMES, strict=True))
    ]
    put(root, "train.txt", "\n".join(rows[:4]))
    put(root, "test.txt", "\n".join(rows[4:]))

    source = source_of(root)

    assert "would not be used" in source.doubt
    assert set(splits_of(source)) == {""}


@pytest.mark.parametrize("line", ["10,20,30,40,0", "2 640 480", "3 1 3"])
def test_numbers_that_may_be_boxes_or_sizes_need_a_look(tmp_path: Path, line: str) -> None:
    root = tmp_path / "set"
    put_images(root, pictures(N), "img")
    put(root, "train.txt", "\n".join(f"img/{name} {line}" for name in NAMES))

    assert "may be no classes" in source_of(root).doubt


def test_coco_as_it_is_downloaded_raises_no_doubt(tmp_path: Path) -> None:
    images: list[dict[str, object]] = [{"id": i, "file_name": name} for i, name in enumerate(NAMES)]
    root = with_table(
        tmp_path / "set", coco(images, [(i, 1 + i % 2) for i in range(N)]), "instances_train.json"
    )
    captions = {"images": images, "annotations": [{"image_id": 0, "caption": "a pet"}]}
    put(root, "captions_train.json", json.dumps(captions))
    put(root, "image_info_test.json", json.dumps({"images": images, "categories": []}))
    put(root, "person_keypoints_train.json", coco(images, [(0, 1)]))

    source = source_of(root)

    assert not source.doubt
    assert labels_of(source)["001.png"] == ("dog",)


def test_of_equal_names_the_one_beside_the_label_file_is_meant(tmp_path: Path) -> None:
    root = tmp_path / "set"
    some = iter(pictures(4))
    for part in ("train", "val"):
        for i in range(2):
            put(root, f"{part}/{i}.png", next(some).content)
        images: list[dict[str, object]] = [{"id": i, "file_name": f"{i}.png"} for i in range(2)]
        put(root, f"annotations/{part}.json", coco(images, [(0, 1), (1, 2)]))

    source = source_of(root)

    assert [(item.image_id, item.split) for item in source.items] == [
        ("train/0.png", "train"),
        ("train/1.png", "train"),
        ("val/0.png", "query"),
        ("val/1.png", "query"),
    ]


def test_a_column_that_the_user_named_and_is_not_there_is_said(tmp_path: Path) -> None:
    root = with_table(tmp_path / "set", lines(PETS))

    with pytest.raises(DatasetError, match=r"unknown column 'lable'. Did you mean 'label'"):
        source_of(root, label_columns=("lable",))


def test_a_folder_around_the_class_folders_is_no_class(tmp_path: Path) -> None:
    for i, one in enumerate(pictures(N)):
        put(tmp_path / "set", f"images/{PETS[i]}/{one.name}", one.content)
    put(tmp_path / "set", "README.md", "about")

    source = source_of(tmp_path / "set")

    assert labels_of(source)["001.png"] == ("dog",)
    assert "folder 'images' is around all class folders" in " ".join(source.notes)


def test_a_table_whose_labels_have_an_unknown_name_is_read_when_they_repeat(
    tmp_path: Path,
) -> None:
    source = source_of(with_table(tmp_path / "set", lines(PETS, header="path,what it is")))

    assert labels_of(source)["001.png"] == ("dog",)


@pytest.mark.parametrize(
    ("cells", "split"),
    [
        (["train", "train", "valid", "valid", "test_1", "TEST"], "train train db db query query"),
        (["0", "0", "0", "0", "1", "1"], "train train train train query query"),
        (["0", "0", "0", "0", "1", "2"], "train train train train db query"),
        (["train", "train", "", "", "test", "test"], "train train - - query query"),
    ],
)
def test_words_and_numbers_of_a_split_column(tmp_path: Path, cells: list[str], split: str) -> None:
    rows = [f"{pet},{cell}" for pet, cell in zip(PETS, cells, strict=True)]
    source = source_of(with_table(tmp_path / "set", lines(rows, header="path,label,split")))

    words = {"db": "database", "-": ""}
    assert splits_of(source) == [words.get(word, word) for word in split.split()]


def test_unknown_words_of_a_split_are_counted_and_named(tmp_path: Path) -> None:
    cells = ["train", "train", "tset", "unseen", "test", "tset"]
    rows = [f"{pet},{cell}" for pet, cell in zip(PETS, cells, strict=True)]
    source = source_of(with_table(tmp_path / "set", lines(rows, header="path,label,split")))

    said = " ".join(source.warnings)
    assert "'tset' 2, 'unseen' 1" in said
    assert "images in no part of the split: 3, such as img/002.png" in said


def test_one_hot_prefixes_are_cut_over_all_tables_or_not_at_all(tmp_path: Path) -> None:
    root = tmp_path / "set"
    put_images(root, pictures(N), "img")
    put(root, "train.csv", "path,red_apple,red_pepper\nimg/000.png,1,0\nimg/001.png,0,1\n")
    put(root, "test.csv", "path,red_apple,green_apple\nimg/002.png,1,0\nimg/003.png,0,1\n")

    source = source_of(root)

    assert set(labels_of(source).values()) == {("red_apple",), ("red_pepper",), ("green_apple",)}


def test_lists_in_one_table_and_vectors_in_another_are_no_mixture(tmp_path: Path) -> None:
    """Only where every row of all tables is a vector, cells are vectors."""
    root = tmp_path / "set"
    put_images(root, pictures(N), "img")
    put(root, "train.csv", 'path,label\nimg/000.png,"[1, 0]"\nimg/001.png,"[0, 1]"\n')
    put(root, "test.csv", 'path,label\nimg/002.png,"[3]"\nimg/003.png,"[1, 7]"\n')

    assert labels_of(source_of(root))["003.png"] == ("1", "7")


def test_two_names_that_fall_on_one_file_give_it_no_labels(tmp_path: Path) -> None:
    rows = lines(PETS, prefix="img/") + "old/a/000.png,cow\n"
    twice = "path,label\nold/a/000.png,cat\nold/b/000.png,dog\nimg/001.png,cat\nimg/002.png,dog\n"

    whole = source_of(with_table(tmp_path / "whole", rows))
    none = source_of(with_table(tmp_path / "none", twice))

    assert labels_of(whole)["000.png"] == ("cat",)
    assert "falls on img/000.png, which is named itself" in str(whole.problems)
    assert "000.png" not in labels_of(none)
    assert "old/a/000.png and old/b/000.png fall on this file" in str(none.problems)


def test_a_file_named_twice_with_different_labels_is_said(tmp_path: Path) -> None:
    source = source_of(with_table(tmp_path / "set", lines(PETS) + "img/000.png,dog\n"))

    assert labels_of(source)["000.png"] == ("cat", "dog")
    assert "different labels have all of them: 1, such as img/000.png" in " ".join(source.warnings)
    assert [p.file for p in source.problems if p.is_a("conflict")] == ["img/000.png"]


BAD = {
    "labels.csv": ("path,label\n" + '"img/000.png,cat\n' * 3, "line"),
    "labels.json": ('{"img/000.png": "cat",\n "img/001.png" "dog"}', "line 2"),
    "labels.xml": ("<catalog><photo>000.png</photo>\n<object>", "line 2"),
    "labels.jsonl": ('{"path": "img/000.png" "label"', "line 1"),
    "labels.parquet": ("PAR1 is how it begins", "parquet"),
    "list.txt": ("".join(f"img/{name};cat\n" for name in NAMES), "names 6 images"),
    "other.json": (json.dumps({"a": [[f"img/{n}", 1] for n in NAMES], "b": 1}), "names 6 images"),
    "words.csv": ("word,meaning\nx,1\ny,2\n", "no column of 'word', 'meaning' names images"),
    "labels.mat": ("MATLAB 5.0", "MATLAB data, which is not read"),
    "labels.xlsx": ("PK", "save it as CSV"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_label_file_that_stays_unused_is_said_with_the_reason_and_needs_a_yes(
    tmp_path: Path, name: str
) -> None:
    text, reason = BAD[name]

    source = source_of(with_table(tmp_path / "set", text, name))

    said = next(warning for warning in source.warnings if warning.startswith(f"{name} is not used"))
    assert reason in said
    assert f"{name} would not be used" in source.doubt
    assert not source_of(tmp_path / "set", layout="class_folders").doubt


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md", "about img/000.png"),
        ("README.txt", "This set was made in a garden.\nUse it well.\n"),
        ("info.json", '{"version": 2, "author": "me"}'),
        ("page.xml", "<page><title>Photos</title></page>"),
        ("LICENSE", "free"),
    ],
)
def test_files_that_say_nothing_about_the_images_raise_no_doubt(
    tmp_path: Path, name: str, text: str
) -> None:
    root = tmp_path / "set"
    put_images(root, pictures(3), "cat")
    put_images(root, pictures(6)[3:], "dog")
    put(root, name, text)

    source = source_of(root)

    assert not source.warnings
    assert not source.doubt


def test_labels_that_are_all_of_one_class_are_said(tmp_path: Path) -> None:
    source = source_of(with_table(tmp_path / "set", lines(["cat"] * N)))

    assert "all labels of 'class' are 'cat'" in " ".join(source.warnings)


@pytest.mark.parametrize(
    ("last", "numbers"),
    [("img/005.png", "no path with numbers"), ("img/005.png 1 0 0", "has 3 numbers, most have 2")],
)
def test_a_bad_line_of_a_hashing_list_costs_that_line(
    tmp_path: Path, last: str, numbers: str
) -> None:
    root = tmp_path / "set"
    put_images(root, pictures(N), "img")
    put(root, "train.txt", "".join(f"img/{name} 1 0\n" for name in NAMES[:3]))
    put(root, "test.txt", "".join(f"img/{name} 0 1\n" for name in NAMES[3:5]) + last)

    source = source_of(root)

    assert len(source.items) == 5
    assert splits_of(source) == ["train"] * 3 + ["query"] * 2
    assert any("line 3" in p.reason and numbers in p.reason for p in source.problems)


@pytest.mark.parametrize("mark", [" ", ", ", "\t", ".0 "])
def test_hashing_lists_with_minus_one_and_other_signs(tmp_path: Path, mark: str) -> None:
    root = tmp_path / "set"
    put_images(root, pictures(N), "img")
    first = mark.lstrip(".0")
    rows = [f"img/{name}{first}{mark.join(['-1', '1', '1'])}" for name in NAMES]
    put(root, "train.txt", "\n".join(rows))

    assert set(labels_of(source_of(root)).values()) == {("class 1", "class 2")}


def test_attributes_and_partition_as_celeba_has_them(tmp_path: Path) -> None:
    root = tmp_path / "set"
    put_images(root, pictures(N), "img")
    marks = "".join(f"{name} {'1' if i % 2 else '-1'} -1 1\n" for i, name in enumerate(NAMES))
    put(root, "list_attr_celeba.txt", f"{N}\nSmiling Hat Young\n{marks}")
    parts = "".join(f"{name} {part}\n" for name, part in zip(NAMES, "000122", strict=True))
    put(root, "list_eval_partition.txt", parts)

    source = source_of(root)

    assert labels_of(source)["000.png"] == ("Young",)
    assert labels_of(source)["001.png"] == ("Smiling", "Young")
    assert splits_of(source) == ["train"] * 3 + ["database"] + ["query"] * 2
    assert not source.problems


def test_names_that_are_not_there_are_not_replaced_by_numbers_that_happen_to_be(
    tmp_path: Path,
) -> None:
    root = tmp_path / "set"
    for i, one in enumerate(pictures(N)):
        put(root, f"img/{i}.png", one.content)
    rows = [f"{N - 1 - i},DSC_{i}.jpg,{pet}" for i, pet in enumerate(PETS)]
    put(root, "labels.csv", "\n".join(["id,filename,label", *rows]))

    source = source_of(root)

    assert "labels.csv would not be used" in source.doubt


def test_a_name_made_of_other_names_is_said(tmp_path: Path) -> None:
    cells = ["cat", "dog", "cat+dog", "dog", "cat", "cat+dog"]

    source = source_of(with_table(tmp_path / "set", lines(cells)))

    assert "'cat+dog' looks like several labels" in " ".join(source.warnings)


def coco(images: list[dict[str, object]], annotations: list[tuple[object, object]]) -> str:
    return json.dumps(
        {
            "images": images,
            "annotations": [{"image_id": i, "category_id": c} for i, c in annotations],
            "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        }
    )


def test_coco_ids_are_joined_whether_numbers_or_text(tmp_path: Path) -> None:
    images = [{"id": i, "file_name": name} for i, name in enumerate(NAMES)]
    text = coco(images, [(str(i), "1" if i % 2 else 2) for i in range(N)])

    source = source_of(with_table(tmp_path / "set", text, "instances.json"))

    assert labels_of(source) == {n: ("dog" if i % 2 == 0 else "cat",) for i, n in enumerate(NAMES)}


def test_coco_ids_that_several_images_share_cost_these_images(tmp_path: Path) -> None:
    images = [{"id": min(i, 4), "file_name": name} for i, name in enumerate(NAMES)]
    text = coco([*images, images[0]], [(i, 1 + i % 2) for i in range(5)])

    source = source_of(with_table(tmp_path / "set", text, "instances.json"))

    assert set(labels_of(source)) == set(NAMES[:4])
    assert [p.file for p in source.problems if "shares the id 4" in p.reason] == NAMES[4:]


def test_coco_annotations_of_nothing_are_counted(tmp_path: Path) -> None:
    images = [{"id": i, "file_name": name} for i, name in enumerate(NAMES)]
    root = with_table(tmp_path / "set", coco(images, [(0, 1), (77, 1), (1, 9)]), "i.json")
    stray = with_table(tmp_path / "stray", coco(images, [(77, 1), (78, 2)]), "i.json")

    reasons = " ".join(problem.reason for problem in source_of(root).problems)
    assert "1 annotations name the image id 77, not there" in reasons
    assert "category id 9, not there" in reasons
    assert "no annotation belongs to an image" in " ".join(source_of(stray).warnings)


def annotation(name: str, label: str) -> str:
    return (
        f"<annotation><filename>{name}</filename><object><name>{label}</name></object></annotation>"
    )


def test_voc_stems_that_are_equal_in_two_folders_stay_apart(tmp_path: Path) -> None:
    root = tmp_path / "set"
    some = pictures(4)
    for part, label, own in (("train", "cat", some[:2]), ("valid", "dog", some[2:])):
        for i, one in enumerate(own):
            put(root, f"{part}/{i}.png", one.content)
            put(root, f"{part}/{i}.xml", annotation(f"{i}.png", label))

    source = source_of(root)

    assert [(item.image_id, *item.labels["objects"], item.split) for item in source.items] == [
        ("train/0.png", "cat", "train"),
        ("train/1.png", "cat", "train"),
        ("valid/0.png", "dog", "query"),
        ("valid/1.png", "dog", "query"),
    ]


def test_voc_names_that_may_mean_two_images_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for i, folder in enumerate(("a", "b")):
        put(root, f"{folder}/0.png", pictures(4)[i].content)
    put(root, "c/1.png", pictures(4)[2].content)
    put(root, "xml/0.xml", annotation("0.png", "cat"))
    put(root, "xml/1.xml", annotation("1.png", "cat"))

    source = source_of(root)

    assert [item.image_id for item in source.items] == ["c/1.png"]
    assert "may be any of a/0.png, b/0.png" in str(source.problems)


def parts_and_classes(source: Source) -> set[tuple[str, str]]:
    return {(item.split, *item.labels.get("class", ("",))) for item in source.items}


@pytest.mark.parametrize("stray", ["overview.png", "extra/0.png", "seg_pred/seg_pred/0.png"])
def test_a_stray_image_beside_the_split_folders_changes_nothing(tmp_path: Path, stray: str) -> None:
    root = tmp_path / "set"
    some = iter(pictures(9))
    for part in ("seg_train/seg_train", "seg_test/seg_test"):
        for name in ("sea", "wood"):
            for i in range(2):
                put(root, f"{part}/{name}/{i}.png", next(some).content)
    put(root, stray, next(some).content)

    source = source_of(root)

    assert parts_and_classes(source) == {
        (part, name) for part in ("train", "query") for name in ("sea", "wood")
    }
    assert [problem.file for problem in source.problems] == [stray]


def test_a_folder_with_only_one_part_says_that_no_split_is_given(tmp_path: Path) -> None:
    for i, name in enumerate(("cat", "dog")):
        put(tmp_path / "set", f"train/{name}/0.png", pictures(4)[i].content)

    assert "its only part is training" in " ".join(source_of(tmp_path / "set").notes)


def test_a_vector_that_is_shorter_than_the_others_gives_no_label_and_is_said(
    tmp_path: Path,
) -> None:
    rows = ['"[1, 0, 1]"', '"[0, 1, 0]"', '"[1, 0]"', '"[0, 0, 1]"', "unknown", '"[1, 1, 1]"']

    source = source_of(with_table(tmp_path / "set", lines(rows)))

    assert labels_of(source)["000.png"] == ("class 0", "class 2")
    assert labels_of(source)["002.png"] == labels_of(source)["004.png"] == ()
    assert "cells that are no vector of 3 and give no label: 2, such as '[1, 0]'" in " ".join(
        source.warnings
    )


def test_a_byte_that_is_damaged_costs_no_more_than_its_line(tmp_path: Path) -> None:
    text = lines(["größe", "dog"] * 3).encode()
    root = with_table(tmp_path / "set", text.replace("größe".encode(), b"gr\xff\xfe", 1))

    source = source_of(root)

    assert labels_of(source)["002.png"] == ("größe",)
    assert "utf-8 with damaged lines 2" in " ".join(source.notes)


def test_an_encoding_can_be_named(tmp_path: Path) -> None:
    text = lines(["猫", "犬"] * 3).encode("shift_jis")
    root = with_table(tmp_path / "set", text)

    assert labels_of(source_of(root, encoding="shift_jis"))["001.png"] == ("犬",)
    with pytest.raises(DatasetError, match="no encoding 'nihongo'"):
        source_of(root, encoding="nihongo", layout="table")
