"""What pixels mean: bytes as floats in [0, 1], grey as colour and colour as grey."""

from __future__ import annotations

import tensorflow as tf

LUMINANCE = (0.2989, 0.5870, 0.1140)
"""What red, green and blue add to the grey of a pixel."""


def to_unit_floats(images: tf.Tensor) -> tf.Tensor:
    """Turns bytes into float32 in [0, 1]; floats stay as they are."""
    if images.dtype == tf.uint8:
        return tf.cast(images, tf.float32) * (1.0 / 255.0)
    return tf.cast(images, tf.float32)


def fit_channels(images: tf.Tensor, channels: int) -> tf.Tensor:
    """Converts images of 1 or 3 statically known channels to `channels`.

    Grey becomes colour by repetition, colour becomes grey by luminance.

    Args:
        images: Bytes, or floats in [0, 1], shape `(..., height, width, 1 or 3)`.
        channels: 1 or 3.

    Returns:
        Images of the same type with `channels` channels.
    """
    present = images.shape[-1]
    if present == channels:
        return images
    return tf.image.grayscale_to_rgb(images) if channels == 3 else tf.image.rgb_to_grayscale(images)
