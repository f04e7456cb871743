"""What commands print: as it is, on any terminal, and whole enough to be copied."""

from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console

from pipeline.cli.console import (
    console,
    print_table,
    printable,
    say,
    say_json,
    survive_any_encoding,
)

RUN = "2026-11-29T11-24-50_greedyhash_a-data-set-of-mine_128b_3fa2"


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "width", 80)


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    "text", ["[bold]x[/]", "a[/b]", ":smile:", "[link=x]y[/link]", "\\[b]", "[", "{0}", "%s"]
)
def test_text_that_looks_like_markup_is_printed_as_it_is(text: str, capsys) -> None:
    say(text, (text, "red"))
    print_table((text, "b"), [(text, 1)], text)

    assert capsys.readouterr().out.count(text) == 5


def test_control_characters_are_printed_as_escapes(capsys) -> None:
    """A file name must not colour the terminal, ring its bell or move its cursor."""
    say("a\x1b[31mb\x07\r")
    print_table(("name",), [("one\ntwo\x1b[2J",)])

    out = capsys.readouterr().out
    assert "a\\x1b[31mb\\x07\\r" in out
    assert "one two\\x1b[2J" in out


def test_what_the_encoding_does_not_have_is_printed_as_an_escape() -> None:
    narrow = Console(file=io.TextIOWrapper(io.BytesIO(), "cp1252"))

    assert printable("Grüße 日本 😀", narrow) == "Grüße \\u65e5\\u672c \\U0001f600"
    assert printable("Grüße \udcff") == "Grüße \\udcff"  # a file name that is no UTF-8


def test_streams_survive_any_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "cp1252", write_through=True))

    survive_any_encoding()
    say("日本")
    print_table(("名",), [("日本",)])
    say_json({"名": "日本"})

    assert raw.getvalue().count(b"\\u65e5\\u672c") == 3


def test_a_long_line_is_not_broken(capsys) -> None:
    say(f"Queued {RUN}. A worker executes it: python -m pipeline worker")

    assert len(lines_of(capsys)) == 1


def test_a_column_without_room_is_left_out_and_named(capsys) -> None:
    rows = [(RUN, "done", 128, "0.75")]

    print_table(
        ("run", "state", "bits", "mAP"), rows, optional=("bits", "mAP", "state"), has_json=True
    )

    *table, said = lines_of(capsys)
    assert sum(RUN in line for line in table) == 1
    assert "done" in "".join(table)
    assert "128 " not in "".join(table)
    assert max(map(len, table)) <= 80
    assert said == "No room for: bits; --json or a wider terminal shows all."


def test_what_fits_is_shown_whole(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "width", len(RUN) + len("state") + len("bits") + 10)

    print_table(("run", "state", "bits"), [(RUN, "done", 128)], optional=("bits", "state"))

    table = lines_of(capsys)
    assert "128" in table[3]
    assert not any("No room" in line for line in table)


def test_an_id_that_is_wider_than_the_terminal_stays_in_one_piece(capsys) -> None:
    longer = RUN.replace("mine", "mine" * 9)

    print_table(("run", "state"), [(longer, "done")], optional=("state",))

    assert sum(longer in line for line in lines_of(capsys)) == 1


def test_sentences_are_wrapped_between_words_and_names_are_not(capsys) -> None:
    idea = "a sentence of many words that goes on and on until there is no room for it any more"

    print_table(("method", "idea"), [("GreedyHash, straight through", idea)], prose=("idea",))

    table = lines_of(capsys)
    assert sum("GreedyHash, straight through" in line for line in table) == 1
    assert max(map(len, table)) <= 80
    words = [word for line in table[3:-1] for word in line.split("│")[2].split()]
    assert words == idea.split()


def test_wide_characters_count_twice(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve characters on 24 cells: with the borders 28, with the number 35."""
    monkeypatch.setattr(console, "width", 34)

    print_table(("名", "n"), [("日本" * 6, 1234)], optional=("n",))

    assert lines_of(capsys)[-1] == "No room for: n; a wider terminal shows all."


def test_json_is_the_same_on_every_terminal(capsys) -> None:
    say_json({"name": "日本"})

    assert '"\\u65e5\\u672c"' in capsys.readouterr().out
