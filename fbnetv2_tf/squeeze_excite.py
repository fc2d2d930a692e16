"""Squeeze-and-excite whose presence and width are chosen, by masks of its vectors alone.

With probability P(se) the gate is `s(z)`, else 1: `1 + P(se) * (s(z) - 1)`. The masks of the
hidden width and of the squeezed width multiply the vectors that the two layers read, the former the
gate too: the map that leaves is zero beyond the hidden width. Kernels and vectors are float32
whatever the dtype of the map.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from .excitation import Choices, Layers, excited
from .masks import BlockMasks


@keras.saving.register_keras_serializable(package="fbnetv2_tf")
class MaskedSqueezeExcite(keras.layers.Layer):
    """`x * hidden * (1 + P(se) * (hard_sigmoid(expand(act(reduce(mean(x))))) - 1))`.

    Args:
        squeezed_channels: the largest width between the two layers.
        ratios: the alternatives of the ratio, 0 for none; at least one is above 0.
        activations: the alternatives of the block's activation.

    Call arguments:
        x: (batch, height, width, channels).
        masks: those of the block.
    """

    def __init__(
        self,
        squeezed_channels: int,
        ratios: Sequence[float],
        activations: Sequence[str],
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        self.squeezed_channels = squeezed_channels
        self.ratios = tuple(ratios)
        self.activations = tuple(activations)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels, squeezed = int(input_shape[-1] or 0), self.squeezed_channels
        self.reduce_kernel = self._kernel("reduce_kernel", channels, squeezed)
        self.reduce_bias = self._bias("reduce_bias", squeezed)
        self.expand_kernel = self._kernel("expand_kernel", squeezed, channels)
        self.expand_bias = self._bias("expand_bias", channels)

    def call(self, x: tf.Tensor, masks: BlockMasks) -> tf.Tensor:
        variables = [
            self.reduce_kernel,
            self.reduce_bias,
            self.expand_kernel,
            self.expand_bias,
        ]
        layers = Layers(*map(tf.convert_to_tensor, variables))
        chosen = Choices(masks.activation, masks.excitation, masks.hidden, masks.squeezed)
        return excited(x, layers, self.activations, chosen, masks.fixed)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "squeezed_channels": self.squeezed_channels,
            "ratios": list(self.ratios),
            "activations": list(self.activations),
        }

    def _kernel(self, name: str, rows: int, columns: int) -> Any:
        initializer = keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")
        return self.add_weight(
            name=name, shape=(rows, columns), initializer=initializer, autocast=False
        )

    def _bias(self, name: str, channels: int) -> Any:
        return self.add_weight(name=name, shape=(channels,), initializer="zeros", autocast=False)
