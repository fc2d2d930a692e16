"""Squeeze-and-excite as one operation, and all its gradients, against TensorFlow's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf import normalized_activation
from fbnetv2_tf.activations import mixed_value
from fbnetv2_tf.excitation import Layers, excited

RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> Any:
    return tf.constant(RANDOM.normal(size=shape).astype(np.float32))


X, DIRECTION = normal(2, 3, 4, 5), normal(2, 3, 4, 5)
LAYERS = [normal(5, 3), normal(3), normal(3, 5), normal(5)]


def expected(x: Any, layers: Layers, names: Any, weights: Any, presence: Any) -> tf.Tensor:
    """The formula, differentiated operation by operation."""
    z = tf.reduce_mean(x, axis=[1, 2]) @ layers.reduce_kernel + layers.reduce_bias
    u = mixed_value(z, names, weights) @ layers.expand_kernel + layers.expand_bias
    gate = tf.nn.relu6(u + 3) / 6
    return x * (gate if presence is None else 1 + presence * (gate - 1))[:, None, None]


@pytest.mark.parametrize("least", [0, 10**9], ids=["compiled", "operators"])
@pytest.mark.parametrize("presence", [None, 0.3])
@pytest.mark.parametrize("names", [("sw",), ("re", "hs")])
def test_values_and_gradients_are_tensorflows(
    names: tuple[str, ...], presence: float | None, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(normalized_activation, "LEAST_ELEMENTS", least)
    given: list[Any] = [X, *LAYERS]
    given += [tf.constant([0.3, 0.7])] if len(names) > 1 else []
    given += [] if presence is None else [tf.constant(presence)]

    def step(function: Any, *given: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(given)
            weights = given[5] if len(names) > 1 else None
            share = None if presence is None else given[-1]
            y = function(given[0], Layers(*given[1:5]), names, weights, share)
            total = tf.reduce_sum(y * DIRECTION)
        return y, *tape.gradient(total, given)

    found = [tf.function(step, autograph=False)(f, *given) for f in (excited, expected)]
    for ours, theirs in zip(*found, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_the_gate_is_float32_and_the_map_stays_of_its_dtype() -> None:
    x = tf.cast(X, tf.bfloat16)
    with tf.GradientTape() as tape:
        tape.watch([x, LAYERS])
        y = excited(x, Layers(*LAYERS), ["re"])
    of_map, of_layers = tape.gradient(y, [x, LAYERS])
    assert (y.dtype, of_map.dtype) == (tf.bfloat16, tf.bfloat16)
    assert all(gradient.dtype == tf.float32 for gradient in of_layers)


def test_a_map_of_any_side_has_the_gradient_too() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 5])], autograph=False)
    def gradient(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = excited(x, Layers(*LAYERS), ["re"])
        return tape.gradient(y, x)

    assert gradient(X).shape == X.shape
