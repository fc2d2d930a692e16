"""BatchNorm, the activation behind it and what is added then as one compiled pass, and one back.

TensorFlow runs them operator by operator, each of which reads and writes the whole map: a choice
between relu and hard-swish alone takes eight passes forward and twelve back, and the fused
BatchNorm as long as three. XLA makes loops of them that read the map once, or once more for a
statistic. Only these loops are compiled: XLA's own convolutions are much slower on a CPU.

Forward, for `(M, C)` values with M pixels of all images:

    mean = sum x / M,  variance = sum (x - mean)^2 / M
    xhat = (x - mean) / sqrt(variance + epsilon),  z = gamma * xhat + beta
    y = sum_i w_i f_i(z) + sum_j p_j a_j

Back, with `dz = dy * sum_i w_i f_i'(z)` (Ioffe and Szegedy 2015, section 3):

    dbeta = sum dz,  dgamma = sum dz * xhat,  dw_i = sum dy * f_i(z)
    da_j = p_j dy,  dp_j = sum dy * a_j
    dx = gamma / sqrt(variance + epsilon) * (dz - (dbeta + xhat * dgamma) / M)

Nothing is kept for the way back but x and two vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from .activations import mixed_slope, mixed_value, values

Added = Sequence[tuple[tf.Tensor, Any]]
"""Maps, each with the probability that multiplies it: a float32 scalar, or None for 1."""

LEAST_ELEMENTS = 2**15
"""Below that many elements a pass takes less time than it is worth to compile one."""


def is_worth_compiling(x: tf.Tensor) -> bool:
    """Whether a map is of a size that is known, and large, in a graph that will run many times."""
    elements = x.shape.num_elements()
    return not tf.executing_eagerly() and elements is not None and elements >= LEAST_ELEMENTS


def normalized_activation(
    x: tf.Tensor,
    gamma: tf.Tensor,
    beta: tf.Tensor,
    epsilon: float,
    names: Sequence[str] = (),
    weights: Any = None,
    added: Added = (),
    fixed: bool = False,
    scale: Any = None,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Normalises by the batch's own statistics, scales, shifts, activates and adds other maps.

    Args:
        x: (batch, height, width, channels), of a static shape.
        gamma, beta: (channels,) float32.
        epsilon: added to the variance.
        names: the activations, as of `mixed_activation`; none leaves the map linear.
        weights: (len(names),) float32; None for at most one activation, of weight 1.
        added: other maps of x's shape and dtype, with their probabilities.
        fixed: whether the weights and the probabilities are constants, for which no gradient is
            traced.
        scale: what multiplies gamma and beta, a constant: (channels,) float32, a scalar, or None.

    Returns:
        y, of x's shape and dtype; the batch's mean and its biased variance, (channels,) float32.
        The statistics have no gradient.
    """
    static: dict[str, Any] = {"names": tuple(names), "epsilon": epsilon}
    is_weighted = weights is not None
    maps = [each for each, _ in added]
    choices = [weights] if is_weighted else []
    choices += [share for _, share in added if share is not None]

    @tf.custom_gradient
    def run(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, *others: tf.Tensor) -> Any:
        maps, learned = others[: len(added)], others[len(added) :]
        used = iter(choices if fixed else learned)
        weights = next(used) if is_weighted else None
        shares = [None if share is None else next(used) for _, share in added]
        y, mean, variance = _forward(x, gamma, beta, scale, weights, maps, shares, **static)

        def gradient(dy: tf.Tensor, *_: Any) -> tuple[tf.Tensor, ...]:
            given = (dy, x, mean, variance, gamma, beta, scale, weights)
            of_maps = [dy if share is None else dy * tf.cast(share, dy.dtype) for share in shares]
            of_choices = []
            if is_weighted and not fixed:
                of_choices = [_weights_gradient(*given, **static)]
            if not fixed:
                of_choices += _shares_gradients(dy, maps, shares)
            return *_backward(*given, **static), *of_maps, *of_choices

        return (y, mean, variance), gradient

    return run(x, gamma, beta, *maps, *([] if fixed else choices))


