"""int8 files on microcontrollers: TFLM answers what LiteRT's reference kernels do, to one step."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from fbnetv2_tf.architecture import Architecture
from fbnetv2_tf.builders.litert import LiteModel, read_graph
from fbnetv2_tf.builders.tflite_convert import convert
from fbnetv2_tf.builders.tflite_graph import deployable

from .networks import SMALL, images_for, moved_network
from .strategies import architectures

runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime")


def steps_apart(architecture: Architecture | str, *, fused_hard_swish: bool) -> int:
    """The largest difference between the two runtimes' int8 logits, over eight images."""
    model = moved_network(architecture)
    content = convert(
        deployable(model, fused_hard_swish=fused_hard_swish),
        quantization="int8",
        calibration=images_for(model, 32),
        image_type="int8",
    )
    return _steps_between_runtimes(model, content)


def _steps_between_runtimes(model: Any, content: bytes) -> int:
    assert read_graph(content).float_operators == ()
    reference = LiteModel(content, reference_kernels=True)
    images = reference.quantize(images_for(model, 8, seed=2))
    expected = reference.predict_raw(images)
    return int(np.abs(_micro(content, images) - expected.astype(int)).max())


def _micro(content: bytes, images: NDArray[Any]) -> NDArray[np.int64]:
    interpreter = runtime.Interpreter.from_bytes(content)
    answers = []
    for number in range(len(images)):
        interpreter.set_input(images[number : number + 1], 0)
        interpreter.invoke()
        answers.append(interpreter.get_output(0)[0].astype(int))
    return np.array(answers)


@pytest.mark.parametrize("fused", [True, False])
def test_every_kind_of_block(fused: bool) -> None:
    assert steps_apart(SMALL, fused_hard_swish=fused) <= 1


@pytest.mark.skipif(
    find_spec("tensorflow_model_optimization") is None, reason="the extra 'qat' is not installed"
)
def test_a_network_trained_with_rounding() -> None:
    from fbnetv2_tf.builders.qat import QuantizedNetwork

    model = moved_network("in_hw8_c1 cn_k3_s2_c8_nhs ds_k3_s1_c8_se0.5_nhs fc_c3")
    content = QuantizedNetwork(model, calibration=images_for(model, 32)).content()
    assert LiteModel(content).pieces == 1
    assert _steps_between_runtimes(model, content) <= 1


@settings(max_examples=4)
@given(architectures(max_blocks=3))
def test_random_architectures(architecture: Architecture) -> None:
    assert steps_apart(architecture, fused_hard_swish=False) <= 1
