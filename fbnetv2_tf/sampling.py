"""Gumbel-softmax: a random one-of-n that the architecture logits can learn through.

With Gumbel noise `G`, `argmax(logits + G)` is a draw from `softmax(logits)`; its relaxation
`softmax((logits + G) / temperature)` has a gradient (Jang et al. 2017; FBNet section 3.2).
Rows of several choices are padded with -inf logits, so that one call samples all choices at once.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

SMALLEST = 1e-20
"""Keeps the two logarithms finite where the uniform draw is exactly 0."""


def gumbel_noise(shape: Any, seed: Any) -> tf.Tensor:
    """Standard Gumbel noise, a pure function of the seed.

    Args:
        shape: of the result.
        seed: int tensor (2,); the same seed gives the same noise on every device and replica.
    """
    uniform = tf.random.stateless_uniform(shape, seed, minval=SMALLEST, maxval=1.0)
    return -tf.math.log(-tf.math.log(uniform) + SMALLEST)


def gumbel_softmax(logits: tf.Tensor, noise: Any, temperature: Any, hard: bool) -> tf.Tensor:
    """Relaxed samples of the choices in the rows of `logits`.

    Args:
        logits: (choices, alternatives) float32, -inf where a row has fewer alternatives.
        noise: Gumbel noise of that shape, or 0 for the noiseless relaxation.
        temperature: positive scalar; near 0 the weights are nearly one-hot.
        hard: one-hot in the forward pass, the gradient of the soft weights in the backward pass
            (straight-through).

    Returns:
        Weights of that shape; each row sums to 1.
    """
    soft = row_softmax((logits + noise) / temperature)
    if not hard:
        return soft
    one_hot = tf.one_hot(tf.argmax(soft, axis=-1), soft.shape[-1], dtype=soft.dtype)
    return soft + tf.stop_gradient(one_hot - soft)


def row_softmax(logits: tf.Tensor) -> tf.Tensor:
    """`softmax` of each row: for a few rows faster than the kernel that splits them over threads.

    Args:
        logits: (choices, alternatives); at least one of each row is above -inf.

    Example:
        >>> row_softmax(tf.constant([[0.0, 0.0, -float("inf")]])).numpy()
        array([[0.5, 0.5, 0. ]], dtype=float32)
    """
    largest = tf.stop_gradient(tf.reduce_max(logits, axis=-1, keepdims=True))
    powers = tf.exp(logits - largest)
    return powers / tf.reduce_sum(powers, axis=-1, keepdims=True)
