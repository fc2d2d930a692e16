"""The 1x1 convolution as a matrix product, and both its gradients, against TensorFlow's own."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.pointwise import conv2d

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("side", [1, 3], ids=["1x1", "3x3"])
@pytest.mark.parametrize("stride", [1, 2])
def test_values_and_gradients_are_tensorflows(side: int, stride: int) -> None:
    x = tf.constant(RANDOM.normal(size=(2, 5, 4, 3)).astype(np.float32))
    kernel = tf.constant(RANDOM.normal(size=(side, side, 3, 6)).astype(np.float32))
    found = []
    for convolve in (conv2d, lambda x, k, s: tf.nn.conv2d(x, k, s, "SAME")):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = convolve(x, kernel, stride)
            total = tf.reduce_sum(y**2)
        found.append((y, *tape.gradient(total, [x, kernel])))
    for ours, theirs in zip(*found, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def operations(x: tf.TensorSpec, side: int, stride: int = 1) -> set[str]:
    kernel = tf.TensorSpec([side, side, 2, None])
    function = tf.function(lambda x, k: conv2d(x, k, stride), autograph=False)
    return {op.type for op in function.get_concrete_function(x, kernel).graph.get_operations()}


def test_only_a_1x1_of_a_map_of_known_side_is_a_product() -> None:
    assert "MatMul" in operations(tf.TensorSpec([None, 4, 4, 2]), 1)
    assert "Conv2D" in operations(tf.TensorSpec([None, 4, 4, 2]), 3)
    assert "MatMul" in operations(tf.TensorSpec([None, 4, 4, 2]), 1, stride=2)
    assert "Conv2D" in operations(tf.TensorSpec([None, None, None, 2]), 1)


def test_channels_may_be_known_at_run_time_alone() -> None:
    specs = [tf.TensorSpec([None, 4, 4, None]), tf.TensorSpec([1, 1, None, None])]
    function = tf.function(lambda x, k: conv2d(x, k, 1), autograph=False, input_signature=specs)
    assert function.get_concrete_function().structured_outputs.shape.as_list() == [None, 4, 4, None]
    for channels, filters in ((3, 2), (5, 7)):
        y = function(tf.ones([2, 4, 4, channels]), tf.ones([1, 1, channels, filters]))
        np.testing.assert_array_equal(y, np.full((2, 4, 4, filters), channels))
