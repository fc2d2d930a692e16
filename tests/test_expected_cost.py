"""The expected cost at several resolutions, by hand; law 2 has the rest."""

from __future__ import annotations

import pytest
import tensorflow as tf

from fbnetv2_tf.expected_cost import ExpectedCost
from fbnetv2_tf.space import parse_space

SPACE = parse_space("in_hw4/8_c1 cn_k1_s1_c8/16_nre fc_c2")
"""Of w channels at side h: h * h * w for the convolution and 2 * w for the classifier."""


def test_by_side() -> None:
    cost = ExpectedCost(SPACE, "macs")
    weights = {"b00_side": tf.constant([0.25, 0.75]), "b01_channels": tf.constant([0.5, 0.5])}
    assert cost.by_side(weights).numpy().tolist() == [16 * 12 + 24, 64 * 12 + 24]
    assert float(cost(weights)) == 0.25 * (16 * 12 + 24) + 0.75 * (64 * 12 + 24)


def test_it_is_float64_so_that_integers_stay_exact() -> None:
    space = parse_space("in_hw4096_c3 cn_k31_s1_c8191_nre fc_c2")
    cost = ExpectedCost(space, "macs")({})
    exact = 4096**2 * 31 * 31 * 3 * 8191 + 2 * 8191
    assert cost.dtype == tf.float64
    assert int(cost.numpy()) == exact > 2**24


def test_the_order_of_the_choices_does_not_matter() -> None:
    cost = ExpectedCost(SPACE, "weights")
    weights = {"b01_channels": tf.constant([0.25, 0.75]), "b00_side": tf.constant([1.0, 0.0])}
    assert float(cost(weights)) == pytest.approx(0.25 * 24 + 0.75 * 48)
