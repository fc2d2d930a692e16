"""The .tflite files that `benchmarks.latency` and `benchmarks.int8_files` look at.

Of every network of the zoo and of Keras's own MobileNetV3 at 224 pixels, with random weights:
float32, int8 and kernels of one byte by `fb.export_tflite`, which proves each before it writes it;
and float32 and int8 by `TFLiteConverter.from_keras_model` with its documented settings. A file that
is there is not made again.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from fbnetv2_tf.atomic_files import write_bytes
from fbnetv2_tf.builders.tflite import export_tflite
from fbnetv2_tf.builders.untrained import (
    UNTRAINED_TOLERANCES,
    set_statistics,
    untrained_model,
)
from fbnetv2_tf.builders.zoo import zoo
from fbnetv2_tf.flags.quiet import quiet_start

CALIBRATION_IMAGES = 4
OURS = {"float32": "none", "int8": "int8", "weights": "weights"}
"""Form -> `quantization` of `export_tflite`."""
STOCK = ("float32", "int8")
FORMS = (*(f"ours {form}" for form in OURS), *(f"stock {form}" for form in STOCK))


def _of_keras(builder: Callable[..., Any]) -> Any:
    return builder(
        input_shape=(224, 224, 3),
        weights=None,
        classifier_activation=None,
        include_preprocessing=False,
    )


APPLICATIONS: dict[str, Callable[..., Any]] = {
    "keras_mobilenet_v3_small": keras.applications.MobileNetV3Small,
    "keras_mobilenet_v3_large": keras.applications.MobileNetV3Large,
}
NETWORKS = (*APPLICATIONS, *zoo)


def side(name: str) -> int:
    """Height and width of a network's image."""
    return 224 if name in APPLICATIONS else zoo[name].architecture.side


def images_for(name: str) -> NDArray[np.float32]:
    """Random images (4, side, side, 3) for calibration and proof."""
    shape = (CALIBRATION_IMAGES, side(name), side(name), 3)
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def files(name: str, folder: Path) -> dict[str, bytes]:
    """The files of a network by their forms, those that are missing made now.

    Args:
        name: one of `NETWORKS`.
        folder: where they are kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {form: folder / f"{name}_{form.replace(' ', '_')}.tflite" for form in FORMS}
    missing = {form: path for form, path in paths.items() if not path.exists()}
    if missing:
        with quiet_start(), redirect_stdout(io.StringIO()):  # the converter narrates to both
            _make(name, missing)
    return {form: path.read_bytes() for form, path in paths.items()}


def _make(name: str, paths: dict[str, Path]) -> None:
    keras.utils.set_random_seed(0)
    images = images_for(name)
    if name in APPLICATIONS:
        model = _of_keras(APPLICATIONS[name])
        set_statistics(model, images)
    else:
        model = untrained_model(name, images)
    for form, path in paths.items():
        maker, kind = form.split()
        if maker == "stock":
            write_bytes(path, _stock(model, images, kind == "int8"))
        else:
            export_tflite(
                model,
                path,
                quantization=OURS[kind],
                calibration=images,
                tolerance=UNTRAINED_TOLERANCES.get(kind),
            )


def _stock(model: Any, images: Any, is_int8: bool) -> bytes:
    """The converter's file, by the settings of its documentation."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if is_int8:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[np.newaxis]] for image in images)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())
