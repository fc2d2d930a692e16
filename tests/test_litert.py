"""Reading and running .tflite files, against NumPy and against figures worked by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from fbnetv2_tf.builders.litert import LiteModel, read_graph
from fbnetv2_tf.builders.tflite_convert import convert
from fbnetv2_tf.builders.tflite_graph import deployable
from fbnetv2_tf.errors import ExportError

from .networks import SMALL, images_for, moved_network

KERNEL = np.array([[0.5, -1.0], [0.25, 2.0], [1.0, 0.0], [-0.5, 0.75]], np.float32)


@pytest.fixture(scope="module")
def product() -> keras.Model:
    """Two by two pixels times a kernel, plus a bias: an answer that NumPy can check."""
    image = keras.Input((2, 2, 1))
    dense = keras.layers.Dense(2, bias_initializer="ones")
    model = keras.Model(image, dense(keras.layers.Flatten()(image)))
    dense.kernel.assign(KERNEL)
    return model


@pytest.fixture(scope="module")
def float_file(product: keras.Model) -> bytes:
    return convert(product, quantization="none")


@pytest.fixture(scope="module")
def int8_files() -> dict[str, bytes]:
    model = moved_network(SMALL)
    images = images_for(model, 32)
    files = {}
    for name, fused in (("fused", True), ("decomposed", False)):
        files[name] = convert(
            deployable(model, fused_hard_swish=fused),
            quantization="int8",
            calibration=images,
            image_type="uint8",
        )
    return files


def test_a_float_file_answers_what_numpy_does(float_file: bytes) -> None:
    file = LiteModel(float_file)
    images = np.random.default_rng(0).random((5, 2, 2, 1), np.float32)
    np.testing.assert_allclose(file.predict(images), images.reshape(5, 4) @ KERNEL + 1, rtol=1e-6)
    assert (file.input_shape, file.input_dtype, file.classes) == ((1, 2, 2, 1), "float32", 2)
    assert file.signatures == {"serve": {"inputs": ["image"], "outputs": ["logits"]}}


def test_the_graph_of_a_product_is_one_operator_of_eight_macs(float_file: bytes) -> None:
    graph = read_graph(float_file)
    assert graph.macs == 8
    assert graph.operator_counts["FULLY_CONNECTED"] == 1
    assert all(operator.touches_float for operator in graph.float_operators)


def test_macs_of_convolutions_by_hand() -> None:
    image = keras.Input((5, 5, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same")(image)
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
    graph = read_graph(convert(model, quantization="none"))
    by_name = {operator.name: operator for operator in graph.operators}
    assert by_name["CONV_2D"].macs == 3 * 3 * 8 * 3 * 3 * 3
    assert by_name["DEPTHWISE_CONV_2D"].macs == 3 * 3 * 8 * 3 * 3
    assert by_name["MEAN"].macs == 0
    assert by_name["CONV_2D"].output_shape == (1, 3, 3, 8)


def test_pixels_reach_a_uint8_file_as_they_are(int8_files: dict[str, bytes]) -> None:
    file = LiteModel(int8_files["decomposed"])
    pixels = np.arange(144, dtype=np.uint8).reshape(1, 12, 12, 1)
    np.testing.assert_array_equal(file.quantize(pixels / np.float32(255)), pixels)
    outside = np.full((1, 12, 12, 1), 7.0, np.float32)
    assert file.quantize(outside).max() == 255
    assert file.predict(outside).dtype == np.float32


def test_the_delegate_leaves_out_int8_hard_swish_and_takes_its_products(
    int8_files: dict[str, bytes],
) -> None:
    fused, decomposed = (LiteModel(int8_files[name]) for name in ("fused", "decomposed"))
    assert fused.pieces > 1
    assert "HARD_SWISH" in fused.undelegated_operators
    assert decomposed.pieces == 1
    # Only the casts of uint8 at the border are left outside.
    assert set(decomposed.undelegated_operators) <= {"QUANTIZE"}
    assert read_graph(int8_files["decomposed"]).float_operators == ()


def test_reference_kernels_agree_within_a_few_steps(int8_files: dict[str, bytes]) -> None:
    images = np.random.default_rng(2).random((16, 12, 12, 1), np.float32)
    fast = LiteModel(int8_files["decomposed"])
    slow = LiteModel(int8_files["decomposed"], reference_kernels=True)
    assert slow.pieces == 0
    raw = [file.predict_raw(file.quantize(images)).astype(int) for file in (fast, slow)]
    steps = np.abs(raw[0] - raw[1])
    assert steps.max() <= 16
    assert np.median(steps) <= 4


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04....", b"\x1c\0\0\0TFL2"])
def test_what_is_not_a_tflite_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(ExportError, match=r"model.tflite' is not a .tflite file.*b'TFL3'"):
        LiteModel.load(path)
    with pytest.raises(ExportError, match=r"is not a \.tflite file"):
        read_graph(content)


def test_a_truncated_file_is_refused(float_file: bytes) -> None:
    with pytest.raises(ExportError, match="half a file is refused by the LiteRT interpreter"):
        LiteModel(float_file[: len(float_file) // 2], name="half a file")


def test_images_of_another_shape_are_refused(float_file: bytes) -> None:
    with pytest.raises(ExportError, match=r"\(images, 2, 2, 1\). Received: \(3, 2, 2\)"):
        LiteModel(float_file).predict(np.zeros((3, 2, 2), np.float32))


def test_running_a_file_needs_no_tensorflow() -> None:
    code = "import sys, fbnetv2_tf.builders.litert; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent.parent)
