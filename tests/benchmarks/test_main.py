"""The command: every subject where none is named, and what it refuses."""

from __future__ import annotations

import pytest

from benchmarks import __main__ as command
from benchmarks.__main__ import NAMES, main
from benchmarks.frame import Row
from tests.benchmarks.made_up import run_of


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Names and sizes that would be measured, without doing it."""
    remembered = []

    def remember(subject, size, *_):
        remembered.append((subject.name, size))
        return run_of(Row(group="", what="mine", role="ours", wall_s=1, cpu_s=1))

    monkeypatch.setattr(command, "run_subject", remember)
    monkeypatch.setattr(command, "_LATEST", tmp_path)
    return remembered


def test_all_subjects_are_measured_where_none_is_named(asked):
    """As `make bench` does."""
    assert main(["--sizes", "1000"]) == 0

    assert asked == [(name, 1000) for name in NAMES]


def test_the_subjects_that_are_named_are_measured_at_every_size(asked):
    main(["search", "load", "--sizes", "1000,2000"])

    assert asked == [("search", 1000), ("load", 1000), ("search", 2000), ("load", 2000)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serach"], "'serach' is none of evaluation, encoding"),
        (["search", "docs"], "docs is no subject: give it alone"),
        (
            ["--sizes", "many"],
            "whole numbers with commas between, such as 10000,100000; got 'many'",
        ),
        (["--sizes", "10"], "sizes begin at 1,000"),
        (["--threads", "0"], "threads at 1"),
    ],
)
def test_what_cannot_be_measured_is_refused(asked, capsys, arguments, message):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)

    assert message in capsys.readouterr().err
    assert not asked
