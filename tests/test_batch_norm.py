"""The fused BatchNorm against Keras's, and what a mask on gamma and beta does."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.batch_norm import FusedBatchNormalization

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(1.0, 2.0, (6, 5, 5, 3)).astype(np.float32)
GAMMA, BETA = np.array([0.5, 1.0, 1.5]), np.array([0.1, -0.2, 0.3])
MEAN, VARIANCE = np.array([0.5, 1.0, 1.5]), np.array([3.0, 4.0, 5.0])


def pair() -> tuple[FusedBatchNormalization, keras.layers.BatchNormalization]:
    ours = FusedBatchNormalization()
    theirs = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
    for layer in (ours, theirs):
        layer.build(X.shape)
        layer.set_weights([GAMMA, BETA, MEAN, VARIANCE])
    return ours, theirs


@pytest.mark.parametrize("training", [False, True])
def test_output_is_that_of_keras(training: bool) -> None:
    ours, theirs = pair()
    np.testing.assert_allclose(
        ours(X, training=training), theirs(X, training=training), rtol=1e-5, atol=1e-5
    )


def test_moving_statistics_are_those_of_keras() -> None:
    ours, theirs = pair()
    for _ in range(2):
        ours(X, training=True, momentum=0.9)
        theirs(X, training=True)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5)


def test_without_momentum_the_moving_statistics_stay() -> None:
    ours, _ = pair()
    ours(X, training=True)
    ours(X, training=False, momentum=0.9)
    np.testing.assert_array_equal(ours.moving_mean, MEAN.astype(np.float32))
    np.testing.assert_array_equal(ours.moving_variance, VARIANCE.astype(np.float32))


def test_a_growing_momentum_makes_them_plain_means() -> None:
    ours, _ = pair()
    batches = [X[:2], X[2:4], X[4:]]
    for step, batch in enumerate(batches, start=1):
        ours(batch, training=True, momentum=1.0 - 1.0 / step)
    mean = np.mean([batch.mean((0, 1, 2)) for batch in batches], axis=0)
    variance = np.mean([batch.var((0, 1, 2)) for batch in batches], axis=0)
    np.testing.assert_allclose(ours.moving_mean, mean, rtol=1e-5)
    np.testing.assert_allclose(ours.moving_variance, variance, rtol=1e-5)


@pytest.mark.parametrize("training", [False, True])
def test_a_scale_multiplies_the_normalised_map(training: bool) -> None:
    ours, _ = pair()
    mask = np.array([1.0, 0.25, 0.0], np.float32)
    np.testing.assert_allclose(
        ours(X, scale=mask, training=training), ours(X, training=training) * mask, atol=1e-6
    )
    np.testing.assert_allclose(
        ours(X, scale=tf.constant(0.5), training=training),
        ours(X, training=training) * 0.5,
        atol=1e-6,
    )


def test_a_mask_before_it_would_be_undone() -> None:
    """METHOD: the reason why masks act on gamma and beta."""
    ours, _ = pair()
    np.testing.assert_allclose(
        ours(X * 0.25, training=True), ours(X, training=True), rtol=1e-3, atol=1e-3
    )


def test_gradients_are_those_of_keras() -> None:
    ours, theirs = pair()
    direction = RANDOM.normal(size=X.shape).astype(np.float32)
    gradients = []
    for layer in (ours, theirs):
        x = tf.constant(X)
        with tf.GradientTape() as tape:
            tape.watch(x)
            projected = tf.reduce_sum(layer(x, training=True) * direction)
        gradients.append(tape.gradient(projected, [x, *layer.trainable_variables]))
    for mine, other in zip(*gradients, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-4)


def test_one_pixel_has_no_variance() -> None:
    ours, _ = pair()
    ours(X[:1, :1, :1], training=True, momentum=0.0)
    np.testing.assert_array_equal(ours.moving_variance, [0, 0, 0])
    np.testing.assert_allclose(ours.moving_mean, X[0, 0, 0], rtol=1e-6)


def test_config_comes_back() -> None:
    layer = FusedBatchNormalization(epsilon=1e-3, gamma_initializer="zeros", name="bn")
    again = FusedBatchNormalization.from_config(layer.get_config())
    again.build(X.shape)
    assert (again.epsilon, again.name) == (1e-3, "bn")
    np.testing.assert_array_equal(again.gamma, [0, 0, 0])
