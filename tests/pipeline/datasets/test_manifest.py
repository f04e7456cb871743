"""read_manifest: as pandas reads it, with labels that images share."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipeline.datasets.manifest import read_manifest


def test_it_is_what_was_written_and_equal_labels_are_one_object(tmp_path: Path) -> None:
    labels = [
        ["cat", "dog"],
        [],
        ["cat", "dog"],
        ["Übergröße"],
        ["catdog"],
        ["cat", "", "dog"],
        [""],
    ]
    names = list("abcdefg")
    written = pd.DataFrame({"image_id": names, "labels:kind": labels, "width": range(7)})
    path = tmp_path / "manifest.parquet"
    written.to_parquet(path, index=False)

    read = read_manifest(path)

    assert list(read.columns) == list(written.columns)
    pd.testing.assert_frame_equal(
        read.drop(columns="labels:kind"), pd.read_parquet(path)[["image_id", "width"]]
    )
    assert list(read["labels:kind"]) == [tuple(names) for names in labels]
    assert read["labels:kind"][0] is read["labels:kind"][2]


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.parquet"
    path.write_bytes(b"PAR1 but no more")

    with pytest.raises((ValueError, OSError)):
        read_manifest(path)


def test_a_label_column_without_labels_is_read(tmp_path: Path) -> None:
    path = tmp_path / "manifest.parquet"
    for labels in ([[]], [[], []]):
        ids = [str(n) for n in range(len(labels))]
        written = pd.DataFrame({"image_id": ids, "labels:kind": [["x"]] * len(labels)})
        written["labels:kind"] = labels
        written.to_parquet(path, index=False)

        assert list(read_manifest(path)["labels:kind"]) == [()] * len(labels)
