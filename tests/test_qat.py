"""Quantisation-aware training: the file computes what was trained, in whole numbers."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.counting import count
from fbnetv2_tf.errors import ExportError

from .networks import images_for, moved_network

if find_spec("tensorflow_model_optimization") is None:  # importing it here would set a variable
    pytest.skip("the extra 'qat' is not installed", allow_module_level=True)

from fbnetv2_tf.builders.qat import QuantizedNetwork
from fbnetv2_tf.builders.qat_layers import body_layer, weights_by_name
from fbnetv2_tf.builders.qat_twin import decomposed_twin
from fbnetv2_tf.builders.tflite import export_tflite
from fbnetv2_tf.builders.tflite_proof import keras_logits

NETWORK = "in_hw8_c1 cn_k3_s2_c8_nhs ds_k3_s1_c8_se0.5_nre fc_c3"


@pytest.fixture(scope="module")
def float_model() -> Any:
    return moved_network(NETWORK)


@pytest.fixture(scope="module")
def network(float_model: Any) -> QuantizedNetwork:
    return QuantizedNetwork(float_model, calibration=images_for(float_model, 48))


def test_it_starts_close_to_the_float_network(float_model: Any, network: QuantizedNetwork) -> None:
    images = images_for(float_model, 32, seed=2)
    expected = keras_logits(float_model, images)
    difference = np.sqrt(np.mean(np.square(network.logits(images) - expected)))
    assert 0 < difference < 0.1 * expected.std()


def test_ranges_are_those_of_the_float_network(float_model: Any, network: QuantizedNetwork) -> None:
    logits = keras_logits(float_model, images_for(float_model, 48))
    ranges = network.ranges()
    assert ranges["b03_dense"] == pytest.approx((logits.min(), logits.max()), rel=1e-4)
    # A gate has its range by construction, and what is fused has none.
    assert ranges.keys().isdisjoint(
        {"b02_se_gate", "b02_se_gate_shift", "b01_conv", "b01_act_shift"}
    )
    assert {"image_range", "b01_bn", "b01_act", "b02_add"} <= ranges.keys()
    shift = weights_by_name(body_layer(network.model, "b02_se_gate_shift"))
    assert "output_min" not in shift


def test_the_file_is_int8_in_one_piece_and_agrees(
    network: QuantizedNetwork, float_model: Any, tmp_path: Path
) -> None:
    images = images_for(float_model, 32, seed=3)
    report = export_tflite(
        float_model,
        tmp_path / "qat.tflite",
        quantization="qat",
        ranges=network.ranges(),
        proof_images=images,
        proof_labels=np.zeros(32, np.int64),
    )
    assert report.quantization == "qat"
    assert report.image_type == "int8"
    assert report.float_operators == 0
    assert report.delegate_pieces == 1
    assert report.macs == count(parse_architecture(NETWORK)).macs
    assert report.agreement.difference < 0.1


def test_weights_and_ranges_are_the_whole_result(
    network: QuantizedNetwork, float_model: Any
) -> None:
    images = images_for(float_model, 8, seed=4)
    network.give_weights(float_model)
    again = QuantizedNetwork(float_model, ranges=network.ranges())
    np.testing.assert_allclose(again.logits(images), network.logits(images), atol=1e-5)


def test_any_model_of_keras_layers_has_a_twin() -> None:
    image = keras.Input((6, 6, 2))
    x = keras.layers.Conv2D(4, 3, use_bias=False)(image)
    x = x * (keras.layers.ReLU(6.0)(x + 3.0) * (1.0 / 6.0))
    x = keras.layers.Activation("relu6")(keras.layers.ZeroPadding2D(1)(x))
    x = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, keras.layers.Activation("linear")(x))
    images = images_for(model, 4)
    np.testing.assert_allclose(
        decomposed_twin(model)(images), keras_logits(model, images), rtol=1e-5, atol=1e-5
    )


def test_what_cannot_be_trained_so_is_refused(float_model: Any, tmp_path: Path) -> None:
    swish = moved_network("in_hw4_c1 cn_k3_s1_c4_nsw fc_c2")
    with pytest.raises(ExportError, match=r"rounds the layer 'b01_act'.*Received: silu"):
        QuantizedNetwork(swish, calibration=np.zeros((1, 4, 4, 1)))
    with pytest.raises(ExportError, match="at least one image"):
        QuantizedNetwork(float_model, calibration=np.zeros((0, 8, 8, 1)))
    plain = moved_network("in_hw4_c1 fc_c2")
    with pytest.raises(ExportError, match=r"of the model's 3 rounded maps.*differ in 'b01_dense'"):
        QuantizedNetwork(plain, ranges={"image_range": (0.0, 1.0)})
    with pytest.raises(ExportError, match=r"fbnetv2-train --qat.*Received: None"):
        export_tflite(plain, tmp_path / "m.tflite", quantization="qat")


def test_the_environment_stays_as_it_was() -> None:
    assert "TF_USE_LEGACY_KERAS" not in os.environ
