"""Alternatives and ranges as text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fbnetv2_tf.alternatives import format_values, read_values
from fbnetv2_tf.errors import SpaceError
from fbnetv2_tf.tokens import ACTIVATION, CHANNELS, EXPANSION, KERNEL, STRIDE, Token
from tests.strategies import any_values


@pytest.mark.parametrize(
    ("token", "text", "values"),
    [
        (CHANNELS, "8", (8,)),
        (CHANNELS, "24/8", (24, 8)),
        (CHANNELS, "16:40:8", (16, 24, 32, 40)),
        (CHANNELS, "8/16:32:8/64", (8, 16, 24, 32, 64)),
        (CHANNELS, "8:8:1", (8,)),
        (EXPANSION, "0.75:3.25:0.5", (0.75, 1.25, 1.75, 2.25, 2.75, 3.25)),
        (EXPANSION, "0.1:0.3:0.1", (0.1, 0.2, 0.3)),  # exact, not the sum of floats
        (ACTIVATION, "re/hs", ("re", "hs")),
    ],
)
def test_values_in_the_order_of_the_text(token: Token, text: str, values: tuple[object]) -> None:
    assert read_values("Block 1", "ir", token, text) == values


@given(st.data())
def test_alternatives_round_trip(data: st.DataObject) -> None:
    token = data.draw(st.sampled_from([CHANNELS, EXPANSION, KERNEL, ACTIVATION]))
    values = tuple(data.draw(st.lists(any_values(token), min_size=1, max_size=20, unique=True)))
    assert read_values("Block 1", "ir", token, format_values(values)) == values


@given(st.integers(1, 60), st.integers(1, 40), st.integers(3, 30))
def test_equal_steps_are_written_as_a_range(low: int, step: int, count: int) -> None:
    values = tuple(low + i * step for i in range(count))
    assert format_values(values) == f"{values[0]}:{values[-1]}:{step}"


@pytest.mark.parametrize(
    ("token", "text", "message"),
    [
        (CHANNELS, "8/", "'c' must be an integer"),
        (CHANNELS, "8/8", "alternative of 'c' is given twice. Received: 'c8/8'"),
        (EXPANSION, "1/1.0", "given twice"),
        (CHANNELS, "8:16", "range must be low:high:step of numbers"),
        (CHANNELS, "8:16:8:8", "range must be low:high:step of numbers"),
        (ACTIVATION, "re:hs:1", "range must be low:high:step of numbers"),
        (CHANNELS, "16:8:8", "must go up from low to high in whole steps"),
        (CHANNELS, "8:17:8", "in whole steps"),
        (CHANNELS, "8:16:0", "in whole steps"),
        (CHANNELS, "8:16:-8", "in whole steps"),
        (CHANNELS, "8:16:1e-999999", "in whole steps"),
        (CHANNELS, "8:16:nan", "in whole steps"),
        (CHANNELS, "8:16:sNaN", "in whole steps"),
        (CHANNELS, "8:16:Infinity", "in whole steps"),
        (CHANNELS, "8:16:٨", "in whole steps"),
        (CHANNELS, "8:16:0.5", "'c' must be an integer from 1 to 16384. Received: 'c8.5'"),
        (CHANNELS, "1:16384:1", "at most 1024 alternatives. Received: 16384"),
        (EXPANSION, "1:64:0.000001", "at most 1024 alternatives. Received: 63000001"),
        (CHANNELS, "1:1000:1/1001:1100:1", "at most 1024 alternatives"),
        (STRIDE, "1/2", "'s' of 'ir' cannot be searched"),
    ],
)
def test_a_mistake_is_named(token: Token, text: str, message: str) -> None:
    with pytest.raises(SpaceError, match=f"Block 7.*{message}"):
        read_values("Block 7", "ir", token, text)


@pytest.mark.parametrize("kind", ["in", "fc"])
def test_channels_of_the_ends_are_not_searched(kind: str) -> None:
    with pytest.raises(SpaceError, match=f"'c' of '{kind}' cannot be searched"):
        read_values("Block 0", kind, CHANNELS, "1/3")


def test_many_alternatives_are_printed_in_linear_time() -> None:
    irregular = tuple(i * i + 1 for i in range(100)) + tuple(range(12_000, 12_900, 7))
    started = time.perf_counter()
    for _ in range(20):
        format_values(irregular)
    assert time.perf_counter() - started < 2
