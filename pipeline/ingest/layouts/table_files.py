"""Tables as people write them: delimited text, JSON, JSON lines and parquet."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.datasets.dataset import DatasetError
from pipeline.datasets.problems import Problem
from pipeline.images import SUFFIXES
from pipeline.ingest.split_words import split_word
from pipeline.ingest.text import Text, decode_text
from pipeline.ingest.tree import File

TABLE_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet")
PATHS = (  # usual names of columns with paths, the most telling first
    "file_name",
    "filename",
    "path",
    "file",
    "filepath",
    "file_path",
    "image_path",
    "image",
    "img",
    "img_path",
    "image_name",
    "image_id",
    "id",
)
_DELIMITERS = (",", ";", "\t", "|")
_SNIFFED_ROWS = 100
_MOST_COLUMNS = 12  # in a comment that is taken for a header; a sentence has more words
_LONGEST_CELL = 1 << 24  # characters
_MOST_UNCLOSED = 50  # lines with a quote that is never closed; each has the rest read once more


@dataclass(frozen=True)
class Table:
    """The rows of a file.

    Attributes:
        frame: cells by column; those of delimited text are text.
        header: cells of the first line of delimited text, which may be a row; else empty.
        problems: lines that could not be read.
        notes: how it was read, where that is not plain.
    """

    frame: pd.DataFrame
    header: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    def with_header_as_row(self) -> Table:
        """Table whose first line is a row like the others."""
        names = [f"column {number}" for number in range(1, 1 + len(self.frame.columns))]
        first = pd.DataFrame([list(self.header)], columns=names)
        rest = self.frame.set_axis(names, axis=1)
        return replace(self, frame=pd.concat([first, rest], ignore_index=True))


def parse_table(file: File, encoding: str = "") -> Table | None:
    """The table in a file; None when it holds something else.

    Args:
        file: file with a suffix of `TABLE_SUFFIXES`.
        encoding: encoding of its text, when that is known.

    Raises:
        DatasetError: it is meant to be a table but damaged.
    """
    try:
        content = file.read()
        if file.suffix == ".parquet":
            schema = pq.read_schema(io.BytesIO(content))
            plain = [column.name for column in schema if not may_hold_images(column.type)]
            return Table(pd.read_parquet(io.BytesIO(content), columns=plain))
        text = decode_text(content, file.name, encoding)
        if file.suffix in (".csv", ".tsv"):
            table: Table | None = _from_delimited(file, text.content)
        elif file.suffix == ".json" and not _has_json_lines(text.content):
            table = _from_json(file, json.loads(text.content))
        else:
            table = _from_lines(file, text.content)
    except DatasetError:
        raise
    except (ValueError, OSError, RecursionError) as error:  # pandas and pyarrow raise ValueErrors
        raise DatasetError(f"{file.name} is no readable table ({error})") from error
    return (
        None if table is None else replace(table, notes=(*_encoding_note(file, text), *table.notes))
    )


def may_hold_images(kind: pa.DataType) -> bool:
    """Whether a parquet column of this type can hold the bytes of images."""
    if pa.types.is_struct(kind):
        return "bytes" in {kind.field(i).name for i in range(kind.num_fields)}
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _encoding_note(file: File, text: Text) -> tuple[str, ...]:
    if not text.guess:
        return ()
    return (
        f"{file.name}: read as {text.guess}, which is a guess; name the encoding if it is wrong",
    )


def _from_delimited(file: File, text: str) -> Table:
    lines = io.StringIO(text, newline="").readlines()
    while lines and not lines[-1].strip():
        lines.pop()
    named = re.fullmatch(r'"?sep=(.)"?\s*', lines[0], re.IGNORECASE) if lines else None
    start = 1 if named else _n_comments(lines)
    delimiter = named[1] if named else _delimiter(lines, file.suffix)
    problems: list[Problem] = []
    rows = list(_rows(lines, start, delimiter, file, problems))
    if not rows:
        raise DatasetError(f"{file.name} is no readable table (it has no lines)")
    names, cells = _fitted(file, rows, problems)
    frame = pd.DataFrame(cells, columns=_distinct(names), dtype=object)
    n_short = sum(len(row) < len(names) for _, row in rows[1:])
    filled = f"{file.name}: lines shorter than the first, filled with nothing: {n_short:,}"
    notes = (filled,) if n_short else ()
    return Table(frame, tuple(names), tuple(problems), notes)


def _n_comments(lines: list[str]) -> int:
    """Lines of comments at the top; a comment that names a column with paths is the header."""
    for number, line in enumerate(lines):
        if not line.startswith("#"):
            return number
        words = re.findall(r"\w+", line.lower())
        if not {*PATHS, "label"}.isdisjoint(words) and len(words) < _MOST_COLUMNS:
            lines[number] = line.lstrip("# ")
            return number
    return 0


def _rows(
    lines: Sequence[str], start: int, delimiter: str, file: File, problems: list[Problem]
) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of every line, or lines where quoted cells break; a bad line is a problem.

    Reading continues after a bad line, also when its quote is never closed.
    """
    csv.field_size_limit(_LONGEST_CELL)
    n_unclosed = 0
    while start < len(lines):
        rest = islice(lines, start, None)
        reader = csv.reader(rest, delimiter=delimiter, skipinitialspace=True, strict=True)
        done, is_closed = 0, True
        while is_closed:
            try:
                cells = [cell.strip() for cell in next(reader)]
            except StopIteration:
                return
            except csv.Error as error:
                bad = start + done + 1
                problems.append(Problem(file.name, f"line {bad} cannot be read ({error})"))
                is_closed = reader.line_num == done + 1  # else the quote has swallowed lines
            else:
                if any(cells):
                    yield start + done + 1, cells
            done = reader.line_num if is_closed else done
        start, n_unclosed = bad, n_unclosed + 1
        if n_unclosed > _MOST_UNCLOSED:
            raise DatasetError(
                f"{file.name} is no readable table: quotes are never closed in more than "
                f"{_MOST_UNCLOSED} lines, the last is line {bad}"
            )


