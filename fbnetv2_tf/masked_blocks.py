"""The blocks of a supernet: each is all blocks of its alternatives on one path.

At one-hot weights a block computes exactly what the chosen block of the child computes (law 1);
in between it is FBNetV2's relaxation. Where the masks go:

* output width: on gamma and beta of the BatchNorm that ends the linear part, so that the map that
  leaves a block is zero beyond its width;
* hidden width: on the gate of squeeze-and-excite and on the vector that it reads; where there is
  none, on the rows of the projection (hidden channels do not mix before it). Masking earlier would
  be undone by the BatchNorm in between;
* kernel: on the depthwise kernel; activation and squeeze-and-excite: by their own layers;
* residual: with probability P(C_in == C_out); a skip that changes width has its own 1x1.

Between one-hot weights this is FBNetV2's `b(x) * M` wherever what follows the masked BatchNorm is
linear or a ReLU; a `cn` of searched width with another activation has its mask inside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from .activations import mixed_activation
from .batch_norm import FusedBatchNormalization
from .convolutions import MaskedConv2D
from .masked_block import MaskedBlock, MaskedConvolution
from .masked_residual import MaskedInvertedResidual, MaskedSkip
from .masks import BlockMasks
from .rounding import hidden_channels


@keras.saving.register_keras_serializable(package="fbnetv2_tf")
class MaskedHead(MaskedBlock):
    """`ip`: 1x1 expand, BatchNorm, activation, global mean, 1x1, activation."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        channels = max(self.block.channels)
        self.expand_conv = self.inner(MaskedConv2D, self.hidden_channels, name="expand_conv")
        self.expand_bn = self.inner(FusedBatchNormalization, name="expand_bn")
        self.project_conv = self.inner(MaskedConv2D, channels, name="project_conv")

    @property
    def hidden_channels(self) -> int:
        """The largest width between the two convolutions."""
        return hidden_channels(max(self.input_channels), max(self.block.expansion))

    def parts(self) -> Iterator[tuple[keras.layers.Layer, int]]:
        yield self.expand_conv, max(self.input_channels)
        yield self.expand_bn, self.hidden_channels
        yield self.project_conv, self.hidden_channels

    def call(
        self, x: tf.Tensor, masks: BlockMasks, training: bool = False, momentum: Any = None
    ) -> tf.Tensor:
        phase = {"training": training, "momentum": momentum}
        x = self.expand_bn(self.expand_conv(x), **phase, **self.activation(masks))
        x = tf.reduce_mean(x, axis=[1, 2], keepdims=True)
        x = self.project_conv(x, input_mask=masks.hidden)
        x = mixed_activation(x, self.block.activation, masks.activation, masks.fixed)
        return x if masks.output is None else x * tf.cast(masks.output, x.dtype)


@keras.saving.register_keras_serializable(package="fbnetv2_tf")
class GlobalMean(MaskedBlock):
    """`pl`: the mean of the map, kept as a 1x1 map."""

    def call(
        self, x: tf.Tensor, masks: BlockMasks, training: bool = False, momentum: Any = None
    ) -> tf.Tensor:
        return tf.reduce_mean(x, axis=[1, 2], keepdims=True)


@keras.saving.register_keras_serializable(package="fbnetv2_tf")
class Classifier(MaskedBlock):
    """`fc`: global mean and a dense layer; logits in float32, (batch, classes)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dense = keras.layers.Dense(self.block.channels[0], dtype="float32", name="dense")

    def parts(self) -> Iterator[tuple[keras.layers.Layer, int]]:
        yield self.dense, max(self.input_channels)

    def call(
        self, x: tf.Tensor, masks: BlockMasks, training: bool = False, momentum: Any = None
    ) -> tf.Tensor:
        return self.dense(tf.reduce_mean(x, axis=[1, 2]))


KINDS: dict[str, type[MaskedBlock]] = {
    "cn": MaskedConvolution,
    "ds": MaskedInvertedResidual,
    "ir": MaskedInvertedResidual,
    "sk": MaskedSkip,
    "ip": MaskedHead,
    "pl": GlobalMean,
    "fc": Classifier,
}
"""The layer of every kind of block."""
