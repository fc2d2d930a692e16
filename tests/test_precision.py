"""Half precision: both optimizers scale their losses, skip what overflows, clip what is left."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.builders.supernet import Supernet, build_supernet
from fbnetv2_tf.objectives import Budget
from fbnetv2_tf.search import SearchSettings, Steps, compile_search

TEXT = "in_hw6_c1 cn_k3_s2_c8/16_nre/hs fc_c3"
RANDOM = np.random.default_rng(0)
IMAGES = tf.constant(RANDOM.normal(size=(16, 6, 6, 1)), tf.float32)
LABELS = tf.constant(RANDOM.integers(0, 3, 16), tf.int32)


def compiled(policy: str, **settings: Any) -> Supernet:
    keras.utils.set_random_seed(0)
    net = build_supernet(TEXT, dtype=policy)
    options = SearchSettings(epochs=2, warmup_epochs=0, weight_decay=1e-9, **settings)
    compile_search(net, Budget(max_macs=3000), options, Steps(4, 1))
    return net


def step(net: Supernet, phase: str) -> list[np.ndarray]:
    """How far a step of a phase moves its variables."""
    variables = net.weight_variables if phase == "weight" else net.architecture_variables
    before = [keras.ops.convert_to_numpy(v).copy() for v in variables]
    getattr(net, f"{phase}_step")(IMAGES, LABELS)
    return [keras.ops.convert_to_numpy(v) - b for v, b in zip(variables, before, strict=True)]


def norm(arrays: list[np.ndarray]) -> float:
    return float(np.sqrt(sum(np.square(array, dtype=np.float64).sum() for array in arrays)))


@pytest.mark.parametrize("phase", ["weight", "architecture"])
def test_half_precision_moves_as_single_does(phase: str) -> None:
    single = step(compiled("float32"), phase)
    for policy, tolerance in (("mixed_float16", 0.05), ("mixed_bfloat16", 0.2)):
        half = step(compiled(policy), phase)
        apart = norm([a - b for a, b in zip(single, half, strict=True)])
        assert apart < tolerance * norm(single), policy


@pytest.mark.parametrize("phase", ["weight", "architecture"])
def test_a_gradient_that_overflows_is_skipped_and_the_scale_halved(phase: str) -> None:
    net = compiled("mixed_float16")
    optimizer = net.optimizer if phase == "weight" else net.architecture_optimizer
    other = net.architecture_optimizer if phase == "weight" else net.optimizer
    optimizer.dynamic_scale.assign(2.0**120)
    scale = float(other.dynamic_scale)
    assert norm(step(net, phase)) == 0.0
    assert float(optimizer.dynamic_scale) == 2.0**119
    assert float(other.dynamic_scale) == scale


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_the_gradient_is_clipped_after_it_is_unscaled(policy: str) -> None:
    # Nesterov's first step is learning rate * (1 + momentum) * gradient.
    net = compiled(policy, gradient_norm=1e-3, learning_rate=1.0)
    assert norm(step(net, "weight")) == pytest.approx(1.9e-3, rel=0.01)
