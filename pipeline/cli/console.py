"""What the commands share: the terminal, tables, progress bars, settings and the store.

Text of users, files and errors is printed as it is: nothing in it is markup, an emoji code or a
control sequence, and what the terminal's encoding does not have is written as an escape.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Annotated

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from pipeline.library_version import check_version
from pipeline.progress import StageProgress
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.index.store.base import CodeStore

console = Console(markup=False, emoji=False, highlight=False)
errors = Console(stderr=True, markup=False, emoji=False, highlight=False)
JsonOption = Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")]
_log = logging.getLogger(__name__)
_PROSE_WIDTH = 24  # least room for a column of sentences
_BORDERS = 3  # a line and two spaces for each column, and one line more


@cache
def current_settings() -> Settings:
    """The settings of this process.

    Raises:
        LibraryVersion: the data folder is of a newer version.
    """
    settings = Settings.from_environment()
    check_version(settings)
    return settings


@cache
def current_store() -> CodeStore:
    """The store that the settings name."""
    from pipeline.index.store.opening import store_of

    return store_of(current_settings())


def limit_threads() -> None:
    """Let torch use as many threads as the settings say; for commands that compute."""
    import torch

    torch.set_num_threads(current_settings().threads)


def survive_any_encoding() -> None:
    """Let characters that the terminal's encoding does not have be written as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(*parts: str | tuple[str, str], to: Console = console) -> None:
    """Print a line, which the terminal wraps where it must: what is copied from it is whole.

    Args:
        parts: texts, or texts with a style.
        to: standard output, or `errors`.
    """
    styled = [(part, "") if isinstance(part, str) else part for part in parts]
    text = Text.assemble(*((printable(words, to), style) for words, style in styled))
    to.print(text, soft_wrap=True)


def announce(text: str) -> None:
    """Say what a process that stays does: a line, or one of the log where that is JSON."""
    if current_settings().log == "json":
        _log.info("%s", text)
    else:
        say(text)


def say_json(value: object) -> None:
    """Print a value as JSON, in characters that every terminal has."""
    print(json.dumps(value, indent=2))


def printable(text: str, to: Console = console) -> str:
    """A text with control characters, and what the encoding does not have, as escapes."""
    shown = "".join(
        character.encode("unicode_escape").decode()
        if character != "\n" and unicodedata.category(character) in ("Cc", "Cs")
        else character
        for character in text
    )
    return shown.encode(to.encoding, "backslashreplace").decode(to.encoding)


@contextmanager
def progress_bars(to: Console = console) -> Iterator[StageProgress]:
    """A callback (stage, done, total) that draws one bar per stage, above it what is printed."""
    columns = (
        TextColumn("{task.description:<12}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=to) as progress:
        bars: dict[str, int] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in bars:
                bars[stage] = progress.add_task(stage, total=total)
            progress.update(bars[stage], completed=done, total=total)  # type: ignore[arg-type]

        yield show


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    title: str = "",
    *,
    prose: Collection[str] = (),
    optional: Sequence[str] = (),
    has_json: bool = False,
) -> None:
    """Print rows under column names; numbers to the right.

    Only prose is wrapped: a name or an id stays on its line, whatever the terminal's width.
    Columns for which there is no room are left out, and named below the table.

    Args:
        columns: column names.
        rows: a cell for each column.
        title: above the table.
        prose: columns of sentences.
        optional: columns that can be left out; the first goes first.
        has_json: whether the command has `--json`.
    """
    cells = [[printable(str(value)).replace("\n", " ") for value in row] for row in rows]
    least = {
        name: _least_width([name, *(row[place] for row in cells)], is_prose=name in prose)
        for place, name in enumerate(columns)
    }
    shown, left_out = list(columns), []
    for name in optional:
        if _table_width(least, shown) > console.width and name in shown:
            shown.remove(name)
            left_out.append(name)
    table = Table(title=Text(printable(title)) if title else None, title_justify="left")
    for name in shown:
        place = columns.index(name)
        table.add_column(
            Text(printable(name), "bold"),
            justify="right" if rows and isinstance(rows[0][place], int | float) else "left",
            min_width=least[name],
            no_wrap=name not in prose,
        )
    for row in cells:
        table.add_row(*(Text(row[columns.index(name)]) for name in shown))
    console.print(table, width=max(console.width, _table_width(least, shown)), crop=False)
    if left_out:
        ways = "--json or a wider terminal shows" if has_json else "a wider terminal shows"
        say(f"No room for: {', '.join(left_out)}; {ways} all.")


def _least_width(texts: Sequence[str], *, is_prose: bool) -> int:
    """Cells that a column needs, so that nothing of it is broken that should not be."""
    whole = max(cell_len(text) for text in texts)
    if not is_prose:
        return whole
    longest_word = max((cell_len(word) for text in texts for word in text.split()), default=0)
    return min(whole, max(longest_word, _PROSE_WIDTH))


def _table_width(least: dict[str, int], shown: Sequence[str]) -> int:
    return sum(least[name] + _BORDERS for name in shown) + 1
