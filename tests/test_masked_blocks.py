"""The head, the mean and the classifier."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from fbnetv2_tf.masked_blocks import KINDS, Classifier, GlobalMean, MaskedHead
from fbnetv2_tf.masks import BlockMasks
from fbnetv2_tf.tokens import GRAMMAR

from .numpy_network import act
from .test_masked_block import X, space_block


def test_every_kind_but_the_input_has_a_layer() -> None:
    assert set(KINDS) == set(GRAMMAR) - {"in"}


def test_head_in_numpy() -> None:
    layer = MaskedHead(space_block("ip_e1/2_c8/16_nhs"), (8, 16))
    weights = {
        "input": tf.constant([1.0, 0.0]),
        "expansion": tf.constant([0.0, 1.0]),
        "channels": tf.constant([0.25, 0.75]),
    }
    x = X * (np.arange(16) < 8)
    y = np.asarray(layer(x, masks=layer.masks(weights, 6)))
    expand, project = layer.expand_conv.get_weights()[0], layer.project_conv.get_weights()[0]
    hidden = act("hs", x @ expand[0, 0] / np.sqrt(1 + 1e-5))[..., :16].mean((1, 2))
    expected = act("hs", hidden @ project[0, 0, :16]) * np.repeat([1.0, 0.75], 8)
    np.testing.assert_allclose(y[:, 0, 0], expected, atol=1e-5)


def test_mean() -> None:
    y = GlobalMean(space_block("pl"), (16,))(X, masks=BlockMasks())
    np.testing.assert_allclose(y, X.mean((1, 2), keepdims=True), atol=1e-6)


def test_classifier_gives_float32_logits() -> None:
    layer = Classifier(space_block("fc_c3"), (16,), dtype="mixed_bfloat16")
    y = layer(tf.cast(X, tf.bfloat16), masks=BlockMasks())
    assert (y.dtype, tuple(y.shape)) == ("float32", (2, 3))
    kernel, bias = layer.dense.get_weights()
    np.testing.assert_allclose(y, X.mean((1, 2)) @ kernel + bias, atol=0.05)
