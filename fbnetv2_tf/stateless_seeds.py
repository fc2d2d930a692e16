"""Keras's random layers without their state."""

from __future__ import annotations

import keras
import tensorflow as tf


class StatelessSeeds(keras.random.SeedGenerator):
    """The seeds that a Keras preprocessing layer asks for, all derived from one seed.

    A `keras.random.SeedGenerator` keeps a variable that advances with every call, so what a layer
    draws depends on how often it was called before, and on the order of parallel calls. Here the
    n-th seed is `fold_in(seed, n)`: a layer that is given a new `StatelessSeeds` is a pure function
    of the seed.

    Args:
        seed: Integers of shape `(2,)`.
    """

    def __init__(self, seed: tf.Tensor) -> None:
        # The parent's constructor would create the variable.
        self._seed = seed
        self._drawn = 0

    def next(self, ordered: bool = True) -> tf.Tensor:
        """The next seed, shape `(2,)`."""
        self._drawn += 1
        return tf.random.fold_in(self._seed, self._drawn)
