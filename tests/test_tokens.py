"""The vocabulary: which values a token may have, and how numbers are written."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fbnetv2_tf.tokens import (
    ACTIVATION,
    CHANNELS,
    EXPANSION,
    GRAMMAR,
    KERNEL,
    NUMBER,
    SE,
    STRIDE,
    Token,
    format_number,
    split_token,
)
from tests.strategies import any_values


@pytest.mark.parametrize(
    ("token", "text", "value"),
    [
        (KERNEL, "3", 3),
        (KERNEL, "4", None),
        (KERNEL, "33", None),
        (KERNEL, "3.0", 3),
        (KERNEL, "3.5", None),
        (STRIDE, "3", None),
        (CHANNELS, "0", None),
        (CHANNELS, "16384", 16384),
        (CHANNELS, "16385", None),
        (CHANNELS, "1e3", None),
        (CHANNELS, "-8", None),
        (CHANNELS, "+8", None),
        (CHANNELS, " 8", None),
        (CHANNELS, "٨", None),  # a digit of another script
        (CHANNELS, "", None),
        (EXPANSION, "5.4566", 5.4566),
        (EXPANSION, "5.", None),
        (EXPANSION, ".5", None),
        (EXPANSION, "0.1234567", None),
        (EXPANSION, "nan", None),
        (SE, "0", 0.0),
        (SE, "1.01", None),
        (ACTIVATION, "hs", "hs"),
        (ACTIVATION, "relu", None),
    ],
)
def test_a_value_or_none(token: Token, text: str, value: object) -> None:
    assert token.value(text) == value


@pytest.mark.parametrize("value", [True, None, "3", [3], float("nan"), float("inf"), 1e300, 3j])
def test_objects_that_are_no_kernel(value: object) -> None:
    assert KERNEL.canonical(value) is None


def test_numpy_numbers_become_pythons() -> None:
    assert type(CHANNELS.canonical(np.int64(24))) is int
    assert type(EXPANSION.canonical(np.float64(1.5))) is float


@given(st.data())
def test_every_value_is_its_own_text(data: st.DataObject) -> None:
    token = data.draw(st.sampled_from([t for tokens in GRAMMAR.values() for t in tokens]))
    value = data.draw(any_values(token))
    text = value if isinstance(value, str) else format_number(value)
    assert token.value(text) == value == token.canonical(value)
    assert isinstance(value, str) or NUMBER.fullmatch(text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("k3/5", ("k", "3/5")),
        ("se0.25", ("se", "0.25")),
        ("nre/hs", ("n", "re/hs")),
        ("7", ("", "7")),
    ],
)
def test_a_token_is_a_name_and_a_value(text: str, parts: tuple[str, str]) -> None:
    assert split_token(text) == parts


@pytest.mark.parametrize("token", [KERNEL, CHANNELS, EXPANSION, ACTIVATION], ids=lambda t: t.name)
def test_what_is_expected_says_the_limits(token: Token) -> None:
    expected = {
        "k": "an odd integer from 1 to 31",
        "c": "an integer from 1 to 16384",
        "e": "a number from 0.05 to 64 with at most 6 decimals",
        "n": "one of re, r6, hs, sw",
    }
    assert token.expected == expected[token.name]
