"""The form that trains faster is the same network: logits, gradients, statistics, weights."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.training_form import training_form
from fbnetv2_tf.training_layers import FusedBatchNorm, HardSwish

from .networks import SMALL, images_for, moved_network


def gradients(model: Any, images: Any) -> list[Any]:
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(tf.cast(model(images, training=True), tf.float32)))
    return [tf.convert_to_tensor(g) for g in tape.gradient(loss, model.trainable_variables)]


def test_it_has_the_faster_layers() -> None:
    fast = training_form(moved_network(SMALL))
    kinds = {type(layer) for layer in fast.layers}
    assert {FusedBatchNorm, HardSwish} <= kinds
    assert keras.layers.BatchNormalization not in kinds


def test_inference_training_gradients_and_statistics_are_the_same() -> None:
    model = moved_network(SMALL)
    fast = training_form(model)
    images = images_for(model, 16)
    close = {"rtol": 1e-4, "atol": 1e-6}
    np.testing.assert_allclose(fast(images), model(images), **close)
    for ours, theirs in zip(gradients(fast, images), gradients(model, images), strict=True):
        np.testing.assert_allclose(ours, theirs, **close)
    # The forward passes in training have moved the statistics of both.
    for ours, theirs in zip(fast.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, **close)
    assert not np.allclose(fast.get_weights()[3], moved_network(SMALL).get_weights()[3])


def test_it_starts_with_the_models_weights_and_shares_none() -> None:
    model = moved_network(SMALL)
    fast = training_form(model)
    names = [variable.path.split("/")[-2:] for variable in fast.variables]
    assert names == [variable.path.split("/")[-2:] for variable in model.variables]
    fast.set_weights([weight + 1 for weight in fast.get_weights()])
    np.testing.assert_array_equal(model.get_weights()[0], moved_network(SMALL).get_weights()[0])


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_a_mixed_policy_stays_and_statistics_stay_float32(policy: str) -> None:
    model = moved_network(SMALL, dtype=policy)
    fast = training_form(model)
    images = images_for(model, 16)
    np.testing.assert_allclose(fast(images), model(images), atol=0.05)
    assert fast.layers[2].compute_dtype == policy.removeprefix("mixed_")
    assert all(np.isfinite(g).all() for g in gradients(fast, images))
    assert {variable.dtype for variable in fast.variables} == {"float32"}


def test_batch_norms_of_another_form_stay_as_they_are() -> None:
    image = keras.Input((4, 4, 2))
    x = keras.layers.BatchNormalization(axis=1)(image)
    x = keras.layers.BatchNormalization(center=False)(x)
    x = keras.layers.BatchNormalization()(keras.layers.Flatten()(x))
    fast = training_form(keras.Model(image, x))
    assert not any(isinstance(layer, FusedBatchNorm) for layer in fast.layers)
