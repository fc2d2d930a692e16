"""What a step needs when several devices run it at once, each on its part of the batch.

`tf.distribute` keeps one copy of every variable on each device (a replica). The choices of a search
are a function of (seed, step), so all replicas draw the same sample. What is left is to make the
batch's statistics, its loss and the gradients those of the whole batch, so that any number of
devices does what one would have done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def replica_count() -> int:
    """How many replicas run this step together; 1 outside of one."""
    context = tf.distribute.get_replica_context()
    return 1 if context is None else int(context.num_replicas_in_sync)


def reduced(optimizer: Any, gradients: Sequence[Any]) -> list[Any]:
    """Gradients of the whole batch, in the form in which a Keras optimizer takes them.

    Keras clips the gradients of a replica and adds them up afterwards, which is not what it does on
    one device. Here they are added up and clipped first; what Keras does then changes nothing.

    Args:
        optimizer: the Keras optimizer that applies them, with or without loss scaling.
        gradients: of the replica's share of the loss (the shares add up to the loss).

    Returns:
        The gradients, each divided by the number of replicas because Keras will add them up.
    """
    replicas = replica_count()
    if replicas == 1:
        return list(gradients)
    context = tf.distribute.get_replica_context()
    total = context.all_reduce(tf.distribute.ReduceOp.SUM, list(gradients))
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if inner.global_clipnorm:
        scale = optimizer.scale_loss(tf.constant(1.0))
        total, _ = tf.clip_by_global_norm(total, inner.global_clipnorm * scale)
    return [gradient / replicas for gradient in total]


def normalized(
    x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: float
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """BatchNorm by the statistics of the whole batch, differentiable through the other replicas.

    The mean is reduced first and the deviations from it then, which loses no digits.

    Args:
        x: (batch of the replica, height, width, channels).
        gamma, beta: (channels,) float32.
        epsilon: added to the variance.

    Returns:
        The normalised map, and mean and biased variance of the whole batch, (channels,) float32.
    """
    context = tf.distribute.get_replica_context()
    mean_of = tf.distribute.ReduceOp.MEAN
    wide = tf.cast(x, tf.float32)
    mean = context.all_reduce(mean_of, tf.reduce_mean(wide, [0, 1, 2]))
    squares = tf.reduce_mean(tf.math.squared_difference(wide, mean), [0, 1, 2])
    variance = context.all_reduce(mean_of, squares)
    y = tf.nn.batch_normalization(wide, mean, variance, beta, gamma, epsilon)
    return tf.cast(y, x.dtype), mean, variance
