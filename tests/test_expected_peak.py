"""The expected peak memory against the listing of every network, and its gradient."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf import expected_peak
from fbnetv2_tf.block_memory import peak_activation_bytes
from fbnetv2_tf.choices_layout import one_hot_rows
from fbnetv2_tf.expected_cost import ExpectedCost
from fbnetv2_tf.space import parse_space

from .test_path_search import EVERY, SPACE, log_probability, random_probabilities


def plain_probability(architecture, probabilities) -> float:  # noqa: ANN001
    """With choices inside a skipped block left out."""
    without = {
        name: np.ones_like(p)
        if architecture.blocks[int(name[1:3])].kind == "sk" and name[4:] not in ("kind", "channels")
        else p
        for name, p in probabilities.items()
    }
    return float(np.exp(log_probability(SPACE, architecture, without)))


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_expectation_over_all_networks(seed: int) -> None:
    probabilities = random_probabilities(SPACE, seed)
    mass = [plain_probability(a, probabilities) for a in EVERY]
    assert sum(mass) == pytest.approx(1.0)
    expected = sum(m * peak_activation_bytes(a) for m, a in zip(mass, EVERY, strict=True))
    found = float(ExpectedCost(SPACE, "activation_bytes")(probabilities))
    assert found == pytest.approx(expected, rel=1e-12)


def test_at_one_hot_it_is_the_peak_of_the_child() -> None:
    space = parse_space("fashion28")
    cost = ExpectedCost(space, "activation_bytes")
    for seed in range(8):
        child = space.sample(seed)
        assert float(cost(one_hot_rows(space, child))) == peak_activation_bytes(child)


def test_its_gradient_is_that_of_small_changes() -> None:
    cost = ExpectedCost(SPACE, "activation_bytes")
    weights = {n: tf.Variable(p) for n, p in random_probabilities(SPACE, 5).items()}
    with tf.GradientTape() as tape:
        value = cost(weights)
    name = "b01_channels"
    gradient = tape.gradient(value, weights[name]).numpy()
    moved = {n: v.numpy() for n, v in weights.items()}
    moved[name] = moved[name] + np.array([1e-6, 0.0])
    assert gradient[0] == pytest.approx((float(cost(moved)) - float(value)) / 1e-6, rel=1e-5)
    reached = tape_reaches(weights, cost)
    assert {"b00_side", "b01_channels", "b01_activation", "b02_kind", "b02_expansion"} <= reached


def tape_reaches(weights: dict[str, tf.Variable], cost: ExpectedCost) -> set[str]:
    with tf.GradientTape() as tape:
        value = cost(weights)
    gradients = tape.gradient(value, weights)
    return {n for n, g in gradients.items() if g is not None and np.abs(g.numpy()).max() > 0}


def test_many_values_are_rounded_up_by_little(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = float(ExpectedCost(SPACE, "activation_bytes")(random_probabilities(SPACE, 1)))
    monkeypatch.setattr(expected_peak, "LARGEST", 12)
    rounded = float(ExpectedCost(SPACE, "activation_bytes")(random_probabilities(SPACE, 1)))
    assert exact <= rounded <= 1.3 * exact
