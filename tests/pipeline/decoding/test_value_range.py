"""Which values become black and white: one range per data set, robust against outliers."""

import numpy as np
import pytest

from pipeline.decoding.value_range import ValueRange, common_ranges, extent_of, scaled, scaling_note


def range_of(*arrays):
    """The one range of images that hold these values."""
    (found,) = common_ranges([extent_of(np.asarray(values)) for values in arrays])
    return found


def ramp(low, high, kind=np.uint16, n=10_000):
    return np.linspace(low, high, n).astype(kind)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (ramp(0, 4095), "0..4095"),  # 12 bits in 16
        (ramp(0, 3000), "0..4095"),
        (ramp(0, 900), "0..1023"),
        (ramp(0, 65535), "0..65535"),
        (ramp(500, 3500), "0..4095"),  # a depth map in millimetres
        (ramp(28_000, 32_000), "28000..32000"),  # a thermal camera
        (ramp(-1000, 3000, np.int16), "-1024..4095"),  # Hounsfield units
        (ramp(-1000, 1000, np.int32), "-1024..1023"),
        (ramp(100, 120, np.int32), "100..120"),
        (ramp(0, 1, np.float32), "0..1"),
        (ramp(0.2, 0.7, np.float32), "0..1"),
        (ramp(0, 0.01, np.float32), "0..0.01"),
        (ramp(-0.5, 0.9, np.float32), "-1..1"),
        (ramp(0, 200, np.float32), "0..255"),
        (ramp(0, 3000, np.float32), "0..4095"),
        (np.full(10, 2.0, np.float32), "0..255"),
        (np.zeros(10, np.uint16), "0..1"),
        (np.array([0, 65535] * 50, np.uint16), "0..65535"),
        (np.full(10, -5, np.int16), "-8..0"),
        (np.full(10, np.nan, np.float32), "0..1"),
    ],
)
def test_ranges_are_round_where_the_values_fill_a_quarter_of_them(values, expected):
    assert str(range_of(values)) == expected


def test_a_dark_and_a_bright_image_are_scaled_alike():
    """Both by 0..4095: 3000 of 4095 is level 187, and 750 is level 47."""
    dark, bright = ramp(0, 750), ramp(0, 3000)
    together = (range_of(dark, bright),)

    levels = [scaled(values, together)[0].max() for values in (dark, bright)]

    assert levels == [47, 187]


def test_kinds_of_numbers_have_ranges_of_their_own():
    extents = [extent_of(ramp(0, 1, np.float32)), extent_of(ramp(0, 4000))]

    assert {one.numbers: str(one) for one in common_ranges(extents)} == {
        "float32": "0..1",
        "uint16": "0..4095",
    }


def test_hot_pixels_do_not_darken_a_data_set():
    """Five of ten thousand values: less than a thousandth."""
    hot = ramp(0, 4000)
    hot[:5] = 60_000

    (found,) = common_ranges([extent_of(ramp(0, 3500)), extent_of(hot)])
    scaling = scaled(hot, [found])[1]

    assert str(found) == "0..4095"
    assert scaling.clipped == pytest.approx(5 / 10_000)


def test_what_stands_out_of_one_even_ground_is_the_picture_and_no_outlier():
    spots = np.full(10_000, 100, np.uint16)
    spots[:5] = 4000

    assert str(range_of(spots)) == "0..4095"


def test_bright_spots_that_widen_the_range_little_are_kept():
    """0.05 % of the values lie at 4000 above a ground of up to 1000: four times, and no more."""
    spots = ramp(0, 1000)
    spots[:5] = 4000

    assert str(range_of(spots)) == "0..4095"


@pytest.mark.parametrize("end", [0, 65535])
def test_missing_readings_at_the_end_of_sixteen_bits_do_not_set_the_range(end):
    """A depth sensor that sees nothing in a fifth of the picture."""
    depth = ramp(500, 3500)
    depth[:2000] = end

    assert str(range_of(depth)) == "0..4095"


def test_values_that_are_no_number_are_black_and_infinity_is_white():
    values = np.array([[np.nan, np.inf, -np.inf, 0.0, 0.5, 1.0]], np.float32)

    levels, scaling = scaled(values)

    assert levels.tolist() == [[0, 255, 0, 0, 128, 255]]
    assert (scaling.extent.n_odd, scaling.clipped) == (3, 0)


def test_values_beyond_a_known_range_are_clipped_and_counted():
    known = ValueRange(numbers="int16", low=-100, high=155)

    levels, scaling = scaled(np.array([-200, -100, 28, 155, 300], np.int16), [known])

    assert levels.tolist() == [0, 0, 128, 255, 255]
    assert (scaling.value_range, scaling.clipped) == (known, 0.4)


def test_a_known_range_stays_whatever_is_added():
    known = ValueRange(numbers="uint16", low=0, high=1023)
    added = [extent_of(ramp(0, 4000)), extent_of(ramp(0, 1, np.float32))]

    assert [str(one) for one in common_ranges(added, [known])] == ["0..1023", "0..1"]


def test_large_images_are_scaled_in_blocks_without_a_seam():
    values = np.arange(3_000_000, dtype=np.uint32).reshape(1500, 2000)
    known = ValueRange(numbers="uint32", low=0, high=2_999_999)

    levels, _ = scaled(values, [known])

    assert np.array_equal(levels, (values * 255 / 2_999_999).round().astype(np.uint8))


def test_the_note_says_the_range_and_what_was_lost():
    known = ValueRange(numbers="uint16", low=0, high=65535)

    assert scaling_note(extent_of(ramp(0, 65535)), known) == "scaled to 8 bits from 0..65535"
    assert scaling_note(extent_of(ramp(0, 900)), known).endswith(
        "0..65535, nearly flat in that range"
    )
    assert scaling_note(extent_of(ramp(0, 65535)), known, 0.123).endswith("clipped (12 %)")
    odd = extent_of(np.array([np.nan, 0, 65535], np.float32))
    assert scaling_note(odd, known).endswith("infinite or missing values (1)")
