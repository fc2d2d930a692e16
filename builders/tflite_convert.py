"""Model to the bytes of a .tflite file: the converter's settings for each form."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.lite.python.convert_phase import ConverterError

from fbnetv2_tf.errors import ExportError

from .tflite_graph import SIGNATURE, write_saved_model
from .weight_only import with_int8_weights

QUANTIZATIONS = ("none", "float16", "weights", "int8", "qat")
"""`none`: float32. `float16`: weights of 2 bytes. `weights`: kernels of 1 byte, arithmetic in
float32. `int8`: every operator in whole numbers. `qat`: the same, in the ranges of a training."""

IMAGE_TYPES = ("float32", "int8", "uint8")


def convert(
    model: Any,
    *,
    quantization: str,
    calibration: NDArray[np.float32] | None = None,
    image_type: str = "float32",
) -> bytes:
    """Converts a model to the bytes of a .tflite file; nothing is written.

    Args:
        model: as `tflite_graph.deployable` returns it.
        quantization: one of `QUANTIZATIONS` but `qat`, which `convert_trained_ranges` is for.
        calibration: images (images, height, width, channels) by which `int8` finds its ranges.
        image_type: of the file's input, one of `IMAGE_TYPES`; the logits are int8 where it is not
            float32. Other than float32 only with `int8`.

    Raises:
        ExportError: where the converter refuses; the sentence has its reason.
    """
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "saved_model"
        with _quiet_tensorflow():
            write_saved_model(model, saved)
            converter = tf.lite.TFLiteConverter.from_saved_model(
                str(saved), signature_keys=[SIGNATURE]
            )
            if quantization == "float16":
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
                converter.target_spec.supported_types = [tf.float16]
            elif quantization == "int8":
                _set_int8(converter, calibration, image_type)
            content = _converted(converter, quantization)
    return with_int8_weights(content) if quantization == "weights" else content


def convert_trained_ranges(model: Any, folder: Path, image_type: str) -> bytes:
    """Converts a model that has its ranges within it, from quantisation-aware training.

    Args:
        model: a model with a fake quantisation of every tensor that an int8 file rounds.
        folder: for files on the way.
        image_type: of the file's input, one of `IMAGE_TYPES`.

    Raises:
        ExportError: where the converter refuses.
    """
    with _quiet_tensorflow():
        write_saved_model(model, folder)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            str(folder), signature_keys=[SIGNATURE]
        )
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        _set_border(converter, image_type)
        return _converted(converter, "qat")


def _converted(converter: Any, form: str) -> bytes:
    try:
        return bytes(converter.convert())
    except (ConverterError, RuntimeError, ValueError) as error:
        raise ExportError(f"The converter refuses the model as {form}: {_reason(error)}") from error


def _set_int8(converter: Any, calibration: Any, image_type: str) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[np.newaxis]] for image in calibration)
    # Without a float fallback: an operator that has no int8 form is an error, not a slow island.
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    _set_border(converter, image_type)


def _set_border(converter: Any, image_type: str) -> None:
    converter.inference_input_type = tf.as_dtype(image_type)
    converter.inference_output_type = tf.float32 if image_type == "float32" else tf.int8


@contextmanager
def _quiet_tensorflow() -> Iterator[None]:
    """Keeps TensorFlow's Python log to errors: conversion narrates its steps there."""
    logger = tf.get_logger()
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _reason(error: Exception) -> str:
    """The first lines of the converter's message that say something, as one sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "error:" in line or "ops:" in line] or lines
    return " ".join(telling)[:400].rstrip(".") + "."
