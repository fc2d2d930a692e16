"""Squeeze-and-excite against a sum over widths and ratios in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.masks import BlockMasks
from fbnetv2_tf.rounding import se_channels
from fbnetv2_tf.squeeze_excite import MaskedSqueezeExcite

from .numpy_network import act

X = np.random.default_rng(0).normal(size=(3, 4, 4, 16)).astype(np.float32)


def made(ratios: tuple[float, ...], activations: tuple[str, ...] = ("re",)) -> Any:
    layer = MaskedSqueezeExcite(se_channels(16, max(ratios)), ratios, activations)
    layer.build(X.shape)
    random = np.random.default_rng(1)
    layer.set_weights([random.normal(0, 0.5, w.shape) for w in layer.get_weights()])
    return layer


def gate(layer: Any, hidden: int, squeezed: int, name: str = "re") -> np.ndarray:
    """The gate (batch, hidden) of one child."""
    reduce, reduce_bias, expand, expand_bias = layer.get_weights()
    z = X.mean((1, 2))[:, :hidden]
    z = act(name, z @ reduce[:hidden, :squeezed] + reduce_bias[:squeezed])
    return np.clip(z @ expand[:squeezed, :hidden] + expand_bias[:hidden] + 3, 0, 6) / 6


def test_fixed() -> None:
    layer = made((1.0,), ("hs",))
    y = layer(X, masks=BlockMasks())
    expected = X * gate(layer, 16, 16, "hs")[:, None, None]
    np.testing.assert_allclose(y, expected, atol=1e-5)


@pytest.mark.parametrize(("place", "squeezed"), [(0, None), (1, 8), (2, 16)])
def test_one_hot_ratio(place: int, squeezed: int | None) -> None:
    layer = made((0.0, 0.5, 1.0))
    reaches = (np.arange(16) < (squeezed or 0)).astype(np.float32)
    masks = BlockMasks(squeezed=tf.constant(reaches), excitation=tf.constant(float(place > 0)))
    y = layer(X, masks=masks)
    expected = X if squeezed is None else X * gate(layer, 16, squeezed)[:, None, None]
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_one_hot_hidden_width_reads_its_own_channels() -> None:
    layer = made((1.0,))
    first_half = tf.constant(np.repeat([1.0, 0.0], 8).astype(np.float32))
    y = layer(X, masks=BlockMasks(hidden=first_half[:, None], squeezed=first_half))
    expected = X[..., :8] * gate(layer, 8, 8)[:, None, None]
    np.testing.assert_allclose(y[..., :8], expected, atol=1e-5)


def test_the_gate_is_one_with_the_probability_of_none() -> None:
    layer = made((0.25, 0.0))
    y = layer(X, masks=BlockMasks(excitation=tf.constant(0.3)))
    expected = X * (0.7 + 0.3 * gate(layer, 16, 8))[:, None, None]
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_biases_start_at_zero() -> None:
    layer = MaskedSqueezeExcite(8, (0.5,), ("re",))
    layer.build(X.shape)
    assert not np.any(layer.get_weights()[1])
    assert not np.any(layer.get_weights()[3])


def test_config_comes_back() -> None:
    layer = MaskedSqueezeExcite(8, (0.0, 0.25), ("re", "hs"), name="se")
    again = MaskedSqueezeExcite.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert (again.squeezed_channels, again.ratios, again.activations) == (
        8,
        (0.0, 0.25),
        ("re", "hs"),
    )
