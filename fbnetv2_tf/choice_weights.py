"""The weights of all choices, by name and as one matrix.

What computes with every choice at once (an expected cost, the entropy) takes the matrix: a few
operations in place of a few for each choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf


class ChoiceWeights(Mapping[str, Any]):
    """Choice name -> weights (alternatives,), cut out of the matrix where they are asked for.

    Args:
        rows: (choices, most alternatives), 0 beyond the alternatives of a choice.
        sizes: choice name -> number of its alternatives, in the order of the rows.

    Example:
        >>> rows = tf.constant([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]])
        >>> ChoiceWeights(rows, {"b01_kind": 2, "b02_channels": 3})["b01_kind"].numpy()
        array([0.5, 0.5], dtype=float32)
    """

    def __init__(self, rows: tf.Tensor, sizes: Mapping[str, int]) -> None:
        self.rows = rows
        self.sizes = dict(sizes)
        self._place = {name: place for place, name in enumerate(sizes)}

    def __getitem__(self, name: str) -> tf.Tensor:
        return self.rows[self._place[name], : self.sizes[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self.sizes)

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def places(self) -> dict[str, np.ndarray]:
        """Choice name -> places of its weights in the matrix that is written out row by row."""
        most = self.rows.shape[1]
        sizes = self.sizes.items()
        return {name: self._place[name] * most + np.arange(size) for name, size in sizes}


def padded_rows(weights: Mapping[str, Any], sizes: Mapping[str, int]) -> tf.Tensor:
    """The matrix of `ChoiceWeights` in float64, of any mapping that has the choices of `sizes`."""
    if isinstance(weights, ChoiceWeights):
        return tf.cast(weights.rows, tf.float64)
    most = max(sizes.values(), default=0)
    rows = [
        tf.pad(tf.cast(weights[n], tf.float64), [[0, most - size]]) for n, size in sizes.items()
    ]
    return tf.reshape(tf.concat([tf.zeros([0], tf.float64), *rows], axis=0), [len(sizes), most])
