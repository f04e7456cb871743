"""The basket of a report: what was added on other pages, in order, with notes.

It is a file of the library, one a data set: a report grows over days and in several tabs, and must
survive a reload, another browser and the end of the server. What is added is kept as it was seen
(numbers, chart, protocol), so that a later run cannot change a sentence that was already written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import pandas as pd
from filelock import FileLock
from pydantic import BaseModel, ConfigDict

from pipeline.files import write_atomic
from pipeline.settings import Settings
from pipeline.wording import sentence

Cell = str | float | int | bool | None
MOST_ROWS = 500  # of a table; a report is for reading, the CSV of the page has the rest


class Picture(BaseModel):
    """An image of the data set, by content, with what the page said about it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    caption: str
    mark: Literal["", "yes", "no", "unknown"] = ""


class Item(BaseModel):
    """One entry of a report.

    Attributes:
        id: of the entry.
        title: heading.
        finding: the page's own sentence.
        note: of the author.
        protocol: under which the numbers were measured.
        columns: of the table.
        rows: of the table.
        chart: Vega-Lite specification; empty for none.
        pictures: images of the data set.
        runs: ids of the runs that it shows.
        added: when, in UTC.
        link: address of the page as it was then.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title: str
    finding: str = ""
    note: str = ""
    protocol: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    chart: dict[str, Any] = {}
    pictures: tuple[Picture, ...] = ()
    runs: tuple[str, ...] = ()
    added: str = ""
    link: str = ""

    @property
    def table(self) -> pd.DataFrame:
        """Columns and rows as a frame."""
        return pd.DataFrame(list(self.rows), columns=list(self.columns))


class Basket(BaseModel):
    """A report in the making."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = ""
    author: str = ""
    summary: str = ""
    items: tuple[Item, ...] = ()


def new_item(title: str, table: pd.DataFrame | None = None, **facts: Any) -> Item:
    """An entry with an id and the time; `facts` are further fields of `Item`."""
    columns, rows = _cells(table) if table is not None else ((), ())
    return Item(
        id=uuid4().hex[:12],
        title=title,
        columns=columns,
        rows=rows,
        added=datetime.now(UTC).isoformat(timespec="seconds"),
        **facts,
    )


@dataclass(frozen=True)
class StoredBasket:
    """A basket as it could be read.

    Attributes:
        basket: what could be read; empty where there is none.
        problem: what could not be read of its file, in a sentence; empty where all could.
        kept: files of earlier states that could not be read in full, which nothing overwrites.
    """

    basket: Basket
    problem: str = ""
    kept: tuple[Path, ...] = ()


def read_basket(settings: Settings, dataset: str) -> StoredBasket:
    """The basket of a data set, and what of it cannot be read."""
    path = _path(settings, dataset)
    kept = tuple(sorted(path.parent.glob(f"{dataset}.kept-*.json")))
    try:
        return StoredBasket(*_read(path), kept)
    except OSError as error:
        return StoredBasket(Basket(), str(error), kept)


def change(settings: Settings, dataset: str, how: Callable[[Basket], Basket]) -> Basket:
    """Read, change and write in one step, so that two tabs never undo each other.

    A file that cannot be read in full, as it is damaged or of another version, is kept aside.

    Raises:
        OSError: the library cannot be written, or the basket is there and cannot be opened.
    """
    path = _path(settings, dataset)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        basket, problem = _read(path)
        if problem:
            path.rename(path.with_name(f"{dataset}.kept-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.json"))
        basket = how(basket)
        write_atomic(path, basket.model_dump_json(indent=1))
    return basket


def _read(path: Path) -> tuple[Basket, str]:
    """What can be read of a basket, and what cannot."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Basket(), ""
    try:
        return Basket.model_validate_json(content), ""
    except ValueError as error:
        problem = sentence(error)
    try:
        return Basket.model_validate_json(content, extra="ignore"), problem
    except ValueError:
        return Basket(), problem


def with_item(item: Item) -> Callable[[Basket], Basket]:
    """Adds an entry at the end."""
    return lambda basket: basket.model_copy(update={"items": (*basket.items, item)})


def started(title: str, items: Sequence[Item]) -> Callable[[Basket], Basket]:
    """Adds the entries of a template; its title stands where there is none yet."""
    return lambda basket: basket.model_copy(
        update={"title": basket.title or title, "items": (*basket.items, *items)}
    )


def without_item(item_id: str) -> Callable[[Basket], Basket]:
    """Takes an entry out."""
    return lambda basket: basket.model_copy(
        update={"items": tuple(item for item in basket.items if item.id != item_id)}
    )


def moved(item_id: str, by: int) -> Callable[[Basket], Basket]:
    """Moves an entry up (-1) or down (+1); the ends hold."""

    def how(basket: Basket) -> Basket:
        items = list(basket.items)
        place = next((i for i, item in enumerate(items) if item.id == item_id), None)
        if place is not None:
            target = min(max(place + by, 0), len(items) - 1)
            items.insert(target, items.pop(place))
        return basket.model_copy(update={"items": tuple(items)})

    return how


def with_note(item_id: str, note: str) -> Callable[[Basket], Basket]:
    """Sets the author's note of an entry."""
    return lambda basket: basket.model_copy(
        update={
            "items": tuple(
                item.model_copy(update={"note": note}) if item.id == item_id else item
                for item in basket.items
            )
        }
    )


def with_heading(title: str, author: str, summary: str) -> Callable[[Basket], Basket]:
    """Sets what stands above all entries."""
    return lambda basket: basket.model_copy(
        update={"title": title, "author": author, "summary": summary}
    )


def _cells(table: pd.DataFrame) -> tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
    rows = tuple(
        tuple(_cell(value) for value in row)
        for row in table.head(MOST_ROWS).itertuples(index=False, name=None)
    )
    return tuple(map(str, table.columns)), rows


def _cell(value: Any) -> Cell:
    if value is None or value is pd.NA or value != value:  # NaN is not itself
        return None
    value = value.item() if hasattr(value, "item") else value
    return value if isinstance(value, str | float | int | bool) else str(value)


def _path(settings: Settings, dataset: str) -> Path:
    return settings.home / "reports" / f"{dataset}.json"
