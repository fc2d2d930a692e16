"""A Keras model as the graph that runs on a phone: float32, in operators that are fast there.

- Hard-swish is one operator, or the products it consists of. LiteRT's delegate does not take an
  int8 `HARD_SWISH`; it does take `(x * relu6(x + 3)) * c` with c one ulp above 1/6, which the
  converter does not recognise and fuse (EXPORT, "Hard-swish decides whether int8 is fast").
- The factor 1/6 of a squeeze-and-excite gate comes after the product, where the converter folds it
  into the convolution that follows.
- Models under mixed policies do not convert: every layer is rebuilt in float32.

The weights stay as they are: none of these layers has any.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from fbnetv2_tf.errors import ExportError, RunError

from .layers import ALMOST_A_SIXTH

SIGNATURE, INPUT, OUTPUT = "serve", "image", "logits"

_HARD_SWISH = ("hard_silu", "hard_swish")


class _ProductHardSwish(keras.layers.Layer):  # type: ignore[misc]
    """`x * relu6(x + 3) / 6` as three operators that no converter fuses."""

    def call(self, x: Any) -> Any:
        return x * keras.ops.relu6(x + 3.0) * ALMOST_A_SIXTH


class _SixfoldGate(keras.layers.Layer):  # type: ignore[misc]
    """`relu6(x + 3)`: the hard-sigmoid without its factor."""

    def call(self, x: Any) -> Any:
        return keras.ops.relu6(x + 3.0)


class _SixthOfProduct(keras.layers.Layer):  # type: ignore[misc]
    """`(x * gate) / 6`: the factor that `_SixfoldGate` left out."""

    def call(self, inputs: Any) -> Any:
        return inputs[0] * inputs[1] * (1 / 6)


def deployable(model: Any, *, fused_hard_swish: bool) -> Any:
    """The same network in float32 and in the operators that run fast.

    Args:
        model: a functional or sequential Keras model of Keras's own layers with one image input
            (batch, height, width, channels) and one output (batch, classes).
        fused_hard_swish: whether a hard-swish stays one operator.

    Returns:
        A new model that shares nothing with `model` and computes the same.

    Raises:
        ExportError: where the model is not of that form; the sentence names the layer.
    """
    check_form(model)
    gates, scales = gated_products(model)

    def clone(layer: Any) -> Any:
        if not isinstance(layer, keras.Layer):
            # An operation such as `x + 3`, which Keras keeps among the layers without being one.
            return layer.__class__.from_config(layer.get_config())
        if layer.name in gates:
            return _SixfoldGate(name=layer.name, dtype="float32")
        if layer.name in scales:
            return _SixthOfProduct(name=layer.name, dtype="float32")
        if not fused_hard_swish and activation_of(layer) in _HARD_SWISH:
            return _ProductHardSwish(name=layer.name, dtype="float32")
        config = layer.get_config()
        if "dtype" in config:
            config["dtype"] = "float32"
        return layer.__class__.from_config(config)

    copy = keras.models.clone_model(model, clone_function=clone)
    copy.set_weights(model.get_weights())
    return copy


def write_saved_model(model: Any, folder: Path) -> None:
    """Writes the inference of one image as a SavedModel without variables.

    Its only signature is `serve`: `image` (1, height, width, channels) float32 to `logits`
    (1, classes) float32. Freezing the variables first makes the conversion four times faster.

    Args:
        model: as `deployable` returns it.
        folder: where to.

    Raises:
        RunError: where the system refuses, such as a full disk.
    """
    from tensorflow.python.framework import convert_to_constants

    image = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name=INPUT)
    inference = tf.function(
        lambda image: model(image, training=False), input_signature=[image], autograph=False
    )
    frozen = convert_to_constants.convert_variables_to_constants_v2(
        inference.get_concrete_function()
    )
    module = tf.Module()
    module.frozen = frozen
    serve: Callable[..., Any] = tf.function(
        lambda image: {OUTPUT: frozen(image)[0]}, input_signature=[image], autograph=False
    )
    # Inference has no gradients to save, and those of a frozen silu could not be.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    try:
        tf.saved_model.save(module, str(folder), signatures={SIGNATURE: serve}, options=options)
    except (tf.errors.OpError, OSError) as error:
        reason = " ".join(str(error).split())[-200:]
        raise RunError(
            f"The converter's temporary files could not be written to '{folder.parent}' (the "
            f"variable TMPDIR names another folder): {reason}."
        ) from error


def check_form(model: Any) -> None:
    """Refuses a model that is not from one image to one output through layers of Keras."""
    functional = isinstance(model, keras.Model) and hasattr(model, "get_layer")
    if not functional or len(getattr(model, "inputs", None) or ()) != 1 or len(model.outputs) != 1:
        raise ExportError(
            "The model must be a functional Keras model with one input and one output. Received: "
            f"{type(model).__name__} with {len(getattr(model, 'inputs', None) or ())} inputs and "
            f"{len(getattr(model, 'outputs', None) or ())} outputs."
        )
    shape = tuple(model.input_shape)
    if len(shape) != 4 or None in shape[1:]:
        raise ExportError(
            "The model's input must be (batch, height, width, channels) with fixed sides. "
            f"Received: {shape}."
        )
    for layer in model.layers:
        known = type(layer).__module__.startswith(("keras.src.layers", "keras.layers"))
        if not known or isinstance(layer, keras.layers.Lambda):
            raise ExportError(
                f"The layer {layer.name!r} must be one of Keras's own, with its operators known. "
                f"Received: {type(layer).__module__}.{type(layer).__name__}."
            )
        if isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional):
            # The converter's calibration of a recurrent layer can end the whole process.
            raise ExportError(
                f"The layer {layer.name!r} must be of an image classifier, without recurrence. "
                f"Received: {type(layer).__name__}."
            )
        if getattr(layer, "quantization_mode", None):
            raise ExportError(
                f"The layer {layer.name!r} must hold float weights; quantise with "
                f"`quantization=` instead. Received: {layer.quantization_mode!r} weights."
            )


def gated_products(model: Any) -> tuple[set[str], set[str]]:
    """The names of hard-sigmoid gates, and of the products that are all that reads them."""
    gates: set[str] = set()
    scales: set[str] = set()
    for layer in model.layers:
        if activation_of(layer) != "hard_sigmoid":
            continue
        readers = [node.operation for node in layer._outbound_nodes]
        if readers and all(isinstance(reader, keras.layers.Multiply) for reader in readers):
            gates.add(layer.name)
            scales |= {reader.name for reader in readers}
    return gates, scales


def activation_of(layer: Any) -> str:
    """What an `Activation` layer computes, or ""."""
    if not isinstance(layer, keras.layers.Activation):
        return ""
    return str(getattr(layer.activation, "__name__", ""))
