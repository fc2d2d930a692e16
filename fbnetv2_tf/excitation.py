"""Squeeze-and-excite as one operation whose gradient is written out.

    z = mean(x) @ W1 + b1,  h = sum_i w_i f_i(z),  u = h @ W2 + b2
    y = x * (1 + p * (hard_sigmoid(u) - 1)),  hard_sigmoid(u) = relu6(u + 3) / 6

Everything but x and y is a vector of a few values an image, whose operations take longer to start
than to run. Forward and back there are 56 here and 63 by TensorFlow's own gradient, 60 and 84
where the channels are known at run time alone. Its gradient of the mean besides is a map of its
own, repeated for every pixel, divided and added up; here it is added on the way:
`dx = dy * gate + dmean / pixels`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from .activations import mixed_slope, mixed_value, values
from .normalized_activation import is_worth_compiling


@dataclass(frozen=True)
class Layers:
    """The two dense layers of squeeze-and-excite, float32.

    Attributes:
        reduce_kernel: (channels, squeezed).
        reduce_bias: (squeezed,).
        expand_kernel: (squeezed, channels).
        expand_bias: (channels,).
    """

    reduce_kernel: Any
    reduce_bias: Any
    expand_kernel: Any
    expand_bias: Any


def excited(
    x: tf.Tensor,
    layers: Layers,
    names: Sequence[str],
    weights: Any = None,
    presence: Any = None,
    fixed: bool = False,
) -> tf.Tensor:
    """Each channel of a map times its gate.

    Args:
        x: (batch, height, width, channels).
        layers: what computes the gate.
        names, weights: the activation between the layers, as of `mixed_activation`.
        presence: the probability that there is a gate, a float32 scalar; None for 1.
        fixed: whether the weights and the presence are constants, for which no gradient is traced.

    Returns:
        A map of x's shape and dtype.

    Example:
        >>> half = Layers(tf.zeros([2, 8]), tf.zeros([8]), tf.zeros([8, 2]), tf.zeros([2]))
        >>> excited(tf.ones([1, 1, 1, 2]), half, ["re"]).numpy()
        array([[[[0.5, 0.5]]]], dtype=float32)
    """
    is_mixed = len(names) > 1
    choices = [*([weights] if is_mixed else []), *([] if presence is None else [presence])]

    @tf.custom_gradient
    def run(
        x: tf.Tensor,
        w1: tf.Tensor,
        b1: tf.Tensor,
        w2: tf.Tensor,
        b2: tf.Tensor,
        *learned: tf.Tensor,
    ) -> Any:
        used = choices if fixed else learned
        weights = used[0] if is_mixed else None
        p = used[-1] if presence is not None else None
        mean = tf.cast(tf.reduce_mean(x, axis=[1, 2]), tf.float32)
        z = tf.nn.bias_add(tf.matmul(mean, w1), b1)
        h = mixed_value(z, names, weights)
        shifted = tf.nn.bias_add(tf.matmul(h, w2), b2) + 3
        gate = tf.nn.relu6(shifted) * (1 / 6)
        factor = _of_pixels(gate if p is None else 1 + p * (gate - 1), x)

        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, ...]:
            dfactor = tf.cast(tf.reduce_sum(dy * x, axis=[1, 2]), tf.float32)
            du = tf.raw_ops.Relu6Grad(
                gradients=dfactor if p is None else dfactor * p, features=shifted
            )
            du *= 1 / 6
            dh = tf.matmul(du, w2, transpose_b=True)
            dz = mixed_slope(dh, z, names, weights)
            dmean = tf.matmul(dz, w1, transpose_b=True)
            dx = _map_gradient(dy, factor, _of_pixels(dmean / _pixels(x), x))
            of_layers = [
                tf.matmul(mean, dz, transpose_a=True),
                tf.reduce_sum(dz, axis=0),
                tf.matmul(h, du, transpose_a=True),
                tf.reduce_sum(du, axis=0),
            ]
            of_choices = []
            if is_mixed and not fixed:
                sums = [tf.reduce_sum(dh * value) for value in values(z, names)]
                of_choices = [tf.stack(sums)]
            if p is not None and not fixed:
                of_choices += [tf.reduce_sum(dfactor * (gate - 1))]
            return dx, *of_layers, *of_choices

        return x * factor, gradient

    return run(
        x,
        layers.reduce_kernel,
        layers.reduce_bias,
        layers.expand_kernel,
        layers.expand_bias,
        *([] if fixed else choices),
    )


def _of_pixels(vectors: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """(batch, channels) as a map of one pixel, of x's dtype."""
    return tf.cast(vectors, x.dtype)[:, None, None, :]


def _pixels(x: tf.Tensor) -> Any:
    if None not in x.shape[1:3]:
        return float(x.shape[1] * x.shape[2])
    return tf.cast(tf.shape(x)[1] * tf.shape(x)[2], tf.float32)


def _map_gradient(dy: tf.Tensor, factor: tf.Tensor, added: tf.Tensor) -> tf.Tensor:
    """`dy * factor + added`, in one pass over a large map."""
    if not is_worth_compiling(dy):
        return _product_and_sum(dy, factor, added)
    # In the gradient of a branch a call does not find tensors of the branch; an operation does.
    return _compiled(dy, tf.identity(factor), added)


def _product_and_sum(dy: tf.Tensor, factor: tf.Tensor, added: tf.Tensor) -> tf.Tensor:
    return dy * factor + added


_compiled = tf.function(_product_and_sum, autograph=False, jit_compile=True)