def _shares_gradients(
    dy: tf.Tensor, maps: Sequence[tf.Tensor], shares: Sequence[Any]
) -> list[tf.Tensor]:
    return [
        tf.reduce_sum(tf.cast(dy, tf.float32) * tf.cast(each, tf.float32))
        for each, share in zip(maps, shares, strict=True)
        if share is not None
    ]


@tf.function(autograph=False, jit_compile=True)
def _forward(
    x: tf.Tensor,
    gamma: tf.Tensor,
    beta: tf.Tensor,
    scale: tf.Tensor | None,
    weights: tf.Tensor | None,
    maps: Sequence[tf.Tensor],
    shares: Sequence[Any],
    names: tuple[str, ...],
    epsilon: float,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    # Stopped, or a tape that watches would have the intermediates kept for a gradient of its own.
    given = (x, gamma, beta, scale, weights, maps, shares)
    x, gamma, beta, scale, weights, maps, shares = tf.nest.map_structure(
        lambda value: None if value is None else tf.stop_gradient(value), given
    )
    gamma, beta = _scaled(scale, gamma, beta)
    rows = _rows(x)
    mean = _mean(rows)
    variance = _mean(tf.square(rows - mean))
    z = (rows - mean) * (gamma * tf.math.rsqrt(variance + epsilon)) + beta
    y = mixed_value(z, names, weights) if names else z
    for each, share in zip(maps, shares, strict=True):
        y += _rows(each) if share is None else _rows(each) * share
    return tf.reshape(tf.cast(y, x.dtype), x.shape), mean, variance


@tf.function(autograph=False, jit_compile=True)
def _backward(
    dy: tf.Tensor,
    x: tf.Tensor,
    mean: tf.Tensor,
    variance: tf.Tensor,
    gamma: tf.Tensor,
    beta: tf.Tensor,
    scale: tf.Tensor | None,
    weights: tf.Tensor | None,
    names: tuple[str, ...],
    epsilon: float,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The gradients of x, gamma and beta."""
    gamma, beta = _scaled(scale, gamma, beta)
    inverse = tf.math.rsqrt(variance + epsilon)
    xhat = (_rows(x) - mean) * inverse
    dz = _rows(dy)
    if names:
        dz = mixed_slope(dz, gamma * xhat + beta, names, weights)
    dbeta = tf.reduce_sum(dz, axis=0)
    dgamma = tf.reduce_sum(dz * xhat, axis=0)
    pixels = float(dz.shape[0])
    dx = gamma * inverse * (dz - dbeta / pixels - xhat * (dgamma / pixels))
    return tf.reshape(tf.cast(dx, x.dtype), x.shape), *_scaled(scale, dgamma, dbeta)


@tf.function(autograph=False, jit_compile=True)
def _weights_gradient(
    dy: tf.Tensor,
    x: tf.Tensor,
    mean: tf.Tensor,
    variance: tf.Tensor,
    gamma: tf.Tensor,
    beta: tf.Tensor,
    scale: tf.Tensor | None,
    weights: tf.Tensor,
    names: tuple[str, ...],
    epsilon: float,
) -> tf.Tensor:
    """The gradient of the weights, (activations,)."""
    gamma, beta = _scaled(scale, gamma, beta)
    z = (_rows(x) - mean) * (gamma * tf.math.rsqrt(variance + epsilon)) + beta
    # By columns first: a sum of everything at once is one long chain of additions.
    columns = [tf.reduce_sum(_rows(dy) * value, axis=0) for value in values(z, names)]
    return tf.reduce_sum(tf.stack(columns), axis=1)


def _scaled(scale: Any, *vectors: tf.Tensor) -> list[tf.Tensor]:
    return [vector if scale is None else vector * scale for vector in vectors]


def _rows(x: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.reshape(x, [-1, x.shape[-1]]), tf.float32)


def _mean(rows: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(rows, axis=0) / float(rows.shape[0])
