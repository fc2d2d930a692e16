"""Counts that a sample has drawn, and the parts of parameters that they leave."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.drawn import drawn, prefix


def test_drawn_reads_a_table() -> None:
    table = np.arange(12).reshape(2, 3, 2)
    assert int(drawn(table, tf.constant(1), tf.constant(2), tf.constant(0))) == table[1, 2, 0]
    assert drawn((5, 5), tf.constant(1)) == 5


@pytest.mark.parametrize("counts", [(2,), (3, 2), (2, 4), (1, 1), (3, 4)])
def test_a_prefix_and_its_gradient_are_those_of_a_slice(counts: tuple[int, ...]) -> None:
    shape = (3,) if len(counts) == 1 else (3, 4, 2)
    tensor = tf.reshape(tf.range(np.prod(shape), dtype=tf.float32), shape)

    @tf.function(autograph=False)
    def cut(*counts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(tensor)
            part = prefix(tensor, *counts)
            total = tf.reduce_sum(part**2)
        return part, tape.gradient(total, tensor)

    part, gradient = cut(*map(tf.constant, counts))
    where = tuple(slice(count) for count in counts)
    expected = np.zeros(shape, np.float32)
    expected[where] = 2 * tensor.numpy()[where]
    np.testing.assert_array_equal(part, tensor.numpy()[where])
    np.testing.assert_array_equal(gradient, expected)


def test_a_prefix_of_everything_is_the_tensor() -> None:
    tensor = tf.ones([2, 3])
    assert prefix(tensor, 2, 3) is tensor
    assert prefix(tensor, 2, 2).shape == (2, 2)
