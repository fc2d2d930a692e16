"""Channel counts against numbers worked by hand and against the rule's own words."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fbnetv2_tf.rounding import hidden_channels, output_side, round8, se_channels


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (1, 8),
        (8, 8),
        (11.99, 16),  # 8 is below 95 % of it
        (12, 16),  # half goes up
        (19.9, 24),  # 16 is below 95 % of it
        (80 * 2.3, 184),
        (43.6, 48),  # 40 is below 95 % of 43.6, though nearer
        (42, 40),  # and is not below 95 % of 42
        (43.6528, 48),  # 8 * 5.4566, the first expansion of FBNetV2-F1
        (1000, 1000),
    ],
)
def test_widths_worked_by_hand(width: float, expected: int) -> None:
    assert round8(width) == expected
    assert type(round8(width)) is int


@given(st.floats(0.05, 1e6))
def test_the_nearest_multiple_of_8_that_is_at_least_95_per_cent(width: float) -> None:
    rounded = round8(width)
    assert rounded % 8 == 0
    assert rounded >= max(8, 0.95 * width)
    nearest = max(8, math.floor(width / 8 + 0.5) * 8)
    assert rounded in (nearest, nearest + 8)


@given(st.integers(1, 100_000))
def test_multiples_of_8_stay(eighths: int) -> None:
    assert round8(8 * eighths) == 8 * eighths


@given(st.lists(st.floats(0.05, 1e5), min_size=1, max_size=9), st.sampled_from([0, 0.25, 1]))
def test_arrays_are_rounded_like_their_numbers(widths: list[float], ratio: float) -> None:
    assert round8(np.array(widths)).tolist() == [round8(width) for width in widths]
    hidden = [round8(width) for width in widths]
    assert se_channels(np.array(hidden), ratio).tolist() == [se_channels(h, ratio) for h in hidden]


def test_hidden_and_squeezed_widths_of_f1() -> None:
    assert hidden_channels(8, 5.4566) == 48
    assert hidden_channels(24, 4.7912) == 112
    assert hidden_channels(144, 6.8754) == 992
    assert [se_channels(width, 0.25) for width in (128, 144, 288, 840)] == [32, 40, 72, 208]


def test_squeezed_width_is_of_the_whole_part() -> None:
    # 8 * 0.7 = 5.6 becomes 5; and no ratio is no layer, whatever the width.
    assert se_channels(48, 0.25) == round8(12)
    assert se_channels(50, 0.25) == round8(12)
    assert se_channels(1000, 0) == 0


@pytest.mark.parametrize(
    ("side", "stride", "expected"), [(7, 1, 7), (7, 2, 4), (8, 2, 4), (1, 2, 1)]
)
def test_output_side(side: int, stride: int, expected: int) -> None:
    assert output_side(side, stride) == expected
