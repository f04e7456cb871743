"""Codes for other programs."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from pipeline.index.coverage import searched_codes
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.sharing.code_files import write_codes
from pipeline.sharing.onnx_file import ExportError
from tests.factories import spec


def test_rows_of_the_array_are_the_images_of_the_table(library, shapes, tmp_path):
    [run] = RunRegistry(library).all()

    beside = write_codes(run, shapes, tmp_path / "codes.npy")

    codes, rows = searched_codes(run)
    assert np.array_equal(np.load(tmp_path / "codes.npy"), codes.packed)
    with beside.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [line["sha256"] for line in table] == list(shapes.manifest["sha256"].iloc[rows])
    assert {line["split"] for line in table} == {"train", "query"}
    assert {path.name for path in tmp_path.iterdir()} == {"codes.npy", "codes.ids.csv"}


def test_faiss_finds_the_same_distances(own_library, shapes, tmp_path):
    import faiss

    run = RunRegistry(own_library).create(spec(method="lsh", bits=12))
    execute(run, own_library)

    write_codes(run, shapes, tmp_path / "codes.faiss")

    index = faiss.read_index_binary(str(tmp_path / "codes.faiss"))
    codes, _ = searched_codes(run)
    distances, _ = index.search(codes.packed[:5], 10)
    assert np.array_equal(distances, np.sort(codes[:5].hamming(codes), axis=1)[:, :10])


def test_another_ending_is_refused(library, shapes, tmp_path):
    [run] = RunRegistry(library).all()
    with pytest.raises(ExportError, match=r"must end in \.npy or \.faiss"):
        write_codes(run, shapes, tmp_path / "codes.txt")
