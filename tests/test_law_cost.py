"""Law 2: the expected cost is the exact expectation; at one-hot it is the child's integer cost."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fbnetv2_tf.architecture import Architecture
from fbnetv2_tf.builders.model import build_model
from fbnetv2_tf.choices_layout import choice_name, one_hot_rows, searched
from fbnetv2_tf.counting import RESOURCES, count
from fbnetv2_tf.expected_cost import ExpectedCost
from fbnetv2_tf.space import Space, parse_space

from .keras_counting import count_layers
from .strategies import members, spaces
from .supernets import EVERY_KIND

FIELDS = ("side", "kernel", "expansion", "channels", "se", "activation")


def probabilities(space: Space, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    drawn = {n: random.uniform(0.05, 1.0, len(a)) for n, a in searched(space).items()}
    return {name: weights / weights.sum() for name, weights in drawn.items()}


def probability(space: Space, architecture: Architecture, given: dict[str, np.ndarray]) -> float:
    """Of an architecture: the product over its choices, those inside a skip left out."""
    total = 1.0
    pairs = zip(space.blocks, architecture.blocks, strict=True)
    for index, (alternatives, block) in enumerate(pairs):
        if alternatives.skippable:
            kind = given[choice_name(index, "kind")]
            total *= kind[alternatives.kinds.index(block.kind)]
        for field in FIELDS:
            name, value = choice_name(index, field), getattr(block, field)
            is_free = alternatives.skippable and block.kind == "sk" and field == "activation"
            if name in given and value is not None and not is_free:
                total *= given[name][getattr(alternatives, field).index(value)]
    return float(total)


@settings(max_examples=20)
@given(st.data())
def test_expectation_over_every_architecture(data: st.DataObject) -> None:
    space = data.draw(spaces(max_blocks=2))
    assume(space.size <= 400)
    given_weights = probabilities(space, data.draw(st.integers(0, 2**16)))
    architectures = list(space.architectures())
    shares = [probability(space, a, given_weights) for a in architectures]
    assert math.fsum(shares) == pytest.approx(1.0, rel=1e-9)
    counted = [count(architecture) for architecture in architectures]
    for resource in RESOURCES:
        costs = [getattr(cost, resource) for cost in counted]
        expected = math.fsum(p * cost for p, cost in zip(shares, costs, strict=True))
        found = float(ExpectedCost(space, resource)(given_weights))
        assert found == pytest.approx(expected, rel=1e-9), resource


@settings(max_examples=15)
@given(st.data())
def test_at_one_hot_it_is_the_integer_cost(data: st.DataObject) -> None:
    space = data.draw(spaces())
    architecture = data.draw(members(space))
    rows = one_hot_rows(space, architecture)
    for resource in RESOURCES:
        found = float(ExpectedCost(space, resource)(rows))
        assert found == getattr(count(architecture), resource), resource


@pytest.mark.parametrize("seed", range(3))
def test_the_integer_cost_is_that_of_the_childs_layers(seed: int) -> None:
    space = parse_space(EVERY_KIND)
    architecture = space.sample(seed)
    layers = count_layers(build_model(architecture))
    rows = one_hot_rows(space, architecture)
    assert layers == {r: float(ExpectedCost(space, r)(rows)) for r in RESOURCES}


def test_dependent_widths_are_not_multiplied_as_means() -> None:
    """A 1x1 from a searched width to its own expansion: E[C round8(C e)] is not E[C] E[hidden]."""
    space = parse_space("in_hw4_c1 cn_k1_s1_c8/16_nre ir_k1_s1_e1/2_c8_nre fc_c1")
    given_weights = {"b01_channels": [0.5, 0.5], "b02_expansion": [0.5, 0.5]}
    joint = np.mean([c * c * e for c in (8, 16) for e in (1, 2)])
    means = 12 * np.mean([8, 16, 16, 32])
    assert joint != means
    one_convolution = 16 * joint
    stem, depthwise = 16 * 12, 16 * 18
    project = 16 * 18 * 8
    exact = one_convolution + stem + depthwise + project + 8
    tensors = {name: tf.constant(weights) for name, weights in given_weights.items()}
    assert float(ExpectedCost(space, "macs")(tensors)) == exact


def test_the_gradient_is_the_derivative() -> None:
    space = parse_space(EVERY_KIND)
    cost = ExpectedCost(space, "macs")
    logits = {n: tf.constant(np.linspace(-1, 1, len(a))) for n, a in searched(space).items()}
    with tf.GradientTape() as tape:
        tape.watch(logits)
        total = cost({name: tf.nn.softmax(row) for name, row in logits.items()})
    gradients = tape.gradient(total, logits)
    for name in ("b01_channels", "b02_kind", "b02_expansion", "b03_se", "b06_expansion"):
        step = np.zeros(len(logits[name]))
        step[0] = 1e-5
        ends = []
        for sign in (1, -1):
            moved = {**logits, name: logits[name] + sign * step}
            ends.append(float(cost({n: tf.nn.softmax(row) for n, row in moved.items()})))
        assert float(gradients[name][0]) == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-6)
