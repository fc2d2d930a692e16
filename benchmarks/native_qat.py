"""Quantisation-aware training without a library: layers of Keras 3 that round as int8 does.

The contender of `builders/qat.py` in `benchmarks.int8`. What is rounded, and in which first ranges,
is the same there and here; only who does it differs.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from fbnetv2_tf.builders.qat import QuantizedNetwork
from fbnetv2_tf.builders.qat_layers import GATE_RANGE, IMAGE_RANGE, quantization_of
from fbnetv2_tf.builders.qat_twin import decomposed_twin
from fbnetv2_tf.builders.tflite_convert import convert_trained_ranges
from fbnetv2_tf.cross_entropy import with_one_hot_labels
from fbnetv2_tf.datasets import DataSplits
from fbnetv2_tf.recipe import Recipe

MOMENTUM = 0.99


class Rounding(keras.layers.Layer):
    """Rounds a map to 256 steps of a range, which follows what it sees where it is not fixed."""

    def __init__(self, low: float, high: float, is_fixed: bool, **options: Any) -> None:
        super().__init__(**options)
        self.ends = (low, high)
        self.is_fixed = is_fixed

    def build(self, shape: Any) -> None:
        low, high = (keras.initializers.Constant(end) for end in self.ends)
        self.low = self.add_weight(shape=(), initializer=low, trainable=False, name="low")
        self.high = self.add_weight(shape=(), initializer=high, trainable=False, name="high")

    def call(self, x: Any, training: bool = False) -> Any:
        if training and not self.is_fixed:
            for end, seen in (
                (self.low, tf.minimum(tf.reduce_min(x), 0.0)),
                (self.high, tf.maximum(tf.reduce_max(x), 1e-3)),
            ):
                end.assign(MOMENTUM * end + (1 - MOMENTUM) * seen)
        return tf.quantization.fake_quant_with_min_max_vars(x, self.low.value, self.high.value)


def rounded(kernel: Any, per_channel: bool) -> Any:
    """A kernel in the symmetric steps of int8, by output channel where that is asked for."""
    kernel = tf.convert_to_tensor(kernel)
    axes = list(range(len(kernel.shape) - 1)) if per_channel else None
    most = tf.stop_gradient(tf.reduce_max(tf.abs(kernel), axis=axes)) + 1e-12
    if per_channel:
        return tf.quantization.fake_quant_with_min_max_vars_per_channel(
            kernel, -most, most, narrow_range=True
        )
    return tf.quantization.fake_quant_with_min_max_vars(kernel, -most, most, narrow_range=True)


class RoundedConv(keras.layers.Conv2D):
    """A convolution with a rounded kernel."""

    def call(self, x: Any) -> Any:
        kernel = rounded(self._kernel, True)
        y = tf.nn.conv2d(x, kernel, self.strides, self.padding.upper())
        return y + self.bias if self.use_bias else y


class RoundedDepthwise(keras.layers.DepthwiseConv2D):
    """A depthwise convolution with a rounded kernel."""

    def call(self, x: Any) -> Any:
        kernel = rounded(self.kernel, True)
        y = tf.nn.depthwise_conv2d(x, kernel, (1, *self.strides, 1), self.padding.upper())
        return y + self.bias if self.use_bias else y


class RoundedDense(keras.layers.Dense):
    """A product with a rounded matrix."""

    def call(self, x: Any) -> Any:
        y = tf.matmul(x, rounded(self._kernel, False))
        return y + self.bias if self.use_bias else y


ROUNDED = {"Conv2D": RoundedConv, "DepthwiseConv2D": RoundedDepthwise, "Dense": RoundedDense}


def native_network(model: Any, calibration: Any) -> Any:
    """The Keras 3 network that rounds, with the weights of a model and ranges from images."""
    ranges = QuantizedNetwork(model, calibration=calibration).ranges()
    twin = decomposed_twin(model)
    image = keras.Input(model.input_shape[1:])
    outputs = {twin.layers[0].name: Rounding(*ranges[IMAGE_RANGE], False)(image)}
    for layer in twin.layers[1:]:
        before = layer._inbound_nodes[0].inbound_layers
        one = [before] if not isinstance(before, list) else before
        maps = [outputs[each.name] for each in one]
        ours = _counterpart(layer)
        x = ours(maps if len(maps) > 1 else maps[0])
        if ours.weights:
            ours.set_weights(layer.get_weights())
        rule = quantization_of(layer).output
        if rule != "none":
            ends = GATE_RANGE if rule == "gate" else ranges[layer.name]
            x = Rounding(*ends, rule == "gate")(x)
        outputs[layer.name] = x
    return keras.Model(image, x)


def _counterpart(layer: Any) -> Any:
    kind, config = type(layer).__name__, layer.get_config()
    wanted = {
        "Conv2D": ("filters", "kernel_size", "strides", "padding", "use_bias"),
        "DepthwiseConv2D": ("kernel_size", "strides", "padding", "use_bias"),
        "Dense": ("units", "use_bias"),
        "BatchNormalization": ("momentum", "epsilon", "center", "scale"),
        "GlobalAveragePooling2D": ("keepdims",),
        "ReLU": ("max_value",),
        "Rescaling": ("scale", "offset"),
        "Reshape": ("target_shape",),
        "ZeroPadding2D": ("padding",),
        "Dropout": ("rate",),
    }.get(kind, ())
    made = ROUNDED.get(kind) or getattr(keras.layers, kind)
    return made(**{name: config[name] for name in wanted}, name=layer.name)


def train_native(network: Any, data: DataSplits, recipe: Recipe) -> None:
    """Trains it by the recipe."""
    steps = data.train.steps(recipe.batch_size, drop_remainder=True)
    network.compile(
        optimizer=recipe.optimizer(network, steps),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    batches = data.train.dataset(
        recipe.batch_size, shuffle_seed=recipe.seed, augment=recipe.augment, drop_remainder=True
    )
    network.fit(
        with_one_hot_labels(batches, data.classes),
        epochs=recipe.epochs,
        shuffle=False,
        verbose=0,
    )


def native_file(network: Any) -> bytes:
    """The bytes of its int8 .tflite file."""
    with tempfile.TemporaryDirectory() as folder:
        return convert_trained_ranges(network, Path(folder), "int8")
