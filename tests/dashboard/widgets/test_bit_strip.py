"""Codes as strips of cells."""

from __future__ import annotations

import pytest

from dashboard.widgets import bit_strip


def test_differing_bits_are_named_and_counted():
    strip = bit_strip.two_codes("1100", "1010")

    assert "2 of 4 bits differ: bits 2, 3" in strip
    assert strip.count("border-top:5px") == 2


def test_codes_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="argument 2"):
        bit_strip.two_codes("110", "1010")
