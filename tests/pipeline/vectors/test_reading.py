"""Vectors and ids in the files that people have, and what is said of those that cannot be used."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save_file
from scipy.io import savemat
from scipy.sparse import csr_array

from pipeline.datasets.dataset import DatasetError
from pipeline.vectors.checking import checked, shaped
from pipeline.vectors.choosing import choose
from pipeline.vectors.entries import read_entries

VECTORS = np.arange(24, dtype=np.float64).reshape(6, 4) / 7 + 0.1
NAMES = [f"a/{i}.jpg" for i in range(6)]


def parquet(path: Path) -> None:
    pd.DataFrame({"image": NAMES, "embedding": list(VECTORS)}).to_parquet(path)


def fixed(path: Path) -> None:
    flat = pa.array(VECTORS.ravel().astype(np.float32))
    column = pa.FixedSizeListArray.from_arrays(flat, 4)
    pq.write_table(pa.table({"path": NAMES, "emb": column}), path)


def wide(path: Path) -> None:
    frame = pd.DataFrame(VECTORS, columns=[f"f{i}" for i in range(4)])
    frame.assign(file_name=NAMES).to_parquet(path)


def csv(path: Path) -> None:
    pd.DataFrame(VECTORS, columns=[f"dim_{i}" for i in range(4)]).assign(id=NAMES).to_csv(
        path, index=False, encoding="utf-8-sig"
    )


def text_csv(path: Path) -> None:
    cells = [str(row.tolist()) for row in VECTORS]
    pd.DataFrame({"path": NAMES, "embedding": cells}).to_csv(path, index=False)


def stream(path: Path) -> None:
    table = pa.table({"key": NAMES, "vec": list(VECTORS)})
    with path.open("wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)


def text(content: object) -> object:
    return lambda path: path.write_text(json.dumps(content))


def lines(path: Path) -> None:
    rows = [{"id": n, "embedding": v} for n, v in zip(NAMES, VECTORS.tolist(), strict=True)]
    path.write_text("\n".join(map(json.dumps, rows)))


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("v.npz", lambda path: np.savez(path, feats=VECTORS, filenames=np.array(NAMES))),
        ("v.npz", lambda path: np.savez(path, x=VECTORS, y=np.arange(6), paths=NAMES)),
        ("v.parquet", parquet),
        ("v.parquet", fixed),
        ("v.parquet", wide),
        ("v.csv", csv),
        ("v.csv", text_csv),
        ("v.arrow", stream),
        ("v.mat", lambda path: savemat(path, {"XAll": VECTORS, "names": np.array(NAMES, object)})),
        ("v.json", text({"meta": {"n": 6}, "data": {"ids": NAMES, "vectors": VECTORS.tolist()}})),
        ("v.json", text(dict(zip(NAMES, VECTORS.tolist(), strict=True)))),
        (
            "v.json",
            text([{"image": n, "emb": v} for n, v in zip(NAMES, VECTORS.tolist(), strict=True)]),
        ),
        ("v.jsonl", lines),
    ],
)
def test_vectors_and_ids_are_found_in_one_file(tmp_path, name, write) -> None:
    write(tmp_path / name)

    chosen = choose(read_entries(tmp_path / name))

    assert np.allclose(chosen.vectors, VECTORS, atol=1e-6)
    assert chosen.ids == NAMES


@pytest.mark.parametrize(
    ("name", "write", "column"),
    [
        ("ids.npy", lambda path: np.save(path, np.array(NAMES)), ""),
        ("ids.npy", lambda path: np.save(path, np.array(NAMES, dtype="S")), ""),
        ("ids.txt", lambda path: path.write_text("\n".join(NAMES) + "\n"), ""),
        (
            "ids.csv",
            lambda path: path.write_text("n,path\n" + "".join(f"1,{n}\n" for n in NAMES)),
            "",
        ),
        (
            "ids.csv",
            lambda path: path.write_text("a;b\n" + "".join(f"x;{n}\n" for n in NAMES)),
            "b",
        ),
        ("ids.parquet", lambda path: pd.DataFrame({"name": NAMES}).to_parquet(path), ""),
        ("ids.json", text(NAMES), ""),
        ("ids.json", text({"model": "dinov3", "files": NAMES}), ""),
        ("ids.json", text({"images": [{"id": 1, "file_name": n} for n in NAMES]}), ""),
    ],
)
def test_ids_come_in_a_file_of_their_own(tmp_path, name, write, column) -> None:
    write(tmp_path / name)

    chosen = choose({"v": VECTORS}, ids=[str(tmp_path / name)], id_column=column)

    assert chosen.ids == NAMES


def test_safetensors_of_half_and_brain_floats_are_read(tmp_path) -> None:
    save_file({"emb": torch.tensor(VECTORS, dtype=torch.bfloat16)}, tmp_path / "v.safetensors")

    assert np.allclose(choose(read_entries(tmp_path / "v.safetensors")).vectors, VECTORS, atol=0.02)


class Trap:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def test_pickles_never_run_and_the_remedy_is_said(tmp_path) -> None:
    mark = tmp_path / "ran"
    np.save(tmp_path / "o.npy", np.array([Trap(mark)] * 3, dtype=object), allow_pickle=True)
    np.savez(tmp_path / "o.npz", vectors=np.array([Trap(mark)] * 3, dtype=object))
    (tmp_path / "p.npy").write_bytes(pickle.dumps(Trap(mark)))
    torch.save({"v": Trap(mark)}, tmp_path / "v.pt")

    for name, reason in {
        "o.npy": r"dtype object.*np.save\('vectors.npy', np.stack",
        "p.npy": "is no .npy file; save it with np.save",
        "v.pt": "a pickle can run code",
    }.items():
        with pytest.raises(DatasetError, match=reason):
            read_entries(tmp_path / name)
    with pytest.raises(DatasetError, match="dtype object"):
        choose(read_entries(tmp_path / "o.npz"))

    assert not mark.exists()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("v.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '<f4'", "cannot be read as npy"),
        ("v.npz", b"PK\x03\x04torn", "cannot be read as npz"),
        ("v.parquet", b"PAR1torn", "cannot be read as parquet"),
        ("v.json", b"[1, 2", "cannot be read as json"),
        ("v.h5", b"\x89HDF", "HDF5 is not read; save the array with np.save"),
        ("v.bin", b"", "of no known kind"),
        ("v.safetensors", b"torn", "no readable safetensors"),
        ("v.mat", b"torn", "cannot be read as mat|no readable"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, name, content, reason) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(DatasetError, match=reason):
        read_entries(tmp_path / name)


def test_a_truncated_array_is_refused(tmp_path) -> None:
    np.save(tmp_path / "v.npy", VECTORS)
    content = (tmp_path / "v.npy").read_bytes()
    (tmp_path / "v.npy").write_bytes(content[:-40])

    with pytest.raises(DatasetError, match="cannot be read as npy"):
        read_entries(tmp_path / "v.npy")


@pytest.mark.parametrize(
    ("entries", "options", "reason"),
    [
        ({"a": VECTORS, "b": VECTORS}, {}, "several could be the vectors: a, b; name one"),
        ({"labels": np.arange(6)}, {}, r"among labels \(.*\); they are real numbers, a row of two"),
        ({"a": VECTORS}, {"vectors": ["b"]}, "unknown array or column 'b'"),
        ({"a": VECTORS, "id": NAMES[:5]}, {"ids": ["id"]}, "5 ids and 6 vectors"),
        ({"a": VECTORS}, {"ids": ["nowhere.csv"]}, "neither a file of ids nor in the source"),
        ({"a": VECTORS, "b": VECTORS[:, :3]}, {"vectors": ["a", "b"]}, "different dimensions: a 4"),
        ({"a": [[1.0, 2.0], [1.0]]}, {"vectors": ["a"]}, "no vectors of one length"),
        ({"a": VECTORS, "gnd": np.arange(4)}, {"labels": ["gnd"]}, "4 labels and 6 vectors"),
    ],
)
def test_what_does_not_fit_together_is_named(entries, options, reason) -> None:
    with pytest.raises(DatasetError, match=reason):
        choose(entries, **options)


def test_labels_of_classes_in_columns_and_sparse_matrices_are_read(tmp_path) -> None:
    hot = np.array([[1, 0, 1], [0, 1, 0]] * 3)
    savemat(tmp_path / "a.mat", {"I": VECTORS, "L": csr_array(hot)})
    savemat(tmp_path / "b.mat", {"I": VECTORS, "L": hot.T})

    for name in ("a.mat", "b.mat"):
        chosen = choose(read_entries(tmp_path / name), labels=["L"])
        assert chosen.labels == hot.tolist()


@pytest.mark.parametrize(
    ("shape", "made"), [((5, 3, 1, 1), (5, 3)), ((1, 5, 3), (5, 3)), ((5, 1, 3), (5, 3))]
)
def test_axes_of_length_one_are_left_out_and_said(shape, made) -> None:
    array, notes = shaped(np.ones(shape), "v")

    assert array.shape == made
    assert "was read as" in notes[0]


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.ones((4, 197, 8)), "several vectors per image; take one of them or their mean"),
        (np.ones(5), r"has the shape \(5\)"),
        (np.ones((5, 1)), "one number per image"),
        (np.ones((5, 3), complex), "complex128, and vectors are real numbers"),
        (np.ones((5, 3), bool), "bool, and vectors are real numbers"),
    ],
)
def test_other_shapes_are_refused(array, reason) -> None:
    with pytest.raises(DatasetError, match=reason):
        shaped(array, "v")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (np.nan, r"2 of 6 vectors hold NaN or infinite numbers \(row 1, row 4\)"),
        (np.inf, "half precision ends at 65,504"),
        (0.0, r"2 of 6 vectors are zero in all dimensions \(row 1, row 4\)"),
    ],
)
def test_unusable_rows_are_named(bad, reason) -> None:
    vectors = VECTORS.astype(np.float16)
    vectors[[1, 4]] = bad

    with pytest.raises(DatasetError, match=reason):
        checked(vectors, lambda row: f"row {row}")


def test_what_overflows_in_single_precision_is_refused() -> None:
    with pytest.raises(DatasetError, match="NaN or infinite"):
        checked(np.full((2, 3), 1e300), str)


def test_lengths_are_said_and_changed_on_request() -> None:
    plain, unit = checked(VECTORS, str), checked(VECTORS, str, to_unit=True)

    assert not plain.is_unit
    assert "not normalised: 90 % have lengths from" in plain.notes[-1]
    assert unit.is_unit
    assert np.allclose(np.linalg.norm(unit.rows, axis=1), 1)
    assert "each has length 1" in checked(unit.rows.astype(np.float16), str).notes
