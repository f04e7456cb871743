"""Every method of the zoo is documented and tested."""

import importlib
import re
from pathlib import Path

import pytest

from models.registry import get_method, list_methods

TESTS = Path(__file__).parent / "models" / "methods"


@pytest.mark.parametrize("name", list_methods())
def test_a_method_has_tests_of_its_own(name):
    path = TESTS / f"test_{name}.py"

    assert path.is_file(), f"write {path}"
    assert path.read_text("utf-8").count("\ndef test_") >= 3
    assert f"models.methods.{name}" in path.read_text("utf-8")


@pytest.mark.parametrize("name", list_methods())
def test_the_docstring_names_authors_year_and_idea(name):
    card = get_method(name).card
    docstring = " ".join((importlib.import_module(f"models.methods.{name}").__doc__ or "").split())

    assert str(card.year) in docstring
    assert "Idea:" in docstring
    surname = card.authors.split(",")[0].split()[-1]
    assert surname in docstring, f"the docstring of {name} should name {surname}"


@pytest.mark.parametrize("name", list_methods())
def test_the_card_is_filled_in_and_deviations_are_written_down(name):
    card = get_method(name).card

    assert card.summary.endswith(".")
    assert re.fullmatch(r"https://\S+", card.paper) or card.fidelity == "reconstruction"
    if card.fidelity == "reconstruction":
        assert "reconstruction" in card.title
        assert card.deviations
    docstring = importlib.import_module(f"models.methods.{name}").__doc__ or ""
    assert ("Deviation" in docstring) <= bool(card.deviations)


def test_every_test_file_has_a_method():
    tested = {path.stem.removeprefix("test_") for path in TESTS.glob("test_*.py")}

    assert tested == {*list_methods()}
