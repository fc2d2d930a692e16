"""A weighted sum of activations as one operation that keeps only its input for the backward pass.

`y = sum_i w_i f_i(x)` with `f_i` among relu, relu6, hard-swish, swish. Automatic differentiation
would keep an intermediate of the size of the map for every candidate; here the derivative is
written out and recomputed from x, so a choice between activations costs no memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def mixed_activation(
    x: tf.Tensor, names: Sequence[str], weights: Any, fixed: bool = False
) -> tf.Tensor:
    """`sum_i weights_i * f_i(x)`.

    Args:
        x: any shape, floating point.
        names: `re`, `r6`, `hs` or `sw`, each once.
        weights: (len(names),) float32; not looked at where there is one name.
        fixed: whether the weights are constants, for which no gradient is traced.

    Returns:
        A tensor of x's shape and dtype.
    """
    if len(names) == 1:
        return _single(x, names[0])

    weights = tf.convert_to_tensor(weights)

    @tf.custom_gradient
    def mix(x: tf.Tensor, *learned: tf.Tensor) -> Any:
        used = learned[0] if learned else weights

        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, ...]:
            dx = mixed_slope(dy, x, names, used)
            if not learned:
                return (dx,)
            dw = [tf.reduce_sum(tf.cast(dy * value, used.dtype)) for value in values(x, names)]
            return dx, tf.stack(dw)

        return mixed_value(x, names, used), gradient

    return mix(x) if fixed else mix(x, weights)


def values(x: tf.Tensor, names: Sequence[str]) -> list[tf.Tensor]:
    """`f_i(x)` for every name."""
    return [_value(x, name) for name in names]


def mixed_value(x: tf.Tensor, names: Sequence[str], weights: Any) -> tf.Tensor:
    """`sum_i weights_i * f_i(x)`, differentiated operation by operation where it is at all.

    One activation may have None for weights: it counts whole.
    """
    return _weighted(values(x, names), weights)


def mixed_slope(dy: tf.Tensor, x: tf.Tensor, names: Sequence[str], weights: Any) -> tf.Tensor:
    """`dy * sum_i weights_i * f_i'(x)`."""
    return _weighted([_derivative(dy, x, name) for name in names], weights)


def _single(x: tf.Tensor, name: str) -> tf.Tensor:
    if name != "hs":
        return _value(x, name)

    @tf.custom_gradient
    def activation(x: tf.Tensor) -> Any:
        return _value(x, name), lambda dy: _derivative(dy, x, name)

    return activation(x)


def _value(x: tf.Tensor, name: str) -> tf.Tensor:
    if name == "re":
        return tf.nn.relu(x)
    if name == "r6":
        return tf.nn.relu6(x)
    if name == "sw":
        return tf.nn.silu(x)
    return x * tf.nn.relu6(x + 3) * (1 / 6)


def _derivative(dy: tf.Tensor, x: tf.Tensor, name: str) -> tf.Tensor:
    """`dy * f'(x)`."""
    if name == "re":
        return tf.raw_ops.ReluGrad(gradients=dy, features=x)
    if name == "r6":
        return tf.raw_ops.Relu6Grad(gradients=dy, features=x)
    if name == "sw":
        sigmoid = tf.sigmoid(x)
        return dy * sigmoid * (1 + x * (1 - sigmoid))
    shifted = x + 3
    slope = tf.nn.relu6(shifted) + tf.raw_ops.Relu6Grad(gradients=x, features=shifted)
    return dy * slope * (1 / 6)


def _weighted(terms: list[tf.Tensor], weights: Any) -> tf.Tensor:
    if weights is None:
        return terms[0]
    weights = tf.unstack(tf.cast(weights, terms[0].dtype))
    return tf.add_n([term * weight for term, weight in zip(terms, weights, strict=True)])
