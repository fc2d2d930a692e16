"""What all blocks share, and the plain convolution."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.masked_block import MaskedBlock, MaskedConvolution
from fbnetv2_tf.masked_blocks import KINDS
from fbnetv2_tf.space import SpaceBlock, parse_space

X = np.random.default_rng(0).normal(size=(2, 6, 6, 16)).astype(np.float32)
KINDS_IN_TEXT = (
    "cn_k3/5_s2_c8/16_nre/hs",
    "ds_k3_s1_c16_se0.25_nre",
    "ir/sk_k3/5_s1_e1/2_c8/16_se0/0.5_nre/hs",
    "sk_s1_c8/16_nhs",
)
HEADS_IN_TEXT = ("ip_e2/3_c16/24_nhs", "pl", "fc_c3")


def space_block(text: str) -> SpaceBlock:
    """The alternatives of a block from its text."""
    if text.startswith("fc"):
        return parse_space(f"in_hw8_c3 {text}").blocks[1]
    return parse_space(f"in_hw8_c3 {text} fc_c2").blocks[1]


def test_a_block_without_a_width_passes_its_inputs_on() -> None:
    block = MaskedBlock(space_block("pl"), (8, 16))
    assert block.output_channels == (8, 16)


@pytest.mark.parametrize(
    ("text", "channels", "keeps"),
    [
        ("ir_k3_s1_e2_c8_nre", (8,), True),
        ("ir_k3_s2_e2_c8_nre", (8,), False),
        ("ir_k3_s1_e2_c8_nre", (16,), False),
        ("ir_k3_s1_e2_c8/16_nre", (8, 16), False),
    ],
    ids=["same width", "stride", "other width", "searched width"],
)
def test_keeps_shape(text: str, channels: tuple[int, ...], keeps: bool) -> None:
    assert MaskedBlock(space_block(text), channels).keeps_shape is keeps


@pytest.mark.parametrize("text", KINDS_IN_TEXT + HEADS_IN_TEXT)
def test_every_kind_comes_back_from_its_config(text: str) -> None:
    block = space_block(text)
    layer = KINDS[block.kind](block, (8, 16), name="b01")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer)
    assert (again.block, again.input_channels, again.name) == (block, (8, 16), "b01")


def test_a_convolution_is_zero_beyond_its_width() -> None:
    layer = MaskedConvolution(space_block("cn_k3/5_s1_c8/16_nre/hs"), (16,))
    weights = {"kernel": tf.constant([0.5, 0.5]), "activation": tf.constant([0.5, 0.5])}
    masks = layer.masks({**weights, "channels": tf.constant([1.0, 0.0])}, 6)
    y = layer(X, masks=masks, training=True)
    assert np.abs(y[..., :8]).max() > 0.1
    np.testing.assert_array_equal(y[..., 8:], 0.0)


def test_a_convolution_is_that_of_keras_with_its_weights() -> None:
    layer = MaskedConvolution(space_block("cn_k3_s2_c16_nhs"), (16,))
    y = layer(X, masks=layer.masks({}, 6))
    conv = keras.layers.Conv2D(16, 3, 2, padding="same", use_bias=False)
    conv.build(X.shape)
    conv.set_weights(layer.conv.get_weights())
    expected = keras.activations.hard_silu(conv(X) / (1 + 1e-5) ** 0.5)
    np.testing.assert_allclose(y, expected, atol=1e-5)