def _delimiter(lines: Sequence[str], suffix: str) -> str:
    """The sign that divides most lines into the same number of cells, more than one."""
    sample = [line for line in lines[:_SNIFFED_ROWS] if line.strip()]
    order = ("\t", *_DELIMITERS) if suffix == ".tsv" else _DELIMITERS

    def evenness(delimiter: str) -> int:
        rows = csv.reader(sample, delimiter=delimiter, skipinitialspace=True)
        widths = Counter(len(_trimmed(row)) for row in rows)
        return max((n for width, n in widths.items() if width > 1), default=0)

    return max(order, key=evenness)


def _trimmed(row: Sequence[str]) -> list[str]:
    """The cells without empty ones at the end."""
    end = len(row)
    while end and not row[end - 1].strip():
        end -= 1
    return list(row[:end])


def _fitted(
    file: File, rows: Sequence[tuple[int, list[str]]], problems: list[Problem]
) -> tuple[list[str], list[list[str]]]:
    """Names of the columns, and rows of as many cells.

    Signs at the end of lines make no column. Where every row has one cell more than the first
    line, the rows have names, as R writes them. Any other row with more is a problem.
    """
    trimmed = [(number, _trimmed(row)) for number, row in rows]
    body = trimmed[1:]
    width = max((len(row) for _, row in body), default=0)
    header = rows[0][1][: max(len(trimmed[0][1]), min(width, len(rows[0][1])))]
    wider = sum(len(row) > len(header) for _, row in body)
    if body and wider == len(body) and {len(row) for _, row in body} == {len(header) + 1}:
        header = ["row", *header]
    cells = []
    for number, row in body:
        if len(row) > len(header):
            reason = f"line {number} has {len(row)} cells, the first line {len(header)}"
            problems.append(Problem(file.name, reason))
        else:
            cells.append(row + [""] * (len(header) - len(row)))
    return header, cells


def _distinct(names: Sequence[str]) -> list[str]:
    """Names of columns, those without one and later ones of the same by their number."""
    distinct: list[str] = []
    for number, name in enumerate(names, 1):
        plain = name or f"column {number}"
        distinct.append(f"{plain} ({number})" if plain in distinct else plain)
    return distinct


def _from_lines(file: File, text: str) -> Table:
    rows: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError(f"no object but {type(row).__name__}")
        except (ValueError, RecursionError) as error:
            problems.append(Problem(file.name, f"line {number} cannot be read ({error})"))
        else:
            rows.append(row)
    if problems and not rows:
        raise DatasetError(f"{file.name} is no readable table: {problems[0].reason}")
    return Table(pd.DataFrame(rows), problems=tuple(problems))


def _has_json_lines(text: str) -> bool:
    """Whether a text is an object per line, whatever the file is called."""
    lines = [line.strip() for line in text.splitlines() if line.strip()][:2]
    return len(lines) == 2 and all(line[:1] == "{" and line[-1:] == "}" for line in lines)


def _from_json(file: File, document: Any) -> Table | None:
    """A list of objects, columns, or an object of paths with their labels or facts."""
    if isinstance(document, list):
        rows = [row for row in document if isinstance(row, dict)]
        odd = len(document) - len(rows)
        bad = (Problem(file.name, f"{odd:,} of its entries are no objects"),) if odd else ()
        return Table(pd.DataFrame(rows), problems=bad) if rows else None
    if not isinstance(document, dict) or not document:
        return None
    values = list(document.values())
    lists = [value for value in values if isinstance(value, list)]
    inner = [value for value in lists if value and all(isinstance(row, dict) for row in value)]
    if len(inner) == 1:
        return Table(pd.DataFrame(inner[0]))
    if len(inner) == len(values) and all(map(split_word, document)):
        parts = [{**row, "split": part} for part, rows in document.items() for row in rows]
        return Table(pd.DataFrame(parts))
    is_even = len(lists) == len(values) > 1 and len({len(value) for value in values}) == 1
    if is_even and any(name.lower() in PATHS for name in document):
        return Table(pd.DataFrame(document))
    if len(lists) == len(values) and all(map(_names_images, lists)):
        pairs = [(name, label) for label, names in document.items() for name in names]
        return Table(pd.DataFrame(pairs, columns=["file_name", "label"]))
    if all(isinstance(value, dict) for value in values):
        rows = [{"file_name": name, **facts} for name, facts in document.items()]
        return Table(pd.DataFrame(rows))
    if all(isinstance(value, str | int | list) for value in values):
        return Table(pd.DataFrame({"file_name": list(document), "label": values}))
    return None


def _names_images(values: list[Any]) -> bool:
    return all(isinstance(v, str) and PurePosixPath(v).suffix.lower() in SUFFIXES for v in values)
