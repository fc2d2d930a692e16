"""From the bytes of an image file to pixels of the size a network takes."""

from __future__ import annotations

import tensorflow as tf

from ..augmentation import random_boxes
from ..pixels import LUMINANCE


def decode(path: tf.Tensor, is_bmp: tf.Tensor, orientation: tf.Tensor, channels: int) -> tf.Tensor:
    """Decodes a JPEG, PNG, GIF (its first frame), BMP or WebP file.

    Pixels that are transparent are blended with white. The fourth channel of a BMP file means
    nothing and is left out.

    Args:
        path: The file, string scalar.
        is_bmp: Whether it is a BMP file, bool scalar.
        orientation: EXIF orientation, 1 to 8.
        channels: 1 for grey, 3 for colour.

    Returns:
        Pixels, uint8, shape `(height, width, channels)`.
    """
    image = tf.io.decode_image(tf.io.read_file(path), channels=0, expand_animations=False)
    image = tf.ensure_shape(image, (None, None, None))
    # Grey, grey with alpha, colour, colour with alpha: 1, 2, 3, 4 channels.
    present = tf.shape(image)[2]
    colours = present - (1 - present % 2)
    has_alpha = tf.logical_and(present > colours, tf.logical_not(is_bmp))
    image = tf.cond(
        has_alpha, lambda: on_white(image[..., :-1], image[..., -1:]), lambda: image[..., :colours]
    )
    image = with_channels(image, channels)
    return tf.cond(orientation > 1, lambda: upright(image, orientation), lambda: image)


def with_channels(image: tf.Tensor, channels: int) -> tf.Tensor:
    """Converts an image of 1 or 3 channels, known only when it runs, to `channels`.

    Grey becomes colour by repetition, colour becomes grey by luminance.

    Args:
        image: uint8, shape `(height, width, 1 or 3)`.
        channels: 1 or 3.

    Returns:
        uint8, shape `(height, width, channels)`.
    """
    present = tf.shape(image)[2]
    if channels == 3:
        return tf.ensure_shape(tf.tile(image, (1, 1, 3 // present)), (None, None, 3))
    weights = tf.cond(tf.equal(present, 1), lambda: tf.ones(1), lambda: tf.constant(LUMINANCE))
    grey = tf.tensordot(tf.cast(image, tf.float32), weights, 1)
    return to_bytes(grey)[..., tf.newaxis]


def on_white(colours: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
    """Blends pixels with white by their opacity, all uint8."""
    opacity = tf.cast(alpha, tf.float32) / 255.0
    return to_bytes(tf.cast(colours, tf.float32) * opacity + 255.0 * (1.0 - opacity))


def upright(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Turns and mirrors an image as its EXIF orientation (1 to 8) says."""
    orientation = tf.cast(orientation, tf.int32)

    def is_one_of(*orientations: int) -> tf.Tensor:
        return tf.reduce_any(orientation == tf.constant(orientations))

    image = tf.transpose(image, tf.where(orientation > 4, (1, 0, 2), (0, 1, 2)))
    rows, columns = tf.range(tf.shape(image)[0]), tf.range(tf.shape(image)[1])
    rows = tf.where(is_one_of(3, 4, 7, 8), tf.reverse(rows, [0]), rows)
    columns = tf.where(is_one_of(2, 3, 6, 7), tf.reverse(columns, [0]), columns)
    return tf.gather(tf.gather(image, rows), columns, axis=1)


def central_part(image: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """The largest central part of an image with the proportions of `height` to `width`.

    Resized to `(height, width)` it is what resizing the shorter side and then cropping gives.
    """
    shape = tf.cast(tf.shape(image)[:2], tf.float32)
    scale = tf.minimum(shape[0] / height, shape[1] / width)
    size = tf.maximum(
        tf.cast(tf.round(scale * tf.constant([height, width], tf.float32)), tf.int32), 1
    )
    corner = (tf.shape(image)[:2] - size) // 2
    return image[corner[0] : corner[0] + size[0], corner[1] : corner[1] + size[1]]


def random_part(image: tf.Tensor, area: tuple[float, float], seed: tf.Tensor) -> tf.Tensor:
    """A random box of the image, at least one pixel, as of `random_boxes`."""
    sides = tf.cast(tf.shape(image)[:2], tf.float32)
    box = random_boxes(1, sides[0], sides[1], area, seed)[0]
    corner = tf.cast(tf.floor(box[:2] * sides), tf.int32)
    corner = tf.minimum(corner, tf.shape(image)[:2] - 1)
    end = tf.maximum(tf.cast(tf.round(box[2:] * sides), tf.int32), corner + 1)
    return image[corner[0] : end[0], corner[1] : end[1]]


def resize(image: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Resizes bytes bilinearly, antialiased when shrinking; back to bytes, static shape."""
    return to_bytes(tf.image.resize(image, (height, width), antialias=True))


def to_bytes(pixels: tf.Tensor) -> tf.Tensor:
    """Rounds floats to uint8."""
    return tf.cast(tf.clip_by_value(tf.round(pixels), 0.0, 255.0), tf.uint8)
