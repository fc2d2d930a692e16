"""The depthwise convolution and both gradients against TensorFlow's own."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.depthwise import depthwise_conv2d

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("side", [1, 4, 7])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_values_and_gradients_are_tensorflows(kernel: int, stride: int, side: int) -> None:
    x = tf.constant(RANDOM.normal(size=(2, side, side, 3)).astype(np.float32))
    taps = tf.constant(RANDOM.normal(size=(kernel, kernel, 3, 1)).astype(np.float32))
    found = []
    for function in (
        lambda: depthwise_conv2d(x, taps, stride),
        lambda: tf.nn.depthwise_conv2d(x, taps, [1, stride, stride, 1], "SAME"),
    ):
        with tf.GradientTape() as tape:
            tape.watch([x, taps])
            y = function()
            total = tf.reduce_sum(y**2)
        found.append((y, *tape.gradient(total, [x, taps])))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def test_a_map_of_any_side_has_the_gradient_too() -> None:
    taps = tf.ones([3, 3, 2, 1])

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 2])], autograph=False)
    def gradient(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(taps)
            y = depthwise_conv2d(x, taps, 1)
        return tape.gradient(y, taps)

    np.testing.assert_allclose(gradient(tf.ones([1, 4, 4, 2]))[1, 1, :, 0], [16, 16])
