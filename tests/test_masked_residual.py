"""Branches, residuals and skips at soft weights, against the sum that they stand for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.architecture import Block
from fbnetv2_tf.masked_residual import MaskedInvertedResidual, MaskedSkip, residual

from .test_masked_block import X, space_block

CHANNELS = (8, 16)
WEIGHTS = {
    "input": tf.constant([0.25, 0.75]),
    "channels": tf.constant([0.4, 0.6]),
    "kind": tf.constant([0.7, 0.3]),
}
SAME = 0.25 * 0.4 + 0.75 * 0.6
MASK = np.repeat([1.0, 0.6], 8)


def made(
    text: str, channels: tuple[int, ...] = CHANNELS, kind: Any = MaskedInvertedResidual
) -> Any:
    layer = kind(space_block(text), channels)
    layer(X[..., : max(channels)], masks=layer.masks(WEIGHTS, 6))
    random = np.random.default_rng(1)
    layer.set_weights([random.uniform(0.2, 1.0, w.shape) for w in layer.get_weights()])
    return layer


def test_a_searched_block_is_branch_residual_and_skip_by_their_probabilities() -> None:
    layer = made("ir/sk_k3_s1_e1_c8/16_nre")
    branch = layer.branch(X, masks=layer.branch.masks(WEIGHTS, 6))
    skip = layer.skip(X, masks=layer.skip.masks(WEIGHTS, 6))
    expected = 0.7 * MASK * branch + SAME * X + 0.3 * (1 - SAME) * skip
    np.testing.assert_allclose(
        layer(X, masks=layer.masks(WEIGHTS, 6)), expected, rtol=1e-4, atol=1e-4
    )


def test_with_a_stride_there_is_no_residual() -> None:
    layer = made("ir/sk_k3_s2_e1_c8/16_nre")
    expected = 0.7 * MASK * layer.branch(X, masks=layer.branch.masks(WEIGHTS, 6))
    expected += 0.3 * np.asarray(layer.skip(X, masks=layer.skip.masks(WEIGHTS, 6)))
    np.testing.assert_allclose(
        layer(X, masks=layer.masks(WEIGHTS, 6)), expected, rtol=1e-4, atol=1e-4
    )


def test_without_alternatives_it_is_the_plain_block() -> None:
    layer = made("ds_k3_s1_c16_nre", channels=(16,))
    expected = layer.branch(X, masks=layer.branch.masks({}, 6)) + X
    np.testing.assert_allclose(layer(X, masks=layer.masks({}, 6)), expected, rtol=1e-6)
    assert layer.skip is None


def test_a_skip_that_never_changes_shape_has_no_convolution() -> None:
    layer = made("ir/sk_k3_s1_e1_c16_nre", channels=(16,))
    assert layer.skip is None
    absent = {"kind": tf.constant([0.0, 1.0])}
    np.testing.assert_allclose(layer(X, masks=layer.masks(absent, 6), training=True), X, atol=1e-6)


def test_a_skip_of_its_own() -> None:
    layer = made("sk_s1_c8/16_nhs", kind=MaskedSkip)
    expected = (1 - SAME) * layer.skip(X, masks=layer.skip.masks(WEIGHTS, 6)) + SAME * X
    np.testing.assert_allclose(
        layer(X, masks=layer.masks(WEIGHTS, 6)), expected, rtol=1e-5, atol=1e-5
    )


def test_a_skip_of_its_own_where_widths_never_agree() -> None:
    layer = made("sk_s1_c24_nhs", kind=MaskedSkip)
    np.testing.assert_array_equal(
        layer(X, masks=layer.masks(WEIGHTS, 6)), layer.skip(X, masks=layer.skip.masks(WEIGHTS, 6))
    )


def test_a_skip_of_its_own_that_is_the_identity() -> None:
    layer = MaskedSkip(space_block("sk_s1_c16_nhs"), (16,))
    np.testing.assert_array_equal(layer(X, masks=layer.masks({}, 6)), X)


@pytest.mark.parametrize("width", [12, 16, 20])
def test_a_residual_is_cut_or_padded_to_the_width(width: int) -> None:
    layer = MaskedInvertedResidual(space_block(f"ir_k3_s1_e1_c8/{width}_nre"), CHANNELS)
    [(added, probability)] = residual(layer, tf.constant(X), tf.constant(0.5))
    assert added.shape == (*X.shape[:3], width)
    assert float(probability) == 0.5
    common = min(width, 16)
    np.testing.assert_array_equal(added[..., :common], X[..., :common])
    np.testing.assert_array_equal(added[..., common:], 0.0)


def test_the_last_gamma_starts_at_zero_only_where_there_always_is_a_residual() -> None:
    texts = {
        "ir_k3_s1_e1_c16_nre": "zeros",
        "ir/sk_k3_s1_e1_c16_nre": "ones",
        "ir_k3_s1_e1_c8/16_nre": "ones",
        "ir_k3_s2_e1_c16_nre": "ones",
    }
    for text, gamma in texts.items():
        branch = MaskedInvertedResidual(space_block(text), (16,)).branch
        assert branch.project_bn.gamma_initializer == gamma, text


def test_which_layer_a_child_inherits_from() -> None:
    layer = made("ir/sk_k3_s1_e1_c8/16_nre")
    present = Block("ir", kernel=3, stride=1, expansion=1.0, channels=8, se=0.0, activation="re")
    absent = Block("sk", stride=1, channels=8, activation="re")
    assert layer.layer_for(present) is layer.branch
    assert layer.layer_for(absent) is layer.skip
