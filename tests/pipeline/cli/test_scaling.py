"""The commands scale and plan."""

from __future__ import annotations

import json

import pytest

from pipeline.settings import Settings
from tests.factories import python_m, write_images

pytest.importorskip("fsspec", reason="requirements-scale.txt is not installed")


def test_a_folder_is_encoded_and_the_same_command_goes_on(own_library: Settings, tmp_path) -> None:
    folder = write_images(tmp_path / "photos", per_class=3)
    words = ["scale", "encode", "itq_shapes", str(folder), str(tmp_path / "out"), "--engine", "one"]
    words += ["--shard-size", "5"]

    first = python_m(own_library.home, *words)
    (tmp_path / "out" / "codes-000001.parquet").unlink()
    again = python_m(own_library.home, *words)

    assert first.returncode == again.returncode == 0, first.stderr + again.stderr
    assert "12 codes in" in first.stdout
    assert "2 of 3 shards are done already; the others follow." in again.stdout
    assert "5 codes in" in again.stdout


def test_a_source_that_is_not_there_is_named(own_library: Settings, tmp_path) -> None:
    ended = python_m(
        own_library.home, "scale", "encode", "itq_shapes", "nowhere", str(tmp_path / "out")
    )

    assert ended.returncode == 2
    assert "nowhere is not there" in ended.stderr


def test_the_plan_is_printed_with_its_assumptions(tmp_path) -> None:
    shown = python_m(tmp_path, "plan", "--images", "1000000000", "--nodes", "8")
    as_json = python_m(tmp_path, "plan", "--images", "1000000", "--json")

    assert "1,000,000,000 images, 64 bits, 8 node(s)" in shown.stdout
    assert "assumed, not measured" in shown.stdout
    assert json.loads(as_json.stdout)["advice"].startswith("Use the embedded engine")
