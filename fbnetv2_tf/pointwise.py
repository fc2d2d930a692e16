"""A 1x1 convolution as what it is: a product of the pixels' channels with a matrix.

On a CPU oneDNN's convolution lays the kernel out anew in every call, and has code compiled for each
new shape; its matrix product does neither. Forward and back it takes 0.3 to 1 times as long.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def conv2d(x: tf.Tensor, kernel: tf.Tensor, stride: int) -> tf.Tensor:
    """A "same"-padded convolution, by a matrix product where the kernel has one pixel.

    Args:
        x: (batch, height, width, channels).
        kernel: (side, side, channels, filters), of x's dtype.
        stride: 1 or 2.
    """
    if kernel.shape[:2] == [1, 1] and None not in x.shape[1:3]:
        return pixel_product(x, tf.squeeze(kernel, axis=[0, 1]), stride)
    return tf.nn.conv2d(x, kernel, stride, "SAME")


def pixel_product(x: tf.Tensor, matrix: tf.Tensor, stride: int = 1) -> tf.Tensor:
    """Every pixel's channels times a matrix.

    The gradient is written out for channels that are known at run time alone: TensorFlow would ask
    for the shapes of both sides in every step.

    Args:
        x: (batch, height, width, channels) with a static height and width.
        matrix: (channels, filters), of x's dtype.
        stride: of the pixels that are read.

    Returns:
        (batch, height', width', filters).

    Example:
        >>> y = pixel_product(tf.ones([1, 2, 2, 3]), tf.ones([3, 8]))
        >>> y.shape, float(y[0, 0, 0, 0])
        (TensorShape([1, 2, 2, 8]), 3.0)
    """
    if stride > 1:
        x = x[:, ::stride, ::stride]
    images, height, width = x.shape[:3]

    @tf.custom_gradient
    def multiply(x: tf.Tensor, matrix: tf.Tensor) -> Any:
        rows = tf.reshape(x, _shape([_product(images, height * width), matrix.shape[0]], matrix, 0))
        y = tf.matmul(rows, matrix)

        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            back = [_product(images, height * width), matrix.shape[1]]
            of_rows = tf.reshape(dy, _shape(back, matrix, 1))
            dx = tf.matmul(of_rows, matrix, transpose_b=True)
            dx = tf.reshape(dx, _shape([images, height, width, matrix.shape[0]], matrix, 0))
            return dx, tf.matmul(rows, of_rows, transpose_a=True)

        return tf.reshape(y, _shape([images, height, width, matrix.shape[1]], matrix, 1)), gradient

    y = multiply(x, matrix)
    y.set_shape([images, height, width, matrix.shape[1]])
    return y


def _product(images: int | None, pixels: int) -> int | None:
    return None if images is None else images * pixels


def _shape(static: list[int | None], matrix: tf.Tensor, axis: int) -> Any:
    """A shape for `tf.reshape` of which two extents at most are unknown, the last by the matrix."""
    if static.count(None) == 2:
        static = [*static[:-1], tf.shape(matrix)[axis]]
    return [-1 if extent is None else extent for extent in static]
