"""The tf_keras twin computes what the Keras 3 model computes, and weights move both ways."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tf_keras
from hypothesis import given, settings

from fbnetv2_tf.architecture import Architecture
from fbnetv2_tf.builders.model import build_model
from fbnetv2_tf.builders.twin import build_twin
from fbnetv2_tf.builders.weights import copy_weights
from tests.numpy_network import randomize
from tests.strategies import architectures


def relative(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(np.asarray(a) - np.asarray(b)).max() / np.abs(np.asarray(b)).max())


@settings(max_examples=5)
@given(architectures(max_blocks=3))
def test_the_same_layers_weights_and_logits(architecture: Architecture) -> None:
    model, twin = build_model(architecture), build_twin(architecture)
    assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
    assert [tuple(w.shape) for w in twin.weights] == [tuple(w.shape) for w in model.weights]
    randomize(model)
    copy_weights(model, twin)
    shape = (2, architecture.side, architecture.side, architecture.input_channels)
    images = np.random.default_rng(0).normal(size=shape).astype("float32")
    assert relative(twin(images), model(images)) < 1e-5
    # And back, with the weights of a twin that has been changed.
    twin.set_weights([np.asarray(weight) * 1.01 for weight in twin.get_weights()])
    copy_weights(twin, model)
    assert relative(model(images), twin(images)) < 1e-5


@pytest.mark.parametrize(
    "options",
    [
        {"hard_swish": "decomposed", "padding": "symmetric"},
        {"normalize": "imagenet", "features": True, "input_size": (None, None)},
        {"dropout": 0.3, "stochastic_depth": 0.3, "include_top": False},
    ],
    ids=["decomposed", "features", "training"],
)
def test_the_same_options(options: dict[str, object]) -> None:
    text = "in_hw8_c3 cn_k3_s2_c8_nhs ir_k5_s1_e2_c8_se0.25_nsw ir_k3_s2_e2_c16_nr6 fc_c4"
    model, twin = build_model(text, **options), build_twin(text, **options)
    randomize(model)
    copy_weights(model, twin)
    images = np.random.default_rng(0).uniform(0, 255, size=(2, 8, 8, 3)).astype("float32")
    ours, theirs = model(images), twin(images)
    for a, b in zip(*(x if isinstance(x, list) else [x] for x in (ours, theirs)), strict=True):
        assert relative(b, a) < 1e-5


def test_a_twin_is_of_the_older_keras_and_saves(tmp_path: Path) -> None:
    twin = build_twin("in_hw8_c3 cn_k3_s2_c8_nhs ir_k3_s1_e2_c8_se0.25_nhs fc_c4")
    assert isinstance(twin, tf_keras.Model)
    path = str(tmp_path / "twin.keras")
    twin.save(path)
    again = tf_keras.models.load_model(path)
    images = np.ones((1, 8, 8, 3), "float32")
    np.testing.assert_array_equal(again(images), twin(images))


def test_a_twin_trains() -> None:
    twin = build_twin("in_hw8_c3 cn_k3_s2_c8_nhs ir_k3_s1_e2_c8_se0.25_nsw fc_c4")
    twin.compile("sgd", tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    images = np.random.default_rng(0).normal(size=(16, 8, 8, 3)).astype("float32")
    labels = np.arange(16) % 4
    losses = [twin.train_on_batch(images, labels) for _ in range(8)]
    assert losses[-1] < losses[0]
