"""A report in the making: what was added on other pages, in order, with finding and notes.

What is added is kept as it was seen (numbers, chart, results, protocol), so that a later run cannot
change a sentence that was already written. `report_store` keeps reports in the library.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

import pandas as pd
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

Cell = str | float | int | bool | None
MOST_ROWS = 500  # of a table; a report is for reading, the CSV of the page has the rest


class Picture(BaseModel):
    """An image with what the page said about it.

    Attributes:
        sha256: content hash of an image of the data set.
        caption: what it shows.
        mark: whether it is relevant.
        distance: to the query, in bits; None where there is none.
        source: the image itself as a data address, for one that is not in the data set.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    caption: str
    mark: Literal["", "yes", "no", "unknown"] = ""
    distance: int | None = None
    source: str = Field("", pattern=r"^(data:image/webp;base64,[A-Za-z0-9+/]+=*)?$")


class Strip(BaseModel):
    """The first results of a query under one run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    bits: int
    pictures: tuple[Picture, ...]


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
        query: image that was searched with; None for none.
        strips: its first results, of each run.
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
    query: Picture | None = None
    strips: tuple[Strip, ...] = ()
    runs: tuple[str, ...] = ()
    added: str = ""
    link: str = ""

    @property
    def table(self) -> pd.DataFrame:
        """Columns and rows as a frame."""
        return pd.DataFrame(list(self.rows), columns=list(self.columns))


class Basket(BaseModel):
    """A report in the making.

    Attributes:
        title: which is also its name.
        author: who wrote it.
        finding: what it says, in a few sentences, above all entries.
        items: entries, in order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = ""
    author: str = ""
    finding: str = Field("", validation_alias=AliasChoices("finding", "summary"))  # was `summary`
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
class Change:
    """One change of a report.

    Attributes:
        what: it does, to stand after *Undo*, such as `remove “Methods”`.
        apply: gives the changed report.
    """

    what: str
    apply: Callable[[Basket], Basket]


def with_item(item: Item) -> Change:
    """Adds an entry at the end."""
    return Change(
        f"add “{item.title}”",
        lambda basket: basket.model_copy(update={"items": (*basket.items, item)}),
    )


def started(title: str, items: Sequence[Item], finding: str = "") -> Change:
    """Adds the entries of a template or draft; title and finding stand where there is none yet."""

    def apply(basket: Basket) -> Basket:
        added = {
            "title": basket.title or title,
            "finding": basket.finding or finding,
            "items": (*basket.items, *items),
        }
        return basket.model_copy(update=added)

    return Change(f"add “{title}”", apply)


def without_item(item: Item) -> Change:
    """Removes an entry."""
    return Change(
        f"remove “{item.title}”",
        lambda basket: basket.model_copy(
            update={"items": tuple(one for one in basket.items if one.id != item.id)}
        ),
    )


def moved(item: Item, by: int) -> Change:
    """Moves an entry up (-1) or down (+1); the ends hold."""

    def apply(basket: Basket) -> Basket:
        items = list(basket.items)
        place = next((i for i, one in enumerate(items) if one.id == item.id), None)
        if place is not None:
            target = min(max(place + by, 0), len(items) - 1)
            items.insert(target, items.pop(place))
        return basket.model_copy(update={"items": tuple(items)})

    return Change(f"move “{item.title}”", apply)


def edited(item: Item, **texts: str) -> Change:
    """Sets texts of an entry: its title, finding or note."""
    return Change(
        f"edit “{item.title}”",
        lambda basket: basket.model_copy(
            update={
                "items": tuple(
                    one.model_copy(update=texts) if one.id == item.id else one
                    for one in basket.items
                )
            }
        ),
    )


def with_heading(title: str, author: str, finding: str) -> Change:
    """Sets what stands above all entries."""
    return Change(
        "edit the heading",
        lambda basket: basket.model_copy(
            update={"title": title, "author": author, "finding": finding}
        ),
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
