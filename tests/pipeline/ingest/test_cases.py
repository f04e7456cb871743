"""The collected awkward inputs, modelled on public reports: each with the right value."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.dry_run import Plan
from pipeline.ingest.importing import execute_import, plan_import
from pipeline.ingest.request import ImportRequest
from pipeline.settings import Settings
from tests.shared_sets import CASES

pytestmark = pytest.mark.shared


class Right(NamedTuple):
    """What a dry run must say: images per class, sizes of a given split, and words."""

    classes: dict[str, int]
    given: tuple[int, int] | None = None  # queries, database
    said: str = ""
    kind: str = "single"
    source: str = ""


HOT = {"class 0": 3, "class 1": 3, "class 2": 3}
PETS = {"cat": 3, "dog": 3}
FRENCH = {"chat": 3, "élan": 3}
RIGHT = {
    "coco_split_folders": Right({"round": 9, "square": 9}, (6, 12), "that of the folders", "multi"),
    "coco_string_ids": Right({"bird": 6}, None, "all labels of 'objects' are 'bird'", "multi"),
    "coco_val_only": Right({"b": 6, "bird": 6}, None, "its only part is validation", "multi"),
    "voc_same_stem": Right({"cat": 5, "dog": 5}, (5, 5), "that of the folders", "multi"),
    "csv_python_lists": Right({"cat": 4, "dog": 3}, None, "lists of labels", "multi"),
    "csv_onehot_json": Right(HOT, None, "one-hot over 3 classes", "multi"),
    "csv_onehot_comma": Right(HOT, None, "one-hot over 3 classes", "multi"),
    "csv_onehot_space": Right(HOT, None, "one-hot over 3 classes", "multi"),
    "csv_onehot_json_run": Right(
        {"class 0": 8, "class 1": 8, "class 2": 8}, (6, 18), "one-hot over 3", "multi"
    ),
    "csv_minus_one_attrs": Right(
        {"young": 6, "smiling": 3, "hat": 2}, None, "-1 in these columns", "multi"
    ),
    "csv_trailing_comma": Right(PETS),
    "csv_no_header": Right(PETS, None, "no header"),
    "csv_excel_sep_line": Right(PETS),
    "csv_utf16": Right(FRENCH),
    "csv_cp1252": Right(FRENCH, None, "read as cp1252, which is a guess"),
    "csv_space_after_comma": Right(PETS, (2, 4)),
    "csv_nfc_nfd": Right(PETS, None, "6 names found with composed accents"),
    "csv_case_of_suffix": Right(PETS, None, "6 names found by another case of the suffix"),
    "csv_dup_rows_conflict": Right(
        {"cat": 4, "dog": 3}, None, "different labels have all of them: 1", "multi"
    ),
    "fiftyone_labels_json": Right(PETS),
    "labelstudio_csv": Right({"cat": 4, "dog": 4}, None, "6 names found percent-decoded", "multi"),
    "hashing_list_one_bad_line": Right(
        {"class 0": 4, "class 1": 4}, (2, 6), "line 3 is no path with numbers"
    ),
    "hashing_list_minus_one": Right(
        {"class 2": 6, "class 1": 5, "class 0": 4}, (3, 6), "-1 in the lists", "multi"
    ),
    "stray_image_at_root": Right({"cat": 6, "dog": 6}, (6, 6), "not in a class folder"),
    "train_test_and_pred_folder": Right(
        {"sea": 6, "wood": 6}, (6, 6), "not in a class folder of seg_test and seg_train"
    ),
    "split_words_unknown": Right({"cat": 5, "dog": 5}, (3, 4), "'tset' 1, 'unseen' 1, '0' 1"),
    "onehot_prefix_collision": Right(
        {"red_pepper": 4, "green_apple": 2, "red_apple": 2}, (4, 4), "", "multi"
    ),
    "onehot_shared_prefix": Right({"apple": 4, "pepper": 4}, None, "without 'red_'", "multi"),
    "label_minus_one": Right({"0": 2, "1": 2}, None, "cells that give no label: '-1' 2"),
    "split_word_in_file_name": Right({"a": 3, "b": 3}),
    "table_named_train_station": Right({"a": 4, "b": 4}, None, "not parts of a split"),
    "leading_dash": Right({"-cat": 4, "--dog": 4}),
    "same_image_two_folders": Right({"cat": 4, "dog": 4}, None, "with other labels"),
    "tiny_train": Right({"a": 6, "b": 5, "c": 1}, (4, 8)),
    "class_only_in_queries": Right({"a": 7, "b": 7, "z": 2}, (4, 12)),
    "zip_macosx": Right(PETS, source="Archive.zip"),
    "zip_backslash": Right(
        {"cat": 4, "dog": 4}, None, "8 names with backslashes", source="pets.zip"
    ),
    "zip_backslash_brackets": Right({"cat": 4, "old": 2}, None, "2 names with", source="a.zip"),
    "tar_hardlinks": Right({"cat": 4, "dog": 4}, None, "with other labels", source="a.tar"),
    "heic_and_friends": Right({"cat": 4}, None, "JPEG XL image, which is not supported"),
    "long_names": Right({"c" * 240: 4, "猫" * 80: 4}),
    "grow_base": Right({"a": 3, "b": 3}),
    "grow_more": Right({"b": 6, "a": 4}, None, "labels divided by '|'", "multi"),
}


def planned(name: str, settings: Settings, source: str = "") -> Plan:
    return plan_import(ImportRequest(source=str(CASES / name / source), name="set"), settings)


@pytest.mark.parametrize("name", RIGHT)
def test_a_dry_run_has_the_right_labels_and_split_and_says_what_it_did(
    settings: Settings, name: str
) -> None:
    right = RIGHT[name]

    plan = planned(name, settings, right.source)

    assert dict(next(iter(plan.classes.values()))) == right.classes
    assert plan.info.label_sets[0].kind == right.kind
    assert plan.info.default_protocol == ("given" if right.given else "holdout")
    if right.given:
        assert (plan.parts["query"], plan.parts["database"]) == right.given
    said = [*plan.notes, *plan.warnings, *(problem.reason for problem in plan.problems)]
    assert right.said in " | ".join(said)
    assert not plan.doubt


@pytest.mark.parametrize(
    ("name", "source", "reason"),
    [
        ("zip_encrypted", "p.zip", "4 × encrypted; unpack the archive with its password"),
        ("symlinks_only", "snap", "6 × the image holds nothing but a path"),
    ],
)
def test_where_nothing_is_left_the_reason_is_told(
    settings: Settings, name: str, source: str, reason: str
) -> None:
    with pytest.raises(DatasetError, match=reason):
        planned(name, settings, source)


def test_coco_ids_of_two_pictures_each_are_refused_with_the_cause(settings: Settings) -> None:
    with pytest.raises(DatasetError, match=r"shares the id 1 in instances_default\.json"):
        planned("coco_dup_ids", settings)


def test_growing_says_what_differs(settings: Settings) -> None:
    base = ImportRequest(source=str(CASES / "grow_base"), name="g")
    more = ImportRequest(source=str(CASES / "grow_more"), into="g")
    execute_import(base, settings)

    plan = plan_import(more, settings)
    grown = execute_import(more, settings)

    assert "label set 'class' becomes multi-label" in " ".join(plan.warnings)
    assert grown.label_set().kind == "multi"
    problems = (grown.folder / "problems.csv").read_text("utf-8")
    assert "becomes multi-label" in problems
    assert "with other class labels (a; now b); kept as here,noted,relabelled" in problems
