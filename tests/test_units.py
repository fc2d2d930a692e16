"""Quantities: exact, in the unit asked for, or one sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fbnetv2_tf.errors import InputError
from fbnetv2_tf.units import COUNT, KIB, MS, format_quantity, format_seconds, parse_quantity


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("60M", COUNT, 60_000_000),
        ("0.1M", COUNT, 100_000),
        ("60e6", COUNT, 60_000_000),
        (" 1.5 k ", COUNT, 1500),
        ("2Ki", COUNT, 2048),
        ("512", COUNT, 512),
        ("512", KIB, 512.0),
        ("512Ki", KIB, 512.0),
        ("2MiB", KIB, 2048.0),
        ("2048B", KIB, 2.0),
        ("1.024MB", KIB, 1000.0),
        ("8", MS, 8.0),
        ("8ms", MS, 8.0),
        ("250us", MS, 0.25),
        (".5s", MS, 500.0),
    ],
)
def test_a_quantity_is_read_exactly(text: str, unit: str, value: float) -> None:
    assert parse_quantity(text, unit) == value


@pytest.mark.parametrize("text", ["", "M", "6O", "60Q", "-3", "1e999", "nan", "inf", "60MM", "８"])
def test_what_is_not_a_quantity_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="must be a number"):
        parse_quantity(text)


def test_a_suffix_of_another_unit_is_refused_with_the_suffixes_there_are() -> None:
    with pytest.raises(InputError, match=r"\(us, ms, s\). Received: '8Ki'"):
        parse_quantity("8Ki", MS)


def test_zero_and_parts_of_a_count_are_refused() -> None:
    with pytest.raises(InputError, match="above zero"):
        parse_quantity("0M")
    with pytest.raises(InputError, match="must be whole"):
        parse_quantity("1.5")


@given(st.integers(1, 10**14))
def test_a_formatted_count_is_within_half_a_percent(value: int) -> None:
    text = format_quantity(value)
    assert len(text) <= 6
    assert parse_quantity(text) == pytest.approx(value, rel=0.005)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (999, COUNT, "999"),
        (99_960, COUNT, "100k"),
        (2048, KIB, "2.00 MiB"),
        (0.071234, MS, "0.0712 ms"),
        (0.0099996, MS, "0.0100 ms"),
        (0, MS, "0.00 ms"),
    ],
)
def test_formatting_by_hand(value: float, unit: str, text: str) -> None:
    assert format_quantity(value, unit) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (9.4, "0:09"), (59.7, "1:00"), (119.6, "2:00"), (3599.5, "1:00:00")],
)
def test_seconds_are_carried_into_minutes_and_hours(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text
