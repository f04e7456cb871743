"""Methods are found by their file names."""

import pytest

from models.method import HashMethod
from models.registry import get_method, list_methods


def test_every_file_is_a_method_of_its_own_name():
    assert {"itq", "lsh", "pcah", "ud2h"} <= {*list_methods()}
    for name in list_methods():
        assert issubclass(get_method(name), HashMethod)
        assert get_method(name).card.name == name


def test_an_unknown_name_offers_the_nearest():
    with pytest.raises(ValueError, match=r"unknown hash method 'utdh'. Did you mean 'ud2h'\?"):
        get_method("utdh")


@pytest.mark.parametrize("name", ["", "__init__", "itq.py", "../codes", "lsh.LSH"])
def test_what_is_no_file_name_is_no_method(name):
    with pytest.raises(ValueError, match="unknown hash method"):
        get_method(name)
