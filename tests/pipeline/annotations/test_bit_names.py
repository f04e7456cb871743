"""Names of bits: kept, changed, taken away, and refused when they fit nothing."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.annotations.bit_names import LONGEST, BitNames
from pipeline.runs.run import Run


def test_names_are_kept_with_the_run_changed_and_taken_away(done_run: Run):
    names = BitNames.of(done_run)
    assert names.all() == {}

    names.set(3, "  outdoor /\n indoor ")
    names.set(1, "warm")
    names.set(1, "warm colours")
    assert BitNames.of(done_run).all() == {1: "warm colours", 3: "outdoor / indoor"}

    names.set(3, " ")
    assert names.all() == {1: "warm colours"}


@pytest.mark.parametrize("bit", [0, -1, 1000])
def test_a_bit_that_the_run_does_not_have_is_refused(done_run: Run, bit: int):
    with pytest.raises(ValueError, match=f"bits 1 to {done_run.spec.bits}, got {bit}"):
        BitNames.of(done_run).set(bit, "x")


def test_a_name_that_is_too_long_is_refused_and_the_old_one_stays(done_run: Run):
    names = BitNames.of(done_run)
    names.set(2, "a" * LONGEST)

    with pytest.raises(ValueError, match="at most 60 characters, got 61"):
        names.set(2, "a" * (LONGEST + 1))
    assert names.all() == {2: "a" * LONGEST}


def test_a_deleted_run_does_not_come_back_by_a_name(done_run: Run):
    names = BitNames.of(done_run)
    shutil.rmtree(done_run.folder)

    with pytest.raises(FileNotFoundError, match="the run has been deleted"):
        names.set(1, "x")
    assert not done_run.folder.exists()


@pytest.mark.parametrize("content", ["", "[1]", '{"one": "x"}', '{"0": "x", "9999": "y"}'])
def test_a_damaged_file_names_nothing_and_is_replaced(done_run: Run, content: str):
    names = BitNames.of(done_run)
    names.path.write_text(content, "utf-8")
    assert names.all() == {}

    names.set(1, "é 日本")
    assert names.all() == {1: "é 日本"}


def test_a_file_that_cannot_be_read_names_nothing_and_is_not_replaced(done_run: Run):
    names = BitNames.of(done_run)
    names.path.mkdir()

    assert names.all() == {}
    with pytest.raises(OSError):
        names.set(1, "x")
    assert names.path.is_dir()


def test_a_long_name_written_by_hand_is_cut(done_run: Run):
    names = BitNames.of(done_run)
    names.path.write_text(json.dumps({"1": "a" * 500}), "utf-8")

    assert names.all() == {1: "a" * LONGEST}


def test_several_at_once_lose_nothing(done_run: Run):
    names = BitNames.of(done_run)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda bit: names.set(bit, f"name {bit}"), range(1, 9)))

    assert names.all() == {bit: f"name {bit}" for bit in range(1, 9)}
