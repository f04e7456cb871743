"""Several reports of a data set: create, delete, undo, and what another tab does meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dashboard.services import report_store
from dashboard.services.report_basket import (
    Basket,
    edited,
    moved,
    new_item,
    with_heading,
    with_item,
    without_item,
)
from dashboard.services.report_store import (
    FIRST,
    UNTITLED,
    OvertakenError,
    change,
    create_report,
    delete_report,
    last_change,
    list_reports,
    read_basket,
    undo,
)
from pipeline.settings import Settings

NAME = "shapes"


@pytest.fixture
def library(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def basket_of(library: Settings, report: str = FIRST) -> Basket:
    return read_basket(library, NAME, report).basket


def titles(library: Settings, report: str = FIRST) -> list[str]:
    return [item.title for item in basket_of(library, report).items]


def test_reports_are_listed_by_title_the_latest_first(library: Settings) -> None:
    assert list_reports(library, NAME) == {}
    change(library, NAME, with_item(new_item("one")))
    second = create_report(library, NAME, "Second")
    create_report(library, "shapes-2", "Another data set")
    assert list_reports(library, NAME) == {second: "Second", FIRST: UNTITLED}

    path = library.home / "reports" / f"{NAME}.json"
    os.utime(path, ns=(path.stat().st_mtime_ns + 10**10,) * 2)
    assert list(list_reports(library, NAME)) == [FIRST, second]
    path.write_text("{", "utf-8")
    assert list_reports(library, NAME)[FIRST] == UNTITLED  # damaged, and still there


def test_a_change_is_in_its_report_alone(library: Settings) -> None:
    second = create_report(library, NAME, "Second")
    change(library, NAME, with_item(new_item("one")))
    change(library, NAME, with_item(new_item("two")), second)

    assert (titles(library), titles(library, second)) == (["one"], ["two"])
    assert last_change(library, NAME, second).what == "add “two”"


@pytest.mark.parametrize("kind", ["remove", "move", "edit", "heading"])
def test_the_last_change_is_undone_and_done_again(library: Settings, kind: str) -> None:
    first, second = new_item("one"), new_item("two")
    for item in (first, second):
        change(library, NAME, with_item(item))
    before = basket_of(library)
    how = {
        "remove": without_item(first),
        "move": moved(first, 1),
        "edit": edited(first, finding="new"),
        "heading": with_heading("T", "", "F"),
    }[kind]
    after = change(library, NAME, how)
    assert after != before

    undo(library, NAME, last_change(library, NAME, FIRST))
    assert basket_of(library) == before
    again = last_change(library, NAME, FIRST)
    assert (again.what, again.is_undone) == (how.what, True)

    undo(library, NAME, again)
    assert basket_of(library) == after
    assert not last_change(library, NAME, FIRST).is_undone


def test_what_changes_nothing_leaves_the_undo_of_the_change_before(library: Settings) -> None:
    item = new_item("one")
    change(library, NAME, with_item(item))
    change(library, NAME, moved(item, -1))

    assert last_change(library, NAME, FIRST).what == "add “one”"


def test_a_change_of_another_tab_is_not_undone_by_mistake(library: Settings) -> None:
    change(library, NAME, with_item(new_item("one")))
    seen = last_change(library, NAME, FIRST)
    change(library, NAME, with_item(new_item("two")))

    with pytest.raises(OvertakenError, match="another tab"):
        undo(library, NAME, seen)
    assert titles(library) == ["one", "two"]


def test_a_deleted_report_comes_back(library: Settings) -> None:
    change(library, NAME, with_item(new_item("one")))
    second = create_report(library, NAME, "Second")
    change(library, NAME, with_item(new_item("two")), second)

    delete_report(library, NAME, second)
    assert list(list_reports(library, NAME)) == [FIRST]
    last = last_change(library, NAME, FIRST)
    assert last.what == "delete “Second”"

    assert undo(library, NAME, last) == second
    assert titles(library, second) == ["two"]
    assert titles(library) == ["one"]
    with pytest.raises(OvertakenError):
        undo(library, NAME, last)


def test_a_deleted_first_report_comes_back_beside_the_one_begun_since(library: Settings) -> None:
    change(library, NAME, with_item(new_item("one")))
    delete_report(library, NAME, FIRST)
    last = last_change(library, NAME, FIRST)
    change(library, NAME, with_item(new_item("two")))

    report = undo(library, NAME, last)

    assert report != FIRST
    assert (titles(library), titles(library, report)) == (["two"], ["one"])


def test_only_the_report_deleted_last_is_kept(library: Settings) -> None:
    for title in ("A", "B"):
        delete_report(library, NAME, create_report(library, NAME, title))

    names = [path.name for path in (library.home / "reports").glob("*.deleted.json")]
    assert len(names) == 1
    assert last_change(library, NAME, FIRST).what == "delete “B”"


def test_a_later_change_comes_before_the_deletion(library: Settings) -> None:
    delete_report(library, NAME, create_report(library, NAME, "A"))
    change(library, NAME, with_item(new_item("one")))

    assert last_change(library, NAME, FIRST).what == "add “one”"


def test_a_damaged_undo_is_no_undo(library: Settings) -> None:
    change(library, NAME, with_item(new_item("one")))
    (library.home / "reports" / f"{NAME}.undo.json").write_text("{", "utf-8")

    assert last_change(library, NAME, FIRST) is None


def test_an_undo_keeps_what_cannot_be_read(library: Settings) -> None:
    for title in ("one", "two"):
        change(library, NAME, with_item(new_item(title)))
    (library.home / "reports" / f"{NAME}.json").write_text("{", "utf-8")

    undo(library, NAME, last_change(library, NAME, FIRST))

    assert titles(library) == ["one"]
    assert [path.read_text("utf-8") for path in read_basket(library, NAME).kept] == ["{"]


def test_an_id_is_no_path(library: Settings) -> None:
    with pytest.raises(ValueError, match="not the id of a report"):
        report_store.read_basket(library, NAME, "../x")
