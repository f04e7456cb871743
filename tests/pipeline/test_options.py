"""Fields of a model are options of a command, and a value says which options make it."""

from typing import Literal

from pydantic import BaseModel, Field

from pipeline.options import OPTION, nested, options


class Inner(BaseModel):
    how: str = Field("", json_schema_extra={OPTION: "--split"})
    columns: tuple[str, ...] = ()
    header: Literal["", "yes", "no"] = ""


class Outer(BaseModel):
    source: str
    is_linked: bool = False
    roots: tuple[str, ...] = Field((), json_schema_extra={OPTION: None})
    inner: Inner = Inner()


def test_each_field_is_an_option_but_those_that_are_none() -> None:
    found = {option.name: option.path for option in options(Outer)}

    assert found == {
        "--source": ("source",),
        "--is-linked": ("is_linked",),
        "--split": ("inner", "how"),
        "--columns": ("inner", "columns"),
        "--header": ("inner", "header"),
    }


def test_words_say_what_is_not_the_default() -> None:
    named = {option.name: option for option in options(Outer)}

    assert named["--columns"].words(()) == []
    assert named["--columns"].words(("a", "b")) == ["--columns", "a", "--columns", "b"]
    assert named["--is-linked"].words(True) == ["--is-linked"]
    assert named["--is-linked"].words(False) == []
    assert [named["--header"].words(word) for word in ("", "yes", "no")] == [
        [],
        ["--header"],
        ["--no-header"],
    ]


def test_values_by_path_make_the_model() -> None:
    values = nested({("source",): "a", ("inner", "how"): "given", ("inner", "header"): "no"})

    assert Outer.model_validate(values).inner == Inner(how="given", header="no")
