"""Instantiated candidates: a sum over types, each with weights of its own."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.architecture import Block
from fbnetv2_tf.choices_layout import searched
from fbnetv2_tf.errors import SpaceError
from fbnetv2_tf.instantiated import InstantiatedInvertedResidual, block_layers
from fbnetv2_tf.masked_blocks import KINDS

from .supernets import random_weights, shared_net
from .test_masked_block import X, space_block

TEXT = "ir/sk_k3/5_s1_e1/2_c8/16_se0/0.5_nre"
WEIGHTS = {
    "input": tf.constant([0.25, 0.75]),
    "channels": tf.constant([0.4, 0.6]),
    "expansion": tf.constant([0.5, 0.5]),
    "kind": tf.constant([0.7, 0.3]),
    "kernel": tf.constant([0.2, 0.8]),
    "se": tf.constant([0.1, 0.9]),
}


@cache
def made(text: str = TEXT) -> InstantiatedInvertedResidual:
    layer = InstantiatedInvertedResidual(space_block(text), (8, 16))
    layer(X, masks=layer.masks(WEIGHTS, 6))
    return layer


def test_the_block_is_the_sum_of_its_candidates() -> None:
    layer = made()
    mask = np.repeat([1.0, 0.6], 8)
    places = list(itertools.product((0, 1), repeat=2))
    assert len(layer.candidates) == len(places)
    expected = np.zeros_like(X)
    for candidate, (k, s) in zip(layer.candidates, places, strict=True):
        p = float(WEIGHTS["kernel"][k] * WEIGHTS["se"][s])
        expected += 0.7 * p * mask * np.asarray(candidate(X, masks=candidate.masks(WEIGHTS, 6)))
    same = 0.25 * 0.4 + 0.75 * 0.6
    expected += same * X + 0.3 * (1 - same) * np.asarray(
        layer.skip(X, masks=layer.skip.masks(WEIGHTS, 6))
    )
    np.testing.assert_allclose(
        layer(X, masks=layer.masks(WEIGHTS, 6)), expected, rtol=1e-4, atol=1e-4
    )


def test_candidates_have_one_type_each_and_all_widths() -> None:
    layer = made()
    types = [(c.block.kernel, c.block.se, c.block.activation) for c in layer.candidates]
    assert len(set(types)) == 4
    for candidate in layer.candidates:
        assert candidate.block.kinds == ("ir",)
        assert candidate.block.expansion == (1.0, 2.0)
        assert candidate.block.channels == (8, 16)
        assert candidate.depthwise_conv.kernel_side == candidate.block.kernel[0]
        assert (candidate.se is None) == (candidate.block.se == (0.0,))


def test_a_child_inherits_from_its_own_candidate() -> None:
    layer = made()
    block = Block("ir", kernel=5, stride=1, expansion=2.0, channels=8, se=0.5, activation="re")
    candidate = layer.layer_for(block)
    assert candidate is layer.candidates[3]
    assert (candidate.block.kernel, candidate.block.se) == ((5,), (0.5,))


def test_one_type_is_one_candidate() -> None:
    layer = made("ds_k3_s1_c8/16_nre")
    assert len(layer.candidates) == 1
    path = KINDS["ds"](space_block("ds_k3_s1_c8/16_nre"), (8, 16))
    path(X, masks=path.masks(WEIGHTS, 6))
    path.set_weights(layer.get_weights())
    np.testing.assert_allclose(
        path(X, masks=path.masks(WEIGHTS, 6)), layer(X, masks=layer.masks(WEIGHTS, 6)), atol=1e-6
    )


def test_choices_costs_and_derivation_are_those_of_the_path() -> None:
    text = "in_hw7_c1 ir/sk_k1/3_s2_e1/2_c8_nre fc_c3"
    path, none = shared_net(text), shared_net(text, sharing="none")
    assert list(searched(path.space)) == [choice.name for choice in none.choices.choices]
    assert path.expected_cost() == none.expected_cost()
    assert path.derive(max_macs=8000) == none.derive(max_macs=8000)
    weights = random_weights(none)
    images = np.zeros((1, 7, 7, 1), np.float32)
    assert none.forward(images, weights).shape == path.forward(images, weights).shape


def test_unknown_sharing_is_refused() -> None:
    with pytest.raises(SpaceError, match="`sharing` must be one of path, none"):
        block_layers("some")
