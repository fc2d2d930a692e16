"""A network before its training, for its size and its latency: random weights, real statistics.

Without the statistics of images the maps of a fresh network shrink from layer to layer to scales
that no trained network has, and that LiteRT's delegate refuses to add.
"""

from __future__ import annotations

from typing import Any

import keras
from numpy.typing import NDArray

from fbnetv2_tf.architecture import Architecture

from .model import build_model

UNTRAINED_TOLERANCES = {"int8": 1.0, "weights": 0.5}
"""For `export_tflite`, where they are not the form's own: the logits of random weights are the
noise of all layers, in which the roundings of int8 are half of the spread."""


def untrained_model(architecture: Architecture | str, images: NDArray[Any]) -> Any:
    """A model with random weights and the BatchNorm statistics of images.

    Args:
        architecture: as `build_model` takes it.
        images: (images, height, width, channels), of the architecture's shape.
    """
    model = build_model(architecture, zero_init_residual=False)
    set_statistics(model, images)
    return model


def set_statistics(model: Any, images: NDArray[Any]) -> None:
    """Sets every BatchNorm's moving statistics to those of one batch of images."""
    norms = [each for each in model.layers if isinstance(each, keras.layers.BatchNormalization)]
    kept = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    model(images, training=True)
    for norm, momentum in zip(norms, kept, strict=True):
        norm.momentum = momentum
