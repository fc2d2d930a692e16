"""A map and its mean, with the gradient that TensorFlow finds on its own."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf import normalized_activation
from fbnetv2_tf.map_mean import with_mean

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(2, 3, 4, 5)).astype(np.float32)
OF_MAP = RANDOM.normal(size=X.shape).astype(np.float32)
OF_MEAN = RANDOM.normal(size=(2, 5)).astype(np.float32)


@pytest.mark.parametrize("least", [0, 10**9], ids=["compiled", "operators"])
def test_values_and_gradient(least: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normalized_activation, "LEAST_ELEMENTS", least)

    @tf.function(autograph=False)
    def step(x: tf.Tensor) -> tuple[tf.Tensor, ...]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            same, mean = with_mean(x)
            total = tf.reduce_sum(same * OF_MAP) + tf.reduce_sum(mean * OF_MEAN)
        return same, mean, tape.gradient(total, x)

    same, mean, gradient = step(tf.constant(X))
    np.testing.assert_array_equal(same, X)
    np.testing.assert_allclose(mean, X.mean((1, 2)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gradient, OF_MAP + OF_MEAN[:, None, None] / 12, rtol=1e-5)


def test_the_mean_is_float32_and_the_gradient_of_the_maps_dtype() -> None:
    x = tf.cast(X, tf.bfloat16)
    with tf.GradientTape() as tape:
        tape.watch(x)
        same, mean = with_mean(x)
        total = tf.reduce_sum(mean)
    assert (same.dtype, mean.dtype) == (tf.bfloat16, tf.float32)
    assert tape.gradient(total, x).dtype == tf.bfloat16
