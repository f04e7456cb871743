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


class Problem(NamedTuple):
    """A file that was not taken as it is.

    Attributes:
        file: its name in the source.
        reason: why, in a few words.
        action: what was done: skipped, converted or noted.
    """

    file: str
    reason: str
    action: str = "skipped"


def write_problems(path: Path, problems: Sequence[Problem]) -> None:
    """Write the table of problems, whole or not at all."""
    text = io.StringIO()
    csv.writer(text).writerows([Problem._fields, *problems])
    write_atomic(path, text.getvalue(), durable=False)


def read_problems(path: Path) -> list[Problem]:
    """The problems in a table; none when there is no table."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [Problem(*row[:3]) for row in rows]


def problem_counts(problems: Iterable[Problem]) -> list[tuple[int, str, str]]:
    """How many files have each reason, most frequent first; names inside reasons are left out."""
    counted = Counter((_kind(one.reason), one.action) for one in problems)
    return [(n, reason, action) for (reason, action), n in counted.most_common()]


def reasons_in_words(problems: Iterable[Problem]) -> str:
    """Why files were skipped, with how many for each reason; empty for none."""
    skipped = (problem for problem in problems if problem.action == "skipped")
    return "; ".join(f"{n:,} × {reason}" for n, reason, _ in problem_counts(skipped))


def _kind(reason: str) -> str:
    reason = re.sub(r"same content as .*?(?=( \(leak| with other|; kept))", "same content", reason)
    reason = re.sub(r"same name as .*?, up", "same name as another, up", reason)
    reason = re.sub(r"(nothing but a path), .*?: a symbolic", r"\1: a symbolic", reason)
    return re.sub(r" '.*'| \([^(]*\)$|\d+ x \d+", "", reason)
