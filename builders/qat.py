"""Quantisation-aware training: a trained network goes on training with int8's rounding in it.

The network is rebuilt as its tf_keras twin and wrapped by tensorflow-model-optimization; ranges
start from a pass in floating point (their defaults move too slowly to be of use in a short
training); the result is exported with exactly the ranges that it was trained with.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras
from numpy.typing import NDArray

from fbnetv2_tf.datasets import DataSplits
from fbnetv2_tf.errors import ExportError
from fbnetv2_tf.recipe import Recipe

from .qat_layers import (
    IMAGE_RANGE,
    body_layer,
    quantization_of,
    quantized_copy,
    weights_by_name,
)
from .qat_twin import decomposed_twin
from .tflite_convert import convert_trained_ranges
from .twin_training import train_twin
from .weights import copy_weights

QAT_RECIPE = Recipe(
    epochs=1, learning_rate=0.01, warmup_epochs=0.0, weight_decay=0.0, augment="flip"
)
"""One more epoch at a twentieth of the learning rate."""

SMALLEST_RANGE = 1e-3


Ranges = dict[str, tuple[float, float]]
"""The smallest and largest value of each rounded map, by the name of the layer that gives it."""


class QuantizedNetwork:
    """A network that computes with int8's rounding and can be trained.

    Args:
        model: the trained Keras model.
        calibration: images (images, height, width, channels) float32, for the first ranges.
        ranges: the ranges themselves, as `ranges()` returned them; instead of images.

    Raises:
        ExportError: the model has a layer whose rounding is not known (a swish), or there are
            neither images nor ranges that fit it.

    Attributes:
        model: the tf_keras model that is trained.
    """

    def __init__(
        self,
        model: Any,
        *,
        calibration: NDArray[np.float32] | None = None,
        ranges: Ranges | None = None,
    ) -> None:
        if ranges is None and (calibration is None or not len(calibration)):
            raise ExportError("`calibration` must have at least one image. Received: none.")
        self._twin = decomposed_twin(model)
        self.model = quantized_copy(self._twin)
        self._set_ranges(ranges if calibration is None else self._measured(calibration))
        self._set_kernel_ranges()

    def train(self, data: DataSplits, recipe: Recipe = QAT_RECIPE) -> list[dict[str, float]]:
        """Trains by plain SGD; returns `loss` and `accuracy` of each epoch."""
        history = train_twin(self.model, data, recipe)
        self._set_kernel_ranges()
        return history

    def logits(self, images: NDArray[np.float32], batch_size: int = 250) -> NDArray[np.float32]:
        """What the int8 file will answer, but for the last bit of its kernels."""
        starts = range(0, len(images), batch_size)
        batches = [self.model(images[at : at + batch_size], training=False) for at in starts]
        return np.concatenate(batches)

    def give_weights(self, model: Any) -> None:
        """Gives a Keras model of the same architecture the weights that training came to."""
        for layer in self._twin.layers:
            values = weights_by_name(body_layer(self.model, layer.name))
            layer.set_weights([values[name].numpy() for name in weights_by_name(layer)])
        copy_weights(self._twin, model)

    def content(self, image_type: str = "int8") -> bytes:
        """The bytes of the int8 file, in the ranges as they are now; nothing is written.

        Args:
            image_type: of the file's input: `int8`, `uint8` or `float32`.

        Raises:
            ExportError: where the converter refuses.
        """
        with tempfile.TemporaryDirectory() as folder:
            return convert_trained_ranges(self.model, Path(folder), image_type)

    def ranges(self) -> Ranges:
        """The ranges as they are now: with the trained weights they are the whole result."""
        return {
            name: (float(low), float(high)) for name, (low, high) in self._range_variables().items()
        }

    def _measured(self, images: NDArray[np.float32]) -> Ranges:
        names = [name for name in self._range_variables() if name != IMAGE_RANGE]
        probe = tf_keras.Model(
            self._twin.input, [self._twin.get_layer(name).output for name in names]
        )
        lows, highs = np.zeros(len(names)), np.full(len(names), SMALLEST_RANGE)
        for at in range(0, len(images), 250):
            maps = probe(images[at : at + 250], training=False)
            lows = np.minimum(lows, [float(tf.reduce_min(one)) for one in maps])
            highs = np.maximum(highs, [float(tf.reduce_max(one)) for one in maps])
        pixels = (min(0.0, float(images.min())), max(SMALLEST_RANGE, float(images.max())))
        return {IMAGE_RANGE: pixels, **dict(zip(names, zip(lows, highs, strict=True), strict=True))}

    def _set_ranges(self, ranges: Any) -> None:
        variables = self._range_variables()
        if ranges.keys() != variables.keys():
            odd = sorted(ranges.keys() ^ variables.keys())
            raise ExportError(
                f"`ranges` must have one of each of the model's {len(variables)} rounded maps. "
                f"Received: {len(ranges)}, which differ in {odd[0]!r}."
            )
        for name, ends in ranges.items():
            for variable, end in zip(variables[name], ends, strict=True):
                variable.assign(end)

    def _range_variables(self) -> dict[str, tuple[Any, Any]]:
        image = weights_by_name(self.model.get_layer(IMAGE_RANGE))
        found = {IMAGE_RANGE: (image[f"{IMAGE_RANGE}_min"], image[f"{IMAGE_RANGE}_max"])}
        for layer in self._twin.layers:
            if quantization_of(layer).output == "measured":
                variables = weights_by_name(body_layer(self.model, layer.name))
                found[layer.name] = (variables["output_min"], variables["output_max"])
        return found

    def _set_kernel_ranges(self) -> None:
        """The ranges of the kernels as they are now; training leaves those of one step before."""
        for layer in self._twin.layers:
            what = quantization_of(layer)
            if what.kernel is None:
                continue
            variables = weights_by_name(body_layer(self.model, layer.name))
            axes = (0, 1, 2) if what.per_channel else None
            largest = np.abs(variables[what.kernel].numpy()).max(axis=axes) + 1e-12
            variables[f"{what.kernel}_min"].assign(-largest)
            variables[f"{what.kernel}_max"].assign(largest)
