"""What the commands share: the terminal, progress bars, settings and the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline.execute import StageProgress
from pipeline.settings import Settings
from pipeline.store.base import CodeStore

console = Console()
errors = Console(stderr=True)


@cache
def current_settings() -> Settings:
    """The settings of this process."""
    return Settings.from_environment()


@cache
def current_store() -> CodeStore:
    """The store that the settings name."""
    from pipeline.store.opening import store_of  # a second for the client; few commands need it

    return store_of(current_settings())


@contextmanager
def progress_bars() -> Iterator[StageProgress]:
    """A callback (stage, done, total) that draws one bar a stage."""
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bars: dict[str, int] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in bars:
                bars[stage] = progress.add_task(stage, total=total)
            progress.update(bars[stage], completed=done, total=total)  # type: ignore[arg-type]

        yield show


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> None:
    """Print rows under column names; numbers to the right."""
    table = Table(title=title or None, title_justify="left", header_style="bold")
    for position, name in enumerate(columns):
        is_number = bool(rows) and isinstance(rows[0][position], int | float)
        table.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(str(value).replace("[", "\\[") for value in row))
    console.print(table)
