"""Tables as people write them give the same rows, and a bad line costs that line."""

from __future__ import annotations

import pytest

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.layouts.table_files import Table, parse_table
from pipeline.ingest.tree import File

CAT, DOG = '{"path": "1.jpg", "label": "cat"}', '{"path": "2.jpg", "label": "dog"}'
ROWS = [["1.jpg", "cat", "train"], ["2.jpg", "dog", "test"]]
PLAIN = "path,label,split\n1.jpg,cat,train\n2.jpg,dog,test\n"
WRITTEN = {
    "plain": PLAIN,
    "windows lines": PLAIN.replace("\n", "\r\n"),
    "old mac lines": PLAIN.replace("\n", "\r"),
    "semicolons": PLAIN.replace(",", ";"),
    "tabs": PLAIN.replace(",", "\t"),
    "bars": PLAIN.replace(",", "|"),
    "sep line": "sep=;\n" + PLAIN.replace(",", ";"),
    "quoted sep line": '"SEP=|"\n' + PLAIN.replace(",", "|"),
    "blanks": PLAIN.replace(",", " , "),
    "trailing commas": "path,label,split\n1.jpg,cat,train,\n2.jpg,dog,test,\n",
    "trailing commas everywhere": PLAIN.replace("\n", ",,\n"),
    "quotes": '"path","label","split"\n"1.jpg","cat","train"\n"2.jpg","dog","test"\n',
    "blank lines": "\n" + PLAIN.replace("\n", "\n\n"),
    "no last line end": PLAIN.strip(),
    "utf-8 mark": "\ufeff" + PLAIN,
}


def parsed(content: str | bytes, name: str = "t.csv", encoding: str = "") -> Table:
    data = content.encode() if isinstance(content, str) else content
    table = parse_table(File(name, len(data), lambda: data, lambda: data[:16], ""), encoding)
    assert table is not None
    return table


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_delimited_text_is_read_however_it_is_written(text: str) -> None:
    table = parsed(text)

    assert list(table.frame.columns) == ["path", "label", "split"]
    assert table.frame.to_numpy().tolist() == ROWS
    assert not table.problems


def test_quotes_keep_signs_and_line_ends() -> None:
    table = parsed('path,note\n1.jpg,"a, b\nand ""c"""\n2.jpg,d\n')

    assert table.frame["note"].tolist() == ['a, b\nand "c"', "d"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("3.jpg,cow,train,what,is,this", "line 3 has 6 cells, the first line 3"),
        ('3.jpg,"cow,train', "line 3 cannot be read"),
        ('"3.jpg"x,cow,train', "line 3 cannot be read"),
    ],
)
def test_a_bad_line_costs_that_line(line: str, reason: str) -> None:
    first, second = "1.jpg,cat,train", "2.jpg,dog,test"

    table = parsed(f"path,label,split\n{first}\n{line}\n{second}\n")

    assert table.frame.to_numpy().tolist() == ROWS
    assert [problem.reason[: len(reason)] for problem in table.problems] == [reason]


def test_many_bad_lines_cost_themselves_and_many_open_quotes_are_an_error() -> None:
    rows = "".join(f'{i}.jpg,cat\n"{i}"x,dog\n' for i in range(2000))

    table = parsed("path,label\n" + rows)

    assert (len(table.frame), len(table.problems)) == (2000, 2000)
    with pytest.raises(DatasetError, match="quotes are never closed in more than 50 lines"):
        parsed("path,label\n" + '1.jpg,"cat" dog "\n2.jpg,"cow\n' * 200)


def test_short_lines_are_filled_and_counted() -> None:
    table = parsed("path,label,split\n1.jpg\n2.jpg,dog,test\n")

    assert table.frame.iloc[0].tolist() == ["1.jpg", "", ""]
    assert table.notes == ("t.csv: lines shorter than the first, filled with nothing: 1",)


def test_rows_with_names_as_r_writes_them_and_an_index_as_pandas_does() -> None:
    assert list(parsed("path,label\na,1.jpg,cat\nb,2.jpg,dog\n").frame.columns) == [
        "row",
        "path",
        "label",
    ]
    assert list(parsed(",path,label\n0,1.jpg,cat\n").frame.columns) == ["column 1", "path", "label"]


def test_columns_of_one_name_are_told_apart() -> None:
    assert list(parsed("path,label,label\n1.jpg,cat,dog\n").frame.columns) == [
        "path",
        "label",
        "label (3)",
    ]


def test_a_first_line_that_is_a_row_can_be_made_one() -> None:
    table = parsed("1.jpg,cat\n2.jpg,cat\n").with_header_as_row()

    assert table.frame.to_numpy().tolist() == [["1.jpg", "cat"], ["2.jpg", "cat"]]
    assert list(table.frame.columns) == ["column 1", "column 2"]


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "utf-8"])
def test_encodings_are_found_out_and_a_guess_is_said(encoding: str) -> None:
    table = parsed("path,label\n1.jpg,élan\n".encode(encoding))

    assert table.frame["label"].tolist() == ["élan"]
    assert len(table.notes) == (encoding == "cp1252")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.json", f"[{CAT}, {DOG}]"),
        ("t.json", '{"path": ["1.jpg", "2.jpg"], "label": ["cat", "dog"]}'),
        ("t.json", f'{{"images": [{CAT}, {DOG}]}}'),
        ("t.json", f'{{"n": 2, "rows": [{CAT}, {DOG}]}}'),
        ("t.jsonl", f"{CAT}\n{DOG}\n"),
        ("t.ndjson", f"{CAT}\n\n{DOG}"),
    ],
)
def test_json_has_rows_in_many_forms(name: str, text: str) -> None:
    assert parsed(text, name).frame[["path", "label"]].to_numpy().tolist() == [
        ["1.jpg", "cat"],
        ["2.jpg", "dog"],
    ]


@pytest.mark.parametrize(
    "text",
    [
        '{"1.jpg": "cat", "2.jpg": "dog"}',
        '{"1.jpg": {"label": "cat"}, "2.jpg": {"label": "dog"}}',
    ],
)
def test_a_json_object_may_name_images_by_its_keys(text: str) -> None:
    frame = parsed(text, "t.json").frame

    assert frame[["file_name", "label"]].to_numpy().tolist() == [["1.jpg", "cat"], ["2.jpg", "dog"]]


def test_bad_lines_of_json_are_named_and_no_good_line_is_an_error() -> None:
    table = parsed('{"path": "1.jpg"}\n{"path": \n[1]\n{"path": "2.jpg"}', "t.jsonl")

    assert table.frame["path"].tolist() == ["1.jpg", "2.jpg"]
    assert [problem.reason[:22] for problem in table.problems] == [
        "line 2 cannot be read ",
        "line 3 cannot be read ",
    ]
    with pytest.raises(DatasetError, match="no readable table: line 1 cannot be read"):
        parsed("{", "t.jsonl")
