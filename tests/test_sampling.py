"""Gumbel-softmax against the distribution it samples and the gradient it relaxes to."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.sampling import gumbel_noise, gumbel_softmax, row_softmax

LOGITS = np.log(
    np.array([[0.1, 0.2, 0.7], [0.5, 0.5, 0.0]]),
    where=[[1, 1, 1], [1, 1, 0]],
    out=np.full((2, 3), -np.inf),
).astype(np.float32)


def noise(shape: tuple[int, ...], seed: int) -> tf.Tensor:
    return gumbel_noise(shape, tf.constant([seed, 0], tf.int64))


def test_noise_has_the_distribution_of_gumbel() -> None:
    drawn = np.sort(np.asarray(noise((20_000,), 1)))
    exact = np.exp(-np.exp(-drawn))
    empirical = (np.arange(drawn.size) + 0.5) / drawn.size
    # Kolmogorov-Smirnov: 1.95 / sqrt(n) is exceeded once in a thousand seeds.
    assert np.abs(exact - empirical).max() < 1.95 / np.sqrt(drawn.size)


def test_noise_is_finite_and_a_function_of_the_seed() -> None:
    assert np.isfinite(noise((100_000,), 2)).all()
    np.testing.assert_array_equal(noise((5,), 3), noise((5,), 3))
    assert not np.array_equal(noise((5,), 3), noise((5,), 4))


def test_hard_samples_come_as_often_as_they_are_probable() -> None:
    logits = tf.repeat(LOGITS[:1], 20_000, axis=0)
    drawn = gumbel_softmax(logits, noise(logits.shape, 5), 1.0, hard=True)
    np.testing.assert_allclose(np.mean(drawn, axis=0), [0.1, 0.2, 0.7], atol=0.01)


def test_weights_sum_to_one_and_padding_gets_none() -> None:
    weights = np.asarray(gumbel_softmax(LOGITS, noise(LOGITS.shape, 6), 0.7, hard=False))
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-6)
    assert weights[1, 2] == 0.0
    assert (weights[0] > 0).all()


def test_temperature_goes_from_undecided_to_one_hot() -> None:
    given = noise(LOGITS.shape, 7)
    warm = np.asarray(gumbel_softmax(LOGITS, given, 1e3, hard=False))
    cold = np.asarray(gumbel_softmax(LOGITS, given, 1e-3, hard=False))
    np.testing.assert_allclose(warm[0], 1 / 3, atol=2e-3)
    np.testing.assert_allclose(cold.max(axis=1), 1.0, atol=1e-6)


@pytest.mark.parametrize("temperature", [0.5, 5.0])
def test_hard_samples_have_the_gradient_of_the_soft_ones(temperature: float) -> None:
    given, direction = noise((1, 3), 8), tf.constant([[1.0, -2.0, 0.5]])
    gradients, samples = [], []
    for hard in (False, True):
        logits = tf.constant(LOGITS[:1])
        with tf.GradientTape() as tape:
            tape.watch(logits)
            sample = gumbel_softmax(logits, given, temperature, hard)
            projected = tf.reduce_sum(sample * direction)
        samples.append(np.asarray(sample))
        gradients.append(np.asarray(tape.gradient(projected, logits)))
    np.testing.assert_allclose(gradients[0], gradients[1], rtol=1e-6)
    np.testing.assert_allclose(np.sort(samples[1]), [[0, 0, 1]], atol=1e-6)
    # Softmax by hand: dL/dlogit_i = s_i (d_i - sum_j s_j d_j) / temperature.
    s, d = samples[0], np.asarray(direction)
    np.testing.assert_allclose(gradients[0], s * (d - (s * d).sum()) / temperature, rtol=1e-5)


def test_padding_has_no_gradient_that_is_not_a_number() -> None:
    logits = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        total = tf.reduce_sum(gumbel_softmax(logits, 0.0, 2.0, hard=False) ** 2)
    gradient = np.asarray(tape.gradient(total, logits))
    assert np.isfinite(gradient[0]).all()
    assert np.isfinite(gradient[1, :2]).all()


def test_row_softmax_is_softmax_with_its_gradient() -> None:
    logits = tf.constant([[1.0, -2.0, 0.5], [1000.0, 999.0, -np.inf]])
    direction = tf.constant([[1.0, 2.0, -1.0], [3.0, -1.0, 5.0]])
    found = []
    for function in (row_softmax, tf.nn.softmax):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            y = function(logits)
            total = tf.reduce_sum(y * direction)
        found.append((y, tape.gradient(total, logits)))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)
