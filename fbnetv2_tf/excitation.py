"""Squeeze-and-excite as one operation whose gradient is written out.

    z = mean(x) @ W1 + b1,  h = sum_i w_i f_i(z),  u = h @ W2 + b2
    y = x * (1 + p * (hard_sigmoid(u) - 1)),  hard_sigmoid(u) = relu6(u + 3) / 6

Everything but x and y is a vector of a few values an image, whose operations take longer to start
than to run, and each is held a dozen times over by TensorFlow. They are traced once for all blocks
of the same widths, and TensorFlow lays them out in the step's graph when it first runs.

TensorFlow's own gradient of the mean is a map, repeated for every pixel, divided and added up; here
it is added on the way: `dx = dy * gate + dmean / pixels`. The masks of the hidden width and of the
squeezed one multiply the vectors that the two layers read. That of the hidden width multiplies the
gate too, so that what reads the map needs no mask on its kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from .activations import mixed_slope, mixed_value, values
from .normalized_activation import is_worth_compiling


class Layers(NamedTuple):
    """The two dense layers of squeeze-and-excite, float32.

    Attributes:
        reduce_kernel: (channels, squeezed).
        reduce_bias: (squeezed,).
        expand_kernel: (squeezed, channels).
        expand_bias: (channels,).
    """

    reduce_kernel: tf.Tensor
    reduce_bias: tf.Tensor
    expand_kernel: tf.Tensor
    expand_bias: tf.Tensor


class Choices(NamedTuple):
    """What is chosen of them, float32; None where there is one alternative.

    Attributes:
        weights: of the activations between the layers, (activations,).
        presence: the probability that there is a gate, a scalar.
        hidden: the mask of the channels, (channels, 1).
        squeezed: the mask of the width between the layers, (squeezed,).
    """

    weights: Any = None
    presence: Any = None
    hidden: Any = None
    squeezed: Any = None


NOTHING_CHOSEN = Choices()


def excited(
    x: tf.Tensor,
    layers: Layers,
    names: Sequence[str],
    choices: Choices = NOTHING_CHOSEN,
    fixed: bool = False,
) -> tf.Tensor:
    """Each channel of a map times its gate, and times the mask of the channels.

    Args:
        x: (batch, height, width, channels).
        layers: what computes the gate.
        names: the alternatives of the activation between the layers, as of `mixed_activation`.
        choices: what is chosen.
        fixed: whether the choices are constants, for which no gradient is traced.

    Returns:
        A map of x's shape and dtype.

    Example:
        >>> half = Layers(tf.zeros([2, 8]), tf.zeros([8]), tf.zeros([8, 2]), tf.zeros([2]))
        >>> excited(tf.ones([1, 1, 1, 2]), half, ["re"]).numpy()
        array([[[[0.5, 0.5]]]], dtype=float32)
    """
    if len(names) == 1:
        choices = choices._replace(weights=None)
    is_static = all(each.shape.is_fully_defined() for each in layers)
    is_traced = is_static and not tf.executing_eagerly()
    of_mean, of_gate = (_traced_gate, _traced_slope) if is_traced else (_gate, _slope)
    static: dict[str, Any] = {"names": tuple(names)}
    made = {name: each for name, each in choices._asdict().items() if each is not None}

    @tf.custom_gradient
    def run(x: tf.Tensor, *given: tf.Tensor) -> Any:
        own = Layers(*given[: len(layers)])
        used = made.values() if fixed else given[len(layers) :]
        chosen = Choices(**dict(zip(made, used, strict=True)))
        mean = tf.cast(tf.reduce_mean(x, axis=[1, 2]), tf.float32)
        gate, kept = of_mean(mean, own, chosen, **static)
        factor = _of_pixels(gate, x)

        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, ...]:
            dfactor = tf.cast(tf.reduce_sum(dy * x, axis=[1, 2]), tf.float32)
            found = of_gate(dfactor, kept, own, chosen, **static, fixed=fixed)
            dmean, of_layers, of_choices = found
            dx = _map_gradient(dy, factor, _of_pixels(dmean / _pixels(x), x))
            return dx, *of_layers, *of_choices

        return x * factor, gradient

    return run(x, *layers, *([] if fixed else made.values()))


def _gate(
    mean: tf.Tensor, layers: Layers, choices: Choices, names: tuple[str, ...]
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """The factors of the channels, (batch, channels), and what the way back needs."""
    p, hidden = choices.presence, _row(choices.hidden)
    read = _times(mean, hidden)
    z = tf.nn.bias_add(tf.matmul(read, layers.reduce_kernel), layers.reduce_bias)
    h = mixed_value(z, names, choices.weights)
    squeezed = _times(h, choices.squeezed)
    shifted = tf.nn.bias_add(tf.matmul(squeezed, layers.expand_kernel), layers.expand_bias) + 3
    gate = tf.nn.relu6(shifted) * (1 / 6)
    factor = gate if p is None else 1 + p * (gate - 1)
    return _times(factor, hidden), [mean, read, z, h, squeezed, shifted]


def _slope(
    dfactor: tf.Tensor,
    kept: Sequence[tf.Tensor],
    layers: Layers,
    choices: Choices,
    names: tuple[str, ...],
    fixed: bool,
) -> tuple[tf.Tensor, list[tf.Tensor], list[tf.Tensor]]:
    """The gradients of the mean, of the layers and of what is chosen."""
    mean, read, z, h, squeezed, shifted = kept
    p, hidden = choices.presence, _row(choices.hidden)
    of_masked, dfactor = dfactor, _times(dfactor, hidden)
    du = tf.raw_ops.Relu6Grad(gradients=_times(dfactor, p), features=shifted) * (1 / 6)
    dsqueezed = tf.matmul(du, layers.expand_kernel, transpose_b=True)
    dh = _times(dsqueezed, choices.squeezed)
    dz = mixed_slope(dh, z, names, choices.weights)
    dread = tf.matmul(dz, layers.reduce_kernel, transpose_b=True)
    of_layers = [
        tf.matmul(read, dz, transpose_a=True),
        tf.reduce_sum(dz, axis=0),
        tf.matmul(squeezed, du, transpose_a=True),
        tf.reduce_sum(du, axis=0),
    ]
    dmean = _times(dread, hidden)
    if fixed:
        return dmean, of_layers, []
    of_choices = []
    gate = tf.nn.relu6(shifted) * (1 / 6)
    if choices.weights is not None:
        of_choices.append(tf.stack([tf.reduce_sum(dh * each) for each in values(z, names)]))
    if p is not None:
        of_choices.append(tf.reduce_sum(dfactor * (gate - 1)))
    if hidden is not None:
        factor = gate if p is None else 1 + p * (gate - 1)
        of_choices.append(tf.reduce_sum(dread * mean + of_masked * factor, axis=0)[:, None])
    if choices.squeezed is not None:
        of_choices.append(tf.reduce_sum(dsqueezed * h, axis=0))
    return dmean, of_layers, of_choices


@tf.function(autograph=False)
def _traced_gate(mean: tf.Tensor, layers: Layers, choices: Choices, names: tuple[str, ...]) -> Any:
    # Stopped, or a tape that watches would have the intermediates kept for a gradient of its own.
    mean, layers, choices = tf.nest.map_structure(
        lambda value: None if value is None else tf.stop_gradient(value), (mean, layers, choices)
    )
    return _gate(mean, layers, choices, names)


_traced_slope = tf.function(_slope, autograph=False)


def _times(vectors: tf.Tensor, factor: Any) -> tf.Tensor:
    return vectors if factor is None else vectors * factor


def _row(column: Any) -> Any:
    return None if column is None else tf.squeeze(column, axis=1)


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
