"""What the blocks of a supernet share: their alternatives, the widths around them, their call.

Layers inside a block get masks and probabilities as float32 tensors of a few elements. Keras would
cast them to the compute dtype of a mixed policy on the way; `autocast=False` keeps them as they
are, and each layer casts what it multiplies a map with once all masks are in it. (Keras asks for
that of a layer and, where it is called outside any other, of its variables.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

import keras
import tensorflow as tf

from .activations import mixed_activation
from .architecture import Block
from .batch_norm import FusedBatchNormalization
from .convolutions import MaskedConv2D
from .masks import Width, kernel_mask
from .normalized_activation import Added
from .space import SpaceBlock

Layer = TypeVar("Layer", bound=keras.layers.Layer)

Weights = Mapping[str, Any]
"""Field of a block -> weights (alternatives,) of its choice."""


class MaskedBlock(keras.layers.Layer):
    """All blocks of a set of alternatives on one path.

    Args:
        block: the alternatives of this block.
        input_channels: the alternatives of the input's width.

    Call arguments:
        x: (batch, height, width, max(input_channels)).
        weights: field -> weights; `input` holds those of the input's width. A field with one
            alternative need not be there.
        training: as in `FusedBatchNormalization`, like `momentum`.

    Returns:
        (batch, height', width', max(output_channels)), zero beyond the chosen width.
    """

    def __init__(self, block: SpaceBlock, input_channels: tuple[int, ...], **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.block = block
        self.input_channels = tuple(input_channels)

    def build(self, input_shape: Any = None) -> None:
        """Nothing: the layers inside build themselves when they are called.

        Without this Keras would trace the call for it, into a graph that TensorFlow never forgets
        where it holds a gradient of our own.
        """
        self.built = True

    @property
    def output_channels(self) -> tuple[int, ...]:
        """The alternatives of the output's width."""
        return self.block.channels or self.input_channels

    @property
    def keeps_shape(self) -> bool:
        """Whether the output has the input's shape whatever is chosen."""
        same_width = len(self.output_channels) == 1 and self.input_channels == self.output_channels
        return same_width and self.block.stride[0] == 1

    def inner(self, kind: type[Layer], *args: Any, **kwargs: Any) -> Layer:
        """A layer inside this one, of the same dtype policy."""
        return kind(*args, dtype=self.dtype_policy, **kwargs)

    def layer_for(self, block: Block) -> keras.layers.Layer:
        """The layer whose weights a child inherits that has `block` here."""
        return self

    def input_width(self, weights: Weights) -> Width:
        """The input's width with the weights of its choice."""
        return _width(self.input_channels, weights, "input")

    def output_width(self, weights: Weights) -> Width:
        """The output's width with the weights of its choice."""
        return _width(self.output_channels, weights, "channels")

    def hidden_width(self, weights: Weights) -> Width:
        """The width after the expansion with the joint weights of input width and expansion."""
        expansions = self.block.expansion
        chosen = weights["expansion"] if len(expansions) > 1 else tf.ones([1])
        return self.input_width(weights).expanded(expansions, chosen)

    def kernel_mask(self, x: tf.Tensor, weights: Weights) -> tf.Tensor | None:
        """The mask of the kernel that reads x, or None."""
        stride = self.block.stride[0]
        return kernel_mask(self.block.kernel, weights.get("kernel"), x.shape[1], stride)

    def activation(self, weights: Weights) -> dict[str, Any]:
        """The block's activation as `FusedBatchNormalization` takes it."""
        return {
            "activations": self.block.activation,
            "activation_weights": weights.get("activation"),
        }

    def activate(self, x: tf.Tensor, weights: Weights) -> tf.Tensor:
        """The block's activation, mixed by its weights."""
        return mixed_activation(x, self.block.activation, weights.get("activation"))

    def get_config(self) -> dict[str, Any]:
        given = {field.name: list(getattr(self.block, field.name)) for field in fields(self.block)}
        block = {field: values for field, values in given.items() if values}
        config = {"block": block, "input_channels": list(self.input_channels)}
        return {**super().get_config(), **config}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> MaskedBlock:
        return cls(**{**config, "block": SpaceBlock(**config["block"])})


@keras.saving.register_keras_serializable(package="fbnetv2_tf")
class MaskedConvolution(MaskedBlock):
    """`cn`: convolution, BatchNorm, activation.

    Call arguments:
        x, weights, training, momentum: as in `MaskedBlock`.
        gain, added: as in `FusedBatchNormalization`, where the convolution is a skip.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kernel, stride = max(self.block.kernel), self.block.stride[0]
        channels = max(self.block.channels)
        self.conv = self.inner(MaskedConv2D, channels, kernel, stride, name="conv")
        self.bn = self.inner(FusedBatchNormalization, name="bn")

    def call(
        self,
        x: tf.Tensor,
        weights: Weights,
        training: bool = False,
        momentum: Any = None,
        gain: Any = None,
        added: Added = (),
    ) -> tf.Tensor:
        x = self.conv(x, kernel_mask=self.kernel_mask(x, weights))
        output_mask = self.output_width(weights).mask()
        phase = {"training": training, "momentum": momentum}
        summed = {"gain": gain, "added": added}
        return self.bn(x, scale=output_mask, **phase, **self.activation(weights), **summed)


def _width(channels: tuple[int, ...], weights: Weights, field: str) -> Width:
    return Width(channels, weights[field] if len(channels) > 1 else tf.ones([1]))
