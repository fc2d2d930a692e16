"""Weights move by layer names, all of them or none."""

from __future__ import annotations

import numpy as np
import pytest

from fbnetv2_tf.builders.model import build_model
from fbnetv2_tf.builders.weights import copy_weights
from fbnetv2_tf.errors import InputError
from tests.numpy_network import randomize

TEXT = "in_hw8_c3 cn_k3_s2_c8_nhs ir_k3_s1_e2_c8_se0.25_nre fc_c2"


def test_a_target_may_have_fewer_layers_and_other_options() -> None:
    source = build_model(TEXT)
    randomize(source)
    target = build_model(TEXT, include_top=False, padding="symmetric", dtype="mixed_bfloat16")
    copy_weights(source, target)
    for layer in target.layers:
        for given, taken in zip(
            source.get_layer(layer.name).get_weights() if layer.weights else [],
            layer.get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(given, taken)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            TEXT.replace("fc_c2", "fc_c3"),
            r"'b03_dense' with weights of shapes \[\(8, 3\), \(3,\)\]",
        ),
        (TEXT.replace("fc", "sk_s1_c16_nre fc"), "'b03_conv'.*Received: no such layer"),
    ],
)
def test_a_layer_without_a_counterpart_is_named_and_nothing_copied(text: str, message: str) -> None:
    source, target = build_model(TEXT), build_model(text)
    randomize(source)
    before = [np.array(weight) for weight in target.get_weights()]
    with pytest.raises(InputError, match=message):
        copy_weights(source, target)
    for was, now in zip(before, target.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)
