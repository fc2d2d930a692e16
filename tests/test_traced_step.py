"""Calls of a trace without a look-up: what is traced, and how often."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from fbnetv2_tf.traced_step import TracedStep


class Counted:
    """A step that adds to a variable, and how often it was traced."""

    def __init__(self) -> None:
        self.total = tf.Variable(0.0)
        self.traces = 0

    def __call__(self, x: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
        self.traces += 1
        self.total.assign_add(tf.reduce_sum(x) * tf.cast(factor, tf.float32))
        return self.total + 0.0


def test_each_call_computes_and_only_new_shapes_and_dtypes_are_traced() -> None:
    counted = Counted()
    step = TracedStep(counted)
    factor = tf.constant(2)
    assert [float(step(tf.ones([3]), factor)) for _ in range(3)] == [6, 12, 18]
    assert counted.traces == 1
    assert float(step(tf.ones([3]), tf.constant(0.5))) == 19.5
    assert counted.traces == 2
    assert float(step(tf.ones([1]), factor)) == 21.5
    assert float(step(tf.ones([3]), factor)) == 27.5


def test_arrays_are_left_to_tf_function() -> None:
    counted = Counted()
    step = TracedStep(counted)
    for _ in range(2):
        total = step(np.ones(3, np.float32), np.int32(1))
    assert float(total) == 6
