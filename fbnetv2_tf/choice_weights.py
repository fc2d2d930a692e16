"""The weights of all choices, by name and as one matrix.

What computes with every choice at once (an expected cost, the entropy) takes the matrix: a few
operations in place of a few for each choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf


class ChoiceWeights(dict[str, Any]):
    """Choice name -> weights (alternatives,).

    Args:
        rows: (choices, most alternatives), 0 beyond the alternatives of a choice.
        sizes: choice name -> number of its alternatives, in the order of the rows.

    Example:
        >>> rows = tf.constant([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]])
        >>> ChoiceWeights(rows, {"b01_kind": 2, "b02_channels": 3})["b01_kind"].numpy()
        array([0.5, 0.5], dtype=float32)
    """

    def __init__(self, rows: tf.Tensor, sizes: Mapping[str, int]) -> None:
        vectors = tf.unstack(rows, num=len(sizes)) if sizes else []
        pairs = zip(sizes.items(), vectors, strict=True)
        super().__init__({name: vector[:size] for (name, size), vector in pairs})
        self.rows = rows


def padded_rows(weights: Mapping[str, Any], sizes: Mapping[str, int]) -> tf.Tensor:
    """The matrix of `ChoiceWeights` in float64, of any mapping that has the choices of `sizes`."""
    if isinstance(weights, ChoiceWeights):
        return tf.cast(weights.rows, tf.float64)
    most = max(sizes.values(), default=0)
    rows = [
        tf.pad(tf.cast(weights[n], tf.float64), [[0, most - size]]) for n, size in sizes.items()
    ]
    return tf.reshape(tf.concat([tf.zeros([0], tf.float64), *rows], axis=0), [len(sizes), most])
