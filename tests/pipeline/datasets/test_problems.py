"""Problems: stored with their kind, read also without, and counted by it."""

from __future__ import annotations

from pathlib import Path

from pipeline.datasets.problems import Problem, problem_counts, read_problems, write_problems


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    problems = [
        Problem("a,b", 'a "reason"', "noted", "duplicate leak"),
        Problem("c", "line\nbreak"),
    ]

    write_problems(tmp_path / "problems.csv", problems)

    assert read_problems(tmp_path / "problems.csv") == problems


def test_a_table_without_kinds_is_read(tmp_path: Path) -> None:
    """The format of earlier versions: three columns."""
    (tmp_path / "problems.csv").write_text("file,reason,action\na,torn,skipped\n", "utf-8")

    assert read_problems(tmp_path / "problems.csv") == [Problem("a", "torn")]


def test_a_kind_is_one_of_its_words() -> None:
    problem = Problem("a", "", kind="duplicate conflict")

    assert [problem.is_a(word) for word in ("duplicate", "conflict", "leak", "con", "")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_duplicates_are_counted_together_whatever_their_names_look_like() -> None:
    names = ("a", "b with other labels", "c (leak: query and train)", "d; kept once")
    duplicates = [
        Problem("x", f"same content as {name}; kept once", kind="duplicate") for name in names
    ]
    leak = Problem("y", "same content as z (leak: query and train)", kind="duplicate leak conflict")
    listed = Problem("w", "named as query and as train; kept as query", "noted", "leak")

    assert problem_counts([leak, *duplicates, listed]) == [
        (4, "same content as another", "skipped"),
        (1, "same content as another, on both sides of the split, with other labels", "skipped"),
        (1, "named more than once, on both sides of the split", "noted"),
    ]


def test_reasons_of_earlier_versions_are_counted_without_their_names() -> None:
    problems = [
        Problem("x", "same content as a; kept once"),
        Problem("y", "same content as b; kept once"),
        Problem("z", "not an image file name (.txt)"),
    ]

    assert problem_counts(problems) == [
        (2, "same content; kept once", "skipped"),
        (1, "not an image file name", "skipped"),
    ]


def test_names_that_are_formulas_are_data_in_the_table_and_come_back(tmp_path: Path) -> None:
    problems = [Problem("=HYPERLINK(1).jpg", "+1 is no label"), Problem("a.jpg", "torn")]
    write_problems(tmp_path / "problems.csv", problems)

    assert "\n'=HYPERLINK(1).jpg,'+1 is no label" in (tmp_path / "problems.csv").read_text("utf-8")
    assert read_problems(tmp_path / "problems.csv") == problems
