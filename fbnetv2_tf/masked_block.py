"""What the blocks of a supernet share: their alternatives, the widths around them, their call.

Blocks get masks and probabilities as float32 tensors of a few elements. Keras would
cast them to the compute dtype of a mixed policy on the way; `autocast=False` keeps them as they
are, and each layer casts what it multiplies a map with once all masks are in it. (Keras asks for
that of a layer and, where it is called outside any other, of its variables.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, TypeVar

import keras
import tensorflow as tf

from .architecture import Block
from .batch_norm import FusedBatchNormalization
from .convolutions import MaskedConv2D
from .mask_plan import masks_of
from .masks import BlockMasks
from .normalized_activation import Added
from .placed_blocks import PlacedBlock
from .space import SpaceBlock

Layer = TypeVar("Layer", bound=keras.layers.Layer)


class MaskedBlock(keras.layers.Layer):
    """All blocks of a set of alternatives on one path.

    Args:
        block: the alternatives of this block.
        input_channels: the alternatives of the input's width.

    Call arguments:
        x: (batch, height, width, max(input_channels)).
        masks: what its parameters are multiplied by.
        training: as in `FusedBatchNormalization`, like `momentum`.

    Returns:
        (batch, height', width', max(output_channels)), zero beyond the chosen width.
    """

    def __init__(self, block: SpaceBlock, input_channels: tuple[int, ...], **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.block = block
        self.input_channels = tuple(input_channels)

    def parts(self) -> Iterator[tuple[keras.layers.Layer, int]]:
        """The layers inside, in the order in which they run, and the channels that each reads."""
        yield from ()

    def build(self, input_shape: Any = None) -> None:
        """Makes the variables. A call would as well, but TensorFlow keeps what it runs for it."""
        for layer, channels in self.parts():
            layer.build((None, None, None, channels))
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

    def placed(self, side: int, names: Mapping[str, str]) -> PlacedBlock:
        """This block where it reads maps of a side and has choices of these names."""
        return PlacedBlock(self.block, self.input_channels, side, names)

    def masks(self, weights: Mapping[str, Any], side: int) -> BlockMasks:
        """The masks of this block alone.

        Args:
            weights: field -> weights (alternatives,); `input` holds those of the input's width.
            side: of the map that it reads, pixels.
        """
        return masks_of([self.placed(side, {field: field for field in weights})], weights)[0]

    def activation(self, masks: BlockMasks) -> dict[str, Any]:
        """The block's activation as `FusedBatchNormalization` takes it."""
        return {
            "activations": self.block.activation,
            "activation_weights": masks.activation,
            "fixed": masks.fixed,
        }

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
        x, masks, training, momentum: as in `MaskedBlock`.
        gain, added: as in `FusedBatchNormalization`, where the convolution is a skip.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kernel, stride = max(self.block.kernel), self.block.stride[0]
        channels = max(self.block.channels)
        self.conv = self.inner(MaskedConv2D, channels, kernel, stride, name="conv")
        self.bn = self.inner(FusedBatchNormalization, name="bn")

    def parts(self) -> Iterator[tuple[keras.layers.Layer, int]]:
        yield self.conv, max(self.input_channels)
        yield self.bn, max(self.block.channels)

    def call(
        self,
        x: tf.Tensor,
        masks: BlockMasks,
        training: bool = False,
        momentum: Any = None,
        gain: Any = None,
        added: Added = (),
    ) -> tf.Tensor:
        x = self.conv(x, kernel_mask=masks.kernel)
        phase = {"training": training, "momentum": momentum}
        summed = {"gain": gain, "added": added}
        return self.bn(x, scale=masks.scale, **phase, **self.activation(masks), **summed)
