"""Masks on kernels against masks on maps, and cut kernels against small ones."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.convolutions import MaskedConv2D, MaskedDepthwiseConv2D
from fbnetv2_tf.masks import kernel_steps
from fbnetv2_tf.rounding import kernel_start

RANDOM = np.random.default_rng(0)


def image(side: int) -> np.ndarray:
    return RANDOM.normal(size=(2, side, side, 4)).astype(np.float32)


def test_an_input_mask_is_a_mask_of_the_map() -> None:
    layer, x = MaskedConv2D(6, kernel=3), image(5)
    mask = np.array([1.0, 0.5, 0.2, 0.0], np.float32)
    np.testing.assert_allclose(layer(x, input_mask=mask[:, None]), layer(x * mask), atol=1e-5)


@pytest.mark.parametrize("side", [7, 8])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_a_masked_kernel_is_the_small_kernel(kernel: int, stride: int, side: int) -> None:
    x = image(side)
    steps = kernel_steps((1, 3, 5), side, stride)
    mask = (steps <= (1, 3, 5).index(kernel)).astype(np.float32)[:, :, None, None]
    start = kernel_start(kernel, 5, side, stride)
    cut = slice(start, start + kernel)
    options = {"strides": stride, "padding": "same", "use_bias": False}

    layer = MaskedConv2D(6, kernel=5, stride=stride)
    small = keras.layers.Conv2D(6, kernel, **options)
    y = layer(x, kernel_mask=mask)
    small.build(x.shape)
    small.set_weights([layer.get_weights()[0][cut, cut]])
    np.testing.assert_allclose(y, small(x), atol=1e-5)

    layer = MaskedDepthwiseConv2D(kernel=5, stride=stride)
    small = keras.layers.DepthwiseConv2D(kernel, **options)
    y = layer(x, kernel_mask=mask)
    small.build(x.shape)
    small.set_weights([layer.get_weights()[0][cut, cut]])
    np.testing.assert_allclose(y, small(x), atol=1e-5)


def test_kernels_are_he_normal_by_fan_out() -> None:
    keras.utils.set_random_seed(0)
    layer = MaskedConv2D(64, kernel=3)
    layer.build((None, 8, 8, 64))
    assert np.std(layer.get_weights()[0]) == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.02)
    layer = MaskedDepthwiseConv2D(kernel=5)
    layer.build((None, 8, 8, 512))
    assert np.std(layer.get_weights()[0]) == pytest.approx((2 / 25) ** 0.5, rel=0.02)


@pytest.mark.parametrize("layer", [MaskedConv2D(6), MaskedDepthwiseConv2D(3)], ids=["conv", "dw"])
def test_masks_are_float32_under_a_mixed_policy(layer: keras.layers.Layer) -> None:
    config = {**layer.get_config(), "dtype": "mixed_bfloat16", "name": "mixed"}
    mixed = type(layer).from_config(config)
    argument, shape = (
        ("input_mask", (4, 1)) if "filters" in config else ("kernel_mask", (3, 3, 1, 1))
    )
    mask = tf.ones(shape)
    with tf.GradientTape() as tape:
        tape.watch(mask)
        y = mixed(image(5), **{argument: mask})
        total = tf.reduce_sum(tf.cast(y, tf.float32))
    assert y.dtype == "bfloat16"
    assert mixed.kernel.dtype == "float32"
    assert tape.gradient(total, mask).dtype == "float32"


def test_configs_come_back() -> None:
    conv = MaskedConv2D.from_config(MaskedConv2D(6, kernel=3, stride=2, name="conv").get_config())
    assert (conv.filters, conv.kernel_side, conv.stride, conv.name) == (6, 3, 2, "conv")
    depthwise = MaskedDepthwiseConv2D.from_config(MaskedDepthwiseConv2D(5, stride=2).get_config())
    assert (depthwise.kernel_side, depthwise.stride) == (5, 2)
