"""The layers of a supernet on the channels that were drawn alone: slices where the path has masks.

A drawn width is a scalar tensor, so the shapes are dynamic and one graph serves every draw. What a
slice leaves out costs nothing: no multiply-add, no BatchNorm statistic, no pixel of a map.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from .activations import mixed_slope, mixed_value
from .depthwise import depthwise_conv2d
from .masks import kernel_places
from .pointwise import conv2d
from .rounding import output_side

Count = Any
"""A number of channels: an int where there is no choice, else an int32 scalar tensor."""

Moments = list[tf.Tensor]
"""Mean and biased variance of each BatchNorm that ran, one after the other, float32 vectors."""


def drawn(table: Any, *places: Any) -> Count:
    """The entry of an integer table at drawn places.

    Args:
        table: integers, of one axis for each place.
        places: int32 scalars; the number 0 where an axis has one entry.

    Example:
        >>> int(drawn([[8, 16], [24, 32]], tf.constant(1), tf.constant(0)))
        24
        >>> drawn([8, 8], tf.constant(1))
        8
    """
    entries = np.asarray(table)
    if (entries == entries.flat[0]).all():
        return int(entries.flat[0])
    at: Any = 0
    for extent, place in zip(entries.shape, places, strict=True):
        at = at * extent + place
    return tf.gather(tf.constant(entries.ravel(), tf.int32), at)


def channels_of(x: tf.Tensor) -> Count:
    """How many channels a map has."""
    return tf.shape(x)[-1] if x.shape[-1] is None else x.shape[-1]


def sliced_convolution(
    x: tf.Tensor,
    kernel: tf.Tensor,
    filters: Count,
    stride: int = 1,
    sides: Sequence[int] = (1,),
    place: Any = 0,
) -> tf.Tensor:
    """A "same"-padded convolution by the part of a kernel that was drawn.

    Args:
        x: (batch, height, width, channels), of any part of the kernel's input channels.
        kernel: (largest, largest, input channels, output channels).
        filters: output channels.
        stride: 1 or 2.
        sides: the alternatives of the kernel's side.
        place: of the drawn one.
    """
    starts, largest = kernel_places(sides, x.shape[1], stride), max(sides)
    start, side = drawn(starts, place), drawn(sides, place)
    begin = tf.stack([start, start, 0, 0])
    kernel = tf.slice(kernel, begin, tf.stack([side, side, channels_of(x), filters]))
    out = output_side(x.shape[1], stride)
    if len(sides) == 1:
        kernel = tf.ensure_shape(kernel, [largest, largest, None, None])
    y = conv2d(x, tf.cast(kernel, x.dtype), stride)
    return tf.ensure_shape(y, [x.shape[0], out, out, filters if isinstance(filters, int) else None])


def sliced_depthwise(
    x: tf.Tensor, kernel: tf.Tensor, stride: int, sides: Sequence[int], place: Any
) -> tf.Tensor:
    """A "same"-padded depthwise convolution by the drawn kernel on the channels of x.

    Which kernel it is decides a branch rather than a slice, so that its side is static.
    """
    kernel = tf.cast(kernel[:, :, : channels_of(x)], x.dtype)
    starts = kernel_places(sides, x.shape[1], stride)

    def convolve(start: int, side: int) -> tf.Tensor:
        cut = slice(start, start + side)
        return depthwise_conv2d(x, kernel[cut, cut], stride)

    cuts = zip(starts, sides, strict=True)
    return branch([partial(convolve, start, side) for start, side in cuts], place)


def sliced_batch_norm(
    x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: float
) -> tuple[tf.Tensor, Moments]:
    """Normalises by the batch's statistics; returns them too."""
    channels, empty = channels_of(x), tf.zeros([0])
    y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=gamma[:channels],
        offset=beta[:channels],
        mean=empty,
        variance=empty,
        epsilon=epsilon,
        is_training=True,
    )
    return tf.ensure_shape(y, x.shape), [mean, variance * _bias(x)]


def _bias(x: tf.Tensor) -> Any:
    """The biased variance of a map's channels over the unbiased one."""
    if x.shape[:3].is_fully_defined():
        elements: Any = x.shape[:3].num_elements()
    else:
        elements = tf.cast(tf.reduce_prod(tf.shape(x)[:3]), tf.float32)
    return (elements - 1) / elements


def sliced_inference_norm(
    x: tf.Tensor,
    gamma: tf.Tensor,
    beta: tf.Tensor,
    mean: tf.Tensor,
    variance: tf.Tensor,
    epsilon: float,
) -> tf.Tensor:
    """Normalises by the moving statistics of the channels that are there."""
    channels = channels_of(x)
    scale = gamma[:channels] * tf.math.rsqrt(variance[:channels] + epsilon)
    shift = beta[:channels] - mean[:channels] * scale
    return x * tf.cast(scale, x.dtype) + tf.cast(shift, x.dtype)


def drawn_activation(x: tf.Tensor, names: Sequence[str], place: Any) -> tf.Tensor:
    """The drawn activation, and no other."""
    # Of the graph that this runs in: the gradient of a branch knows no tensors of graphs around it.
    place = tf.identity(place)

    @tf.custom_gradient
    def activate(x: tf.Tensor) -> Any:
        def gradient(dy: tf.Tensor) -> tf.Tensor:
            return branch([lambda n=n: mixed_slope(dy, x, (n,), None) for n in names], place)

        return branch([lambda n=n: mixed_value(x, (n,), None) for n in names], place), gradient

    return tf.ensure_shape(activate(x), x.shape)


def branch(functions: Sequence[Any], place: Any) -> Any:
    """Runs the function at a drawn place."""
    if len(functions) == 1:
        return functions[0]()
    if len(functions) == 2:
        return tf.cond(tf.equal(place, 0), functions[0], functions[1])
    return tf.switch_case(place, functions)
