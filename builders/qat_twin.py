"""The tf_keras twin of a Keras model, in the operators that int8 rounds one by one.

Any functional model of the layers below has one, whatever built it: a hard-swish becomes the
products that it consists of, and the factor 1/6 of a squeeze-and-excite gate comes after the
product, as in `tflite_graph`. A layer keeps its name, so `copy_weights` moves weights both ways.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tf_keras

from fbnetv2_tf.errors import ExportError

from .layers import ALMOST_A_SIXTH
from .tflite_graph import activation_of, check_form, gated_products
from .weights import copy_weights

_ARGUMENTS = {
    "Add": (),
    "BatchNormalization": ("axis", "momentum", "epsilon", "center", "scale"),
    "Conv2D": ("filters", "kernel_size", "strides", "padding", "dilation_rate", "use_bias"),
    "Dense": ("units", "use_bias"),
    "DepthwiseConv2D": ("kernel_size", "strides", "padding", "depth_multiplier", "use_bias"),
    "Dropout": ("rate", "noise_shape"),
    "Flatten": (),
    "GlobalAveragePooling2D": ("keepdims",),
    "Multiply": (),
    "ReLU": ("max_value",),
    "Rescaling": ("scale", "offset"),
    "Reshape": ("target_shape",),
    "ZeroPadding2D": ("padding",),
}
"""What makes a layer of each kind what it is; where weights start does not matter here."""

_PLAIN = {"relu": None, "relu6": 6.0}
_HARD_SWISH = ("hard_silu", "hard_swish")

Call = Callable[..., Any]


def decomposed_twin(model: Any) -> Any:
    """Builds the twin, with the model's weights.

    Args:
        model: a functional Keras model with one image input and one output.

    Returns:
        A functional `tf_keras.Model` that computes the same in float32.

    Raises:
        ExportError: the model has a layer whose rounding is not known, such as a swish.
    """
    check_form(model)
    gates, scales = gated_products(model)

    def in_twin(operation: Any) -> Call:
        if operation.name in gates:
            return _gate(operation.name)
        if operation.name in scales:
            return _scaled_product(operation.name)
        return _copied(operation)

    image = tf_keras.Input(model.input_shape[1:], name=model.layers[0].name)
    twin = tf_keras.Model(
        image, model._run_through_graph(image, operation_fn=in_twin), name=model.name
    )
    copy_weights(model, twin)
    return twin


def _copied(operation: Any) -> Call:
    kind, activation = type(operation).__name__, activation_of(operation)
    if activation in _PLAIN:
        layer: Call = tf_keras.layers.ReLU(_PLAIN[activation], name=operation.name)
        return layer
    if activation in _HARD_SWISH:
        return _hard_swish(operation.name)
    if activation == "linear":
        return lambda x: x
    if not isinstance(operation, keras.Layer):
        return _arithmetic(operation, kind)
    config = operation.get_config()
    if kind not in _ARGUMENTS or config.get("activation", "linear") != "linear":
        raise _unknown(operation, activation or kind)
    arguments = {name: config[name] for name in _ARGUMENTS[kind] if name in config}
    if config.get("groups", 1) != 1 or config.get("negative_slope") or config.get("threshold"):
        raise _unknown(operation, kind)
    made: Call = getattr(tf_keras.layers, kind)(**arguments, name=operation.name)
    return made


def _arithmetic(operation: Any, kind: str) -> Call:
    """`x + 3.0` and `x * 0.5`, which Keras keeps as operations, and sums of two maps."""

    def call(x: Any, y: Any) -> Any:
        if kind not in ("Add", "Multiply"):
            raise _unknown(operation, kind)
        if isinstance(x, int | float):
            x, y = y, x
        if not isinstance(y, int | float):
            return getattr(tf_keras.layers, kind)(name=operation.name)([x, y])
        scale, offset = (1.0, float(y)) if kind == "Add" else (float(y), 0.0)
        return tf_keras.layers.Rescaling(scale, offset, name=operation.name)(x)

    return call


def _hard_swish(name: str) -> Call:
    def call(x: Any) -> Any:
        shifted = tf_keras.layers.Rescaling(1.0, 3.0, name=f"{name}_shift")(x)
        clipped = tf_keras.layers.ReLU(6.0, name=f"{name}_clip")(shifted)
        product = tf_keras.layers.Multiply(name=f"{name}_product")([x, clipped])
        return tf_keras.layers.Rescaling(ALMOST_A_SIXTH, name=name)(product)

    return call


def _gate(name: str) -> Call:
    def call(x: Any) -> Any:
        shifted = tf_keras.layers.Rescaling(1.0, 3.0, name=f"{name}_shift")(x)
        return tf_keras.layers.ReLU(6.0, name=name)(shifted)

    return call


def _scaled_product(name: str) -> Call:
    def call(maps: Any) -> Any:
        product = tf_keras.layers.Multiply(name=f"{name}_product")(maps)
        return tf_keras.layers.Rescaling(1 / 6, name=name)(product)

    return call


def _unknown(operation: Any, received: str) -> ExportError:
    return ExportError(
        f"Quantisation-aware training must know how int8 rounds the layer {operation.name!r}: one "
        f"of {', '.join(_ARGUMENTS)}, or an Activation of relu, relu6, hard_silu or a gate's "
        f"hard_sigmoid. Received: {received}."
    )
