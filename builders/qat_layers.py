"""How each layer of a twin is quantised while it trains: which of its tensors, in which ranges.

tensorflow-model-optimization brings the quantisers and the wrapper; its own table of layers does
not know half of ours (Multiply, Rescaling) and leaves float islands around a hard-sigmoid. So every
layer of a `decomposed_twin` gets a configuration of its own here. What the converter fuses is not
quantised in between: a convolution with its BatchNorm and relu, and `relu6(x + 3)`, whose range is
[0, 6] by construction.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tf_keras

from .tfmot import quantize_config, quantize_layer, quantize_wrapper, quantizers

BITS = 8
IMAGE_RANGE = "image_range"
"""The layer that rounds the image."""

GATE_RANGE = (0.0, 6.0)
PREFIX = "quant_"
"""What the wrapper puts before a layer's name."""

_KERNELS = (
    (tf_keras.layers.DepthwiseConv2D, "depthwise_kernel"),
    (tf_keras.layers.Conv2D, "kernel"),
    (tf_keras.layers.Dense, "kernel"),
)


class LayerQuantization(quantize_config.QuantizeConfig):  # type: ignore[misc]
    """What is quantised of one layer.

    Args:
        kernel: the attribute that holds the kernel, or None.
        per_channel: whether every output channel of the kernel has a range of its own. (Of a
            depthwise kernel, (k, k, channels, 1), that is one range: the converter takes no other.)
        output: `none`, `measured`, or `gate` for the fixed range of `relu6(x + 3)`.
    """

    def __init__(self, kernel: str | None, per_channel: bool, output: str) -> None:
        self.kernel = kernel
        self.per_channel = per_channel
        self.output = output

    def get_weights_and_quantizers(self, layer: Any) -> list[tuple[Any, Any]]:
        """The kernel, symmetric around 0."""
        if self.kernel is None:
            return []
        quantizer = _KernelQuantizer if self.per_channel else quantizers.LastValueQuantizer
        symmetric = quantizer(BITS, per_axis=self.per_channel, symmetric=True, narrow_range=True)
        return [(getattr(layer, self.kernel), symmetric)]

    def set_quantize_weights(self, layer: Any, quantize_weights: list[Any]) -> None:
        """Puts the quantised kernel in the place of the kernel, for one call."""
        if self.kernel is not None:
            setattr(layer, self.kernel, quantize_weights[0])

    def get_activations_and_quantizers(self, layer: Any) -> list[Any]:
        """None: our layers have their activations beside them."""
        return []

    def set_quantize_activations(self, layer: Any, quantize_activations: list[Any]) -> None:
        """Nothing to set; a body of its docstring alone would not go through AutoGraph."""
        del quantize_activations

    def get_output_quantizers(self, layer: Any) -> list[Any]:
        """The output's quantiser, where it has one."""
        if self.output == "gate":
            return [quantizers.FixedQuantizer(BITS, *GATE_RANGE, narrow_range=False)]
        return [measured_range()] if self.output == "measured" else []

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"kernel": self.kernel, "per_channel": self.per_channel, "output": self.output}


class _KernelQuantizer(quantizers.LastValueQuantizer):  # type: ignore[misc]
    """One range for each entry of a kernel's last axis, set anew in every step."""

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        ends = {}
        for end, start in (("min", -6.0), ("max", 6.0)):
            ends[f"{end}_var"] = layer.add_weight(
                f"{name}_{end}",
                shape=(tensor_shape[-1],),
                initializer=tf_keras.initializers.Constant(start),
                trainable=False,
            )
        return ends


def measured_range() -> Any:
    """A quantiser whose range follows what it sees."""
    return quantizers.MovingAverageQuantizer(
        BITS, per_axis=False, symmetric=False, narrow_range=False
    )


def quantization_of(layer: Any) -> LayerQuantization:
    """What to quantise of a layer of a decomposed twin, by its kind and by who reads it."""
    kernel = next((name for kind, name in _KERNELS if isinstance(layer, kind)), None)
    per_channel = kernel is not None and not isinstance(layer, tf_keras.layers.Dense)
    return LayerQuantization(kernel, per_channel, _output_of(layer))


def _output_of(layer: Any) -> str:
    moves_only = (
        tf_keras.layers.InputLayer,
        tf_keras.layers.Flatten,
        tf_keras.layers.ZeroPadding2D,
        tf_keras.layers.Dropout,
    )
    if isinstance(layer, moves_only) or _is_shift(layer):
        return "none"
    readers = [node.layer for node in layer._outbound_nodes]
    if readers and all(_takes_in(reader) for reader in readers):
        return "none"
    if isinstance(layer, tf_keras.layers.ReLU) and layer.max_value == GATE_RANGE[1]:
        feeder = layer._inbound_nodes[0].inbound_layers
        return "gate" if _is_shift(feeder) else "measured"
    return "measured"


def _takes_in(layer: Any) -> bool:
    """Whether the converter fuses a layer into the one before it."""
    fused = (tf_keras.layers.BatchNormalization, tf_keras.layers.ReLU)
    return isinstance(layer, fused) or _is_shift(layer)


def _is_shift(layer: Any) -> bool:
    """Whether a layer is the `x + 3` of a hard-sigmoid."""
    return isinstance(layer, tf_keras.layers.Rescaling) and bool(np.all(np.equal(layer.offset, 3)))


def quantized_copy(twin: Any) -> Any:
    """A model that computes what the twin does, rounded as its int8 form will round.

    Args:
        twin: as `decomposed_twin` returns it.

    Returns:
        A tf_keras model with the twin's weights; its ranges are not set.
    """

    def wrapped(layer: Any) -> Any:
        what = quantization_of(layer)
        copy = layer.__class__.from_config(layer.get_config())
        if what.kernel is None and what.output == "none":
            return copy
        return quantize_wrapper.QuantizeWrapperV2(copy, what)

    body = tf_keras.models.clone_model(twin, clone_function=wrapped)
    image = tf_keras.Input(twin.input_shape[1:], name="image")
    rounded = quantize_layer.QuantizeLayer(measured_range(), name=IMAGE_RANGE)(image)
    model = tf_keras.Model(image, body(rounded), name=twin.name)
    for layer in twin.layers:
        variables = weights_by_name(body_layer(model, layer.name))
        for name, source in weights_by_name(layer).items():
            variables[name].assign(source)
    return model


def body_layer(model: Any, name: str) -> Any:
    """The layer of a quantised copy that stands for the twin's layer of this name."""
    body = model.layers[-1]
    names = {layer.name for layer in body.layers}
    return body.get_layer(PREFIX + name if PREFIX + name in names else name)


def weights_by_name(layer: Any) -> dict[str, Any]:
    """A layer's variables by the last part of their names: `kernel`, `gamma`, `output_min`."""
    return {v.name.split(":")[0].rsplit("/", maxsplit=1)[-1]: v for v in layer.weights}
