"""Tables that a graph reads and does not contain.

A constant of a graph is held a dozen times over: in Python, in the function's definition and in
every copy that TensorFlow optimises and runs. For the index tables of a large space that is more
memory than all else that its choices add. A tensor made outside the graph is an argument of it, and
there once.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def outside_graph(values: Any) -> tf.Tensor:
    """A constant tensor that belongs to no graph, whatever graph is being traced.

    Args:
        values: a NumPy array.

    Example:
        >>> outside_graph([1, 2]).numpy().tolist()
        [1, 2]
    """
    with tf.init_scope():
        return tf.constant(values)
