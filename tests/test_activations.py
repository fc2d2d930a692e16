"""Mixed activations against their definitions, and their written-out gradient against Keras's."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.activations import mixed_activation

from .numpy_network import act

NAMES = ("re", "r6", "hs", "sw")
KERAS = dict(zip(NAMES, ("relu", "relu6", "hard_silu", "silu"), strict=True))
X = np.linspace(-8.0, 9.0, 61, dtype=np.float32).reshape(1, 61)
"""From below -3 to above 6, and on none of the kinks."""


@pytest.mark.parametrize("name", NAMES)
def test_one_activation(name: str) -> None:
    np.testing.assert_allclose(mixed_activation(X, [name], None), act(name, X), atol=1e-6)


@pytest.mark.parametrize("names", [("re", "hs"), ("sw", "r6", "re"), NAMES], ids="/".join)
def test_weighted_sum(names: tuple[str, ...]) -> None:
    weights = np.linspace(0.1, 0.6, len(names), dtype=np.float32)
    expected = sum(w * act(name, X) for w, name in zip(weights, names, strict=True))
    np.testing.assert_allclose(mixed_activation(X, names, weights), expected, atol=2e-6)


@pytest.mark.parametrize("names", [(name,) for name in NAMES] + [NAMES], ids="/".join)
def test_gradient_is_that_of_the_sum_of_keras_activations(names: tuple[str, ...]) -> None:
    x, weights = tf.constant(X), tf.constant([0.1, 0.2, 0.3, 0.4][: len(names)])
    direction = np.random.default_rng(0).normal(size=X.shape).astype(np.float32)
    with tf.GradientTape() as tape:
        tape.watch([x, weights])
        ours = tf.reduce_sum(mixed_activation(x, names, weights) * direction)
    dx, dw = tape.gradient(ours, [x, weights])
    with tf.GradientTape() as tape:
        tape.watch([x, weights])
        scale = tf.unstack(weights) if len(names) > 1 else [1.0]
        terms = [
            w * keras.activations.get(KERAS[name])(x) for w, name in zip(scale, names, strict=True)
        ]
        theirs = tf.reduce_sum(tf.add_n(terms) * direction)
    expected_dx, expected_dw = tape.gradient(theirs, [x, weights])
    np.testing.assert_allclose(dx, expected_dx, rtol=1e-5, atol=1e-5)
    if len(names) > 1:
        np.testing.assert_allclose(dw, expected_dw, rtol=1e-5, atol=1e-5)
    else:
        assert dw is None


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_dtype_of_the_map_is_kept_and_weights_learn_in_float32(dtype: str) -> None:
    x, weights = tf.cast(X, dtype), tf.constant([0.25, 0.75])
    with tf.GradientTape() as tape:
        tape.watch([x, weights])
        y = mixed_activation(x, ("re", "hs"), weights)
    dx, dw = tape.gradient(y, [x, weights])
    assert (y.dtype, dx.dtype, dw.dtype) == (dtype, dtype, "float32")
    expected = 0.25 * act("re", X) + 0.75 * act("hs", X)
    np.testing.assert_allclose(tf.cast(y, "float32"), expected, rtol=0.02, atol=0.05)
