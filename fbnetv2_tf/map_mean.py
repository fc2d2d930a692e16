"""A map and its mean over pixels, for squeeze-and-excite, with a gradient of one addition.

TensorFlow on its own repeats the mean's gradient for every pixel, divides, and adds up two maps.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from .normalized_activation import is_worth_compiling


def with_mean(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """A map and its mean over pixels.

    Args:
        x: (batch, height, width, channels).

    Returns:
        x, to be used in place of x, and the mean, (batch, channels) float32.

    Example:
        >>> x, mean = with_mean(tf.reshape([1.0, 3.0], [1, 1, 2, 1]))
        >>> mean.numpy()
        array([[2.]], dtype=float32)
    """

    @tf.custom_gradient
    def run(x: tf.Tensor) -> Any:
        def gradient(dx: tf.Tensor, dmean: tf.Tensor) -> tf.Tensor:
            pixels = tf.cast(tf.shape(dx)[1] * tf.shape(dx)[2], tf.float32)
            of_pixel = tf.cast(dmean / pixels, dx.dtype)[:, None, None, :]
            return _compiled_sum(dx, of_pixel) if is_worth_compiling(dx) else dx + of_pixel

        return (tf.identity(x), tf.cast(tf.reduce_mean(x, axis=[1, 2]), tf.float32)), gradient

    return run(x)


@tf.function(autograph=False, jit_compile=True)
def _compiled_sum(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    return x + y
