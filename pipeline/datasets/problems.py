"""Files that were not taken as they are: each with a reason and what was done."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.files import write_atomic
from pipeline.spreadsheets import as_it_was, harmless

SCALED = "scaled to 8 bits"  # how such a note begins, also in data sets of earlier versions


class Problem(NamedTuple):
    """A file that was not taken as it is.

    Attributes:
        file: name of the file in the source.
        reason: why, in a few words.
        action: action that was taken: skipped, converted or noted.
        kind: what it counts as, in the words duplicate (the content of another file), leak (on
            both sides of the split), conflict (labels that contradict) and relabelled (known
            images with new labels or another part), separated by spaces.
    """

    file: str
    reason: str
    action: str = "skipped"
    kind: str = ""

    def is_a(self, word: str) -> bool:
        """Whether `word` is one of its kind's words."""
        return word in self.kind.split()


def write_problems(path: Path, problems: Sequence[Problem]) -> None:
    """Write the table of problems, whole or not at all."""
    text = io.StringIO()
    rows = ([harmless(cell) for cell in problem] for problem in problems)
    csv.writer(text).writerows([Problem._fields, *rows])
    write_atomic(path, text.getvalue())


def read_problems(path: Path) -> list[Problem]:
    """The problems in a table; none when there is no table."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [
        Problem(*map(as_it_was, row[:4])) for row in rows if len(row) > 1
    ]  # older tables have no kind


def first_problem(problems: Sequence[Problem]) -> str:
    """The first problem in words, for messages."""
    return f"{problems[0].file}: {problems[0].reason}" if problems else "none is known"


def problem_counts(problems: Iterable[Problem]) -> list[tuple[int, str, str]]:
    """How many files have each reason, most frequent first; names inside reasons are left out."""
    counted = Counter((_title(problem), problem.action) for problem in problems)
    return [(n, reason, action) for (reason, action), n in counted.most_common()]


def reasons_in_words(problems: Iterable[Problem]) -> str:
    """Why files were skipped, with how many for each reason; empty for none."""
    skipped = (problem for problem in problems if problem.action == "skipped")
    return "; ".join(f"{n:,} × {reason}" for n, reason, _ in problem_counts(skipped))


def _title(problem: Problem) -> str:
    """What problems of one kind have in common; by the reason where the kind is not known."""
    if not problem.kind:
        return _without_names(problem)
    if problem.is_a("relabelled"):
        return "already here with other labels or in another part, and kept so"
    title = "same content as another" if problem.is_a("duplicate") else "named more than once"
    if problem.is_a("leak"):
        title += ", on both sides of the split"
    return title + (", with other labels" if problem.is_a("conflict") else "")


def _without_names(problem: Problem) -> str:
    """A reason without what differs from file to file, also as it was worded by older versions."""
    reason = re.sub(
        r"same content as .*?(?=( \(leak| with other|; kept))", "same content", problem.reason
    )
    reason = re.sub(r"same name as .*?, up", "same name as another, up", reason)
    reason = re.sub(r"(nothing but a path), .*?: a symbolic", r"\1: a symbolic", reason)
    reason = re.sub(r" '.*'| \([^(]*\)$|\d+ x \d+", "", reason)
    return re.sub(r"\b\d[\d,]*\b", "N", reason) if problem.action == "skipped" else reason
