"""The layers of a supernet on the channels that were drawn alone: slices where the path has masks.

A drawn width is a scalar tensor, so the shapes are dynamic and one graph serves every draw. What a
slice leaves out costs nothing: no multiply-add, no BatchNorm statistic, no pixel of a map.

TensorFlow starts an operation in about a microsecond, and hands each tensor that a branch keeps for
its gradient through two more. A sliced step is short enough to feel that, so the layers with a
choice write their gradients out, and the branches hold little besides what computes a map.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import tensorflow as tf

from .activations import mixed_slope, mixed_value
from .depthwise import depthwise_conv2d, depthwise_gradients
from .masks import kernel_places
from .pointwise import pixel_product

Moments = list[tf.Tensor]
"""Mean and biased variance of each BatchNorm that ran, one after the other, float32 vectors."""


def branch(functions: Sequence[Any], place: Any) -> Any:
    """Runs the function at a drawn place."""
    if len(functions) == 1:
        return functions[0]()
    if len(functions) == 2:
        return tf.cond(tf.equal(place, 0), functions[0], functions[1])
    return tf.switch_case(place, functions)


def own(*tensors: tf.Tensor) -> list[tf.Tensor]:
    """The tensors as ones of the graph that this runs in.

    The gradient of a branch knows no tensors of graphs around it.
    """
    return [tf.identity(tensor) for tensor in tensors]


def sliced_pointwise(x: tf.Tensor, matrix: tf.Tensor, stride: int = 1) -> tf.Tensor:
    """A 1x1 convolution by a sliced matrix (channels, filters)."""
    x, matrix = own(x, matrix)
    return pixel_product(x, tf.cast(matrix, x.dtype), stride)


def sliced_depthwise(
    x: tf.Tensor, kernel: tf.Tensor, stride: int, sides: Sequence[int], place: Any
) -> tf.Tensor:
    """A "same"-padded depthwise convolution by the drawn one of several kernels.

    Which kernel it is decides a branch rather than a slice, so that its side is static.

    Args:
        x: (batch, height, width, channels).
        kernel: (largest, largest, channels, 1), sliced to the channels of x.
        stride: 1 or 2.
        sides: the alternatives of the kernel's side.
        place: of the drawn one.
    """
    x, kernel, place = own(x, tf.cast(kernel, x.dtype), place)
    starts, largest = kernel_places(sides, x.shape[1], stride), max(sides)
    if len(sides) == 1:
        return depthwise_conv2d(x, kernel, stride)

    def convolve(x: tf.Tensor, kernel: tf.Tensor, start: int, side: int) -> tf.Tensor:
        taps = kernel[start : start + side, start : start + side]
        return tf.nn.depthwise_conv2d(x, taps, [1, stride, stride, 1], "SAME")

    def differentiate(
        x: tf.Tensor, kernel: tf.Tensor, dy: tf.Tensor, start: int, side: int
    ) -> list[tf.Tensor]:
        taps = kernel[start : start + side, start : start + side]
        dx, dtaps = depthwise_gradients(x, taps, dy, stride)
        around = [start, largest - start - side]
        return [dx, tf.pad(dtaps, [around, around, [0, 0], [0, 0]])]

    cuts = list(zip(starts, sides, strict=True))

    @tf.custom_gradient
    def run(x: tf.Tensor, kernel: tf.Tensor) -> Any:
        def gradient(dy: tf.Tensor) -> list[tf.Tensor]:
            found: list[tf.Tensor] = branch(
                [partial(differentiate, x, kernel, dy, *cut) for cut in cuts], place
            )
            return found

        return branch([partial(convolve, x, kernel, *cut) for cut in cuts], place), gradient

    return run(x, kernel)


def sliced_batch_norm(
    x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: float
) -> tuple[tf.Tensor, Moments]:
    """Normalises by the batch's statistics; returns them too.

    Args:
        x: (batch, height, width, channels).
        gamma, beta: (channels,) float32.
        epsilon: added to the variance.
    """
    empty = tf.zeros([0])
    y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=gamma,
        offset=beta,
        mean=empty,
        variance=empty,
        epsilon=epsilon,
        is_training=True,
    )
    y.set_shape(x.shape)
    return y, [mean, variance * _bias(x)]


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
    """Normalises by the moving statistics (channels,) of the channels that are there."""
    scale = gamma * tf.math.rsqrt(variance + epsilon)
    shift = beta - mean * scale
    return x * tf.cast(scale, x.dtype) + tf.cast(shift, x.dtype)


def drawn_activation(x: tf.Tensor, names: Sequence[str], place: Any) -> tf.Tensor:
    """The drawn activation, and no other."""
    x, place = own(x, place)

    @tf.custom_gradient
    def activate(x: tf.Tensor) -> Any:
        def gradient(dy: tf.Tensor) -> tf.Tensor:
            return branch([lambda n=n: mixed_slope(dy, x, (n,), None) for n in names], place)

        return branch([lambda n=n: mixed_value(x, (n,), None) for n in names], place), gradient

    y = activate(x)
    y.set_shape(x.shape)
    return y


def sum_where(same: Any, y: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """The sum of y and x where x has the channels of y, else y.

    Args:
        same: whether it has: a bool, or a bool scalar tensor.
        y, x: (batch, height, width, channels), each of its own number of channels.
    """
    if isinstance(same, bool):
        return y + x if same else y
    same, y, x = own(same, y, x)

    @tf.custom_gradient
    def add(y: tf.Tensor, x: tf.Tensor) -> Any:
        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return dy, tf.cond(same, lambda: tf.identity(dy), lambda: tf.zeros_like(x))

        # All of x. From a sum TensorFlow concludes that its terms have one shape, here and also
        # where this branch does not run: the width of y must not come to be that of x.
        def total() -> tf.Tensor:
            return tf.add_n([y, tf.slice(x, [0, 0, 0, 0], tf.shape(y))])

        return tf.cond(same, total, lambda: tf.identity(y)), gradient

    total = add(y, x)
    total.set_shape(y.shape)
    return total


def sliced_convolution(
    x: tf.Tensor, kernel: tf.Tensor, stride: int, sides: Sequence[int], place: Any
) -> tf.Tensor:
    """A "same"-padded convolution by the drawn one of several kernels.

    Args:
        x: (batch, height, width, channels).
        kernel: (largest, largest, channels, filters), sliced to the channels of x.
        stride: 1 or 2.
        sides: the alternatives of the kernel's side.
        place: of the drawn one.
    """
    starts = kernel_places(sides, x.shape[1], stride)

    def convolve(start: int, side: int) -> tf.Tensor:
        taps = tf.cast(kernel[start : start + side, start : start + side], x.dtype)
        return tf.nn.conv2d(x, taps, stride, "SAME")

    cuts = zip(starts, sides, strict=True)
    y: tf.Tensor = branch([partial(convolve, *cut) for cut in cuts], place)
    return y
