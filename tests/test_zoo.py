"""Every method of the zoo is documented and tested."""

import importlib
import re
from pathlib import Path

import pytest

from models.deep import DeepHashMethod
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


@pytest.mark.parametrize("name", list_methods())
def test_the_card_of_a_supervised_network_says_that_the_backbone_is_frozen(name):
    """The papers train the whole network; a reconstruction has no source to differ from."""
    method = get_method(name)
    if not issubclass(method, DeepHashMethod) or method.card.supervision != "supervised":
        return

    said = any("frozen" in deviation for deviation in method.card.deviations)
    assert said or method.card.fidelity == "reconstruction"


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("adsh", ("one epoch", "three")),
        ("cibhash", ("15 epochs", "128", "60", "64")),
        ("dpsh", ("0.1", "10 or 100", "tanh")),
        ("sdc", ("60 epochs", "128", "100", "64")),
    ],
)
def test_defaults_that_differ_are_on_the_card_with_both_figures(name, figures):
    said = " ".join(get_method(name).card.deviations)

    assert all(figure in said for figure in figures)
    config = get_method(name).Config()
    assert config.batch == 128
    assert {"adsh": 60, "cibhash": 15, "dpsh": 30, "sdc": 60}[name] == config.epochs


def test_figures_of_one_table_are_quoted_in_the_same_words():
    quoted = {
        (figure.dataset, figure.source, figure.provenance)
        for name in list_methods()
        for figure in get_method(name).card.reported
        if "FIRe" in figure.source
    }

    assert len(quoted) == 1


def test_every_test_file_has_a_method():
    tested = {path.stem.removeprefix("test_") for path in TESTS.glob("test_*.py")}

    assert tested == {*list_methods()}
