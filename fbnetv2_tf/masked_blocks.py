"""The blocks of a supernet: each is all blocks of its alternatives on one path.

At one-hot weights a block computes exactly what the chosen block of the child computes (law 1);
in between it is FBNetV2's relaxation. Where the masks go:

* output width: on gamma and beta of the BatchNorm that ends the linear part, so that the map that
  leaves a block is zero beyond its width;
* hidden width: on the rows of the projection (hidden channels do not mix before it) and on the
  squeezed vector; masking earlier would be undone by the BatchNorm in between;
* kernel: on the depthwise kernel; activation and squeeze-and-excite: by their own layers;
* residual: with probability P(C_in == C_out); a skip that changes width has its own 1x1.

The probabilities of whole branches are scalars on the narrow maps between blocks, and the only
thing that ever multiplies a map.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from .activations import mixed_activation
from .architecture import SKIP_ACTIVATION
from .batch_norm import FusedBatchNormalization
from .convolutions import MaskedConv2D, MaskedDepthwiseConv2D
from .masks import Width, kernel_mask
from .rounding import hidden_channels, se_channels
from .space import SpaceBlock
from .squeeze_excite import MaskedSqueezeExcite

Weights = Mapping[str, Any]
"""Field of a block -> weights (alternatives,) of its choice."""


class MaskedBlock(keras.layers.Layer):
    """What the blocks share: their alternatives and how they are called.

    Args:
        block: the alternatives of this block.
        input_channels: the alternatives of the input's width.

    Call arguments:
        x: (batch, height, width, max(input_channels)).
        weights: field -> weights; `input` holds those of the input's width. A field with one
            alternative need not be there.
        training: as in `FusedBatchNormalization`, like `momentum`.

    Returns:
        (batch, height', width', max(channels)).
    """

    def __init__(
        self, block: SpaceBlock, input_channels: tuple[int, ...], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.block = block
        self.input_channels = input_channels

    @property
    def output_channels(self) -> tuple[int, ...]:
        """The alternatives of the output's width."""
        return self.block.channels or self.input_channels

    def input_width(self, weights: Weights) -> Width:
        """The input's width with the weights of its choice."""
        return _width(self.input_channels, weights, "input")

    def output_width(self, weights: Weights) -> Width:
        """The output's width with the weights of its choice."""
        return _width(self.output_channels, weights, "channels")

    def kernel_mask(self, x: tf.Tensor, weights: Weights) -> Any:
        """The mask of the kernel that reads x, or None."""
        stride = self.block.stride[0]
        return kernel_mask(self.block.kernel, weights.get("kernel"), x.shape[1], stride)

    def activate(self, x: tf.Tensor, weights: Weights) -> tf.Tensor:
        """The block's activation, mixed by its weights."""
        return mixed_activation(x, self.block.activation, weights.get("activation"))


class MaskedConvolution(MaskedBlock):
    """`cn`: convolution, BatchNorm, activation."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kernel, stride = max(self.block.kernel), self.block.stride[0]
        self.conv = MaskedConv2D(max(self.block.channels), kernel, stride, name="conv")
        self.bn = FusedBatchNormalization(name="bn")

    def call(
        self, x: tf.Tensor, weights: Weights, training: bool = False, momentum: Any = None
    ) -> tf.Tensor:
        x = self.conv(x, kernel_mask=self.kernel_mask(x, weights))
        x = self.bn(x, scale=self.output_width(weights).mask(), training=training, momentum=momentum)
        return self.activate(x, weights)


class MaskedInvertedResidual(MaskedBlock):
    """`ir`, `ds`, `ir/sk` and `ds/sk`: [expand], depthwise, [squeeze-and-excite], project."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        block, hidden = self.block, max(self.input_channels)
        self.expand_conv = None
        if block.kind == "ir":
            hidden = hidden_channels(hidden, max(block.expansion))
            self.expand_conv = MaskedConv2D(hidden, name="expand_conv")
            self.expand_bn = FusedBatchNormalization(name="expand_bn")
        stride = block.stride[0]
        self.depthwise_conv = MaskedDepthwiseConv2D(
            max(block.kernel), stride, name="depthwise_conv"
        )
        self.depthwise_bn = FusedBatchNormalization(name="depthwise_bn")
        self.se = None
        if max(block.se) > 0:
            squeezed = se_channels(hidden, max(block.se))
            self.se = MaskedSqueezeExcite(squeezed, block.se, block.activation, name="se")
        self.project_conv = MaskedConv2D(max(block.channels), name="project_conv")
        always_added = stride == 1 and self._width_never_changes()
        gamma = "zeros" if always_added and not block.skippable else "ones"
        self.project_bn = FusedBatchNormalization(gamma_initializer=gamma, name="project_bn")
        self.skip = None
        if block.skippable and not (stride == 1 and self._width_never_changes()):
            self.skip = SkipConvolution(block, self.input_channels, name="skip")

    def call(
        self, x: tf.Tensor, weights: Weights, training: bool = False, momentum: Any = None
    ) -> tf.Tensor:
        phase = {"training": training, "momentum": momentum}
        output = self.output_width(weights)
        absent = weights["kind"][1] if self.block.skippable else None
        y = self._separable(x, weights, _branch_mask(output.mask(), absent), phase)
        return self._merge(x, y, weights, absent, phase)

    def _separable(
        self, x: tf.Tensor, weights: Weights, output_mask: Any, phase: dict[str, Any]
    ) -> tf.Tensor:
        hidden = self.input_width(weights)
        if self.expand_conv is not None:
            hidden = hidden.expanded(self.block.expansion, weights.get("expansion", tf.ones([1])))
            x = self.activate(self.expand_bn(self.expand_conv(x), **phase), weights)
        x = self.depthwise_conv(x, kernel_mask=self.kernel_mask(x, weights))
        x = self.activate(self.depthwise_bn(x, **phase), weights)
        if self.se is not None:
            x = self.se(
                x,
                hidden=hidden,
                ratio_weights=weights.get("se"),
                activation_weights=weights.get("activation"),
            )
        x = self.project_conv(x, input_mask=hidden.mask())
        return self.project_bn(x, scale=output_mask, **phase)

    def _merge(
        self, x: tf.Tensor, y: tf.Tensor, weights: Weights, absent: Any, phase: dict[str, Any]
    ) -> tf.Tensor:
        """Adds the residual, and the skip where it is not the identity.

        A present block adds its input with probability P(C_in == C_out); an absent one *is* its
        input with that probability, and else its 1x1. So the identity does not depend on the kind.
        """
        same: Any = 0.0
        if self.block.stride[0] == 1:
            same = self.input_width(weights).equals(self.output_width(weights))
        if isinstance(same, tf.Tensor) or same:
            y = add_residual(y, x, same)
        if self.skip is not None:
            changed = self.skip(x, weights=weights, **phase)
            y = y + changed * tf.cast(absent * (1.0 - same), changed.dtype)
        return y

    def _width_never_changes(self) -> bool:
        return self.input_channels == self.block.channels and len(self.block.channels) == 1


class SkipConvolution(MaskedBlock):
    """`sk` where it is not the identity: 1x1 convolution, BatchNorm, activation."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conv = MaskedConv2D(
            max(self.block.channels), 1, self.block.stride[0], name="conv"
        )
        self.bn = FusedBatchNormalization(name="bn")

    def call(
        self, x: tf.Tensor, weights: Weights, training: bool = False, momentum: Any = None
    ) -> tf.Tensor:
        x = self.bn(
            self.conv(x),
            scale=self.output_width(weights).mask(),
            training=training,
            momentum=momentum,
        )
        if self.block.skippable:
            return mixed_activation(x, (SKIP_ACTIVATION,), None)
        return self.activate(x, weights)


class MaskedSkip(MaskedBlock):
    """`sk` as a block of its own: the identity with probability P(C_in == C_out), else a 1x1."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        same = self.input_channels == self.block.channels and len(self.block.channels) == 1
        is_identity = same and self.block.stride[0] == 1
        self.skip = None
        if not is_identity:
            self.skip = SkipConvolution(self.block, self.input_channels, name="skip")

    def call(
        self, x: tf.Tensor, weights: Weights, training: bool = False, momentum: Any = None
    ) -> tf.Tensor:
        if self.skip is None:
            return x
        y = self.skip(x, weights=weights, training=training, momentum=momentum)
        same: Any = 0.0
        if self.block.stride[0] == 1:
            same = self.input_width(weights).equals(self.output_width(weights))
        if not isinstance(same, tf.Tensor):
            return y
        return add_residual(y * tf.cast(1.0 - same, y.dtype), x, same)


class MaskedHead(MaskedBlock):
    """`ip`: 1x1 expand, BatchNorm, activation, global mean, 1x1, activation."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hidden = hidden_channels(max(self.input_channels), max(self.block.expansion))
        self.expand_conv = MaskedConv2D(hidden, name="expand_conv")
        self.expand_bn = FusedBatchNormalization(name="expand_bn")
        self.project_conv = MaskedConv2D(max(self.block.channels), name="project_conv")

    def call(
        self, x: tf.Tensor, weights: Weights, training: bool = False, momentum: Any = None
    ) -> tf.Tensor:
        hidden = self.input_width(weights).expanded(
            self.block.expansion, weights.get("expansion", tf.ones([1]))
        )
        x = self.expand_bn(self.expand_conv(x), training=training, momentum=momentum)
        x = tf.reduce_mean(self.activate(x, weights), axis=[1, 2], keepdims=True)
        x = self.activate(self.project_conv(x, input_mask=hidden.mask()), weights)
        mask = self.output_width(weights).mask()
        return x if mask is None else x * tf.cast(mask, x.dtype)


class GlobalMean(MaskedBlock):
    """`pl`: the mean of the map, kept as a 1x1 map."""

    def call(
        self, x: tf.Tensor, weights: Weights, training: bool = False, momentum: Any = None
    ) -> tf.Tensor:
        return tf.reduce_mean(x, axis=[1, 2], keepdims=True)


class Classifier(MaskedBlock):
    """`fc`: global mean and a dense layer; logits in float32, (batch, classes)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dense = keras.layers.Dense(self.block.channels[0], dtype="float32", name="dense")

    def call(
        self, x: tf.Tensor, weights: Weights, training: bool = False, momentum: Any = None
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


def add_residual(y: tf.Tensor, x: tf.Tensor, probability: Any) -> tf.Tensor:
    """`y + probability * x`, with the narrower of the two padded by zero channels.

    Channels of x beyond y's width are dropped: where they are not zero the probability is.
    """
    x = x[..., : y.shape[-1]]
    missing = y.shape[-1] - x.shape[-1]
    if missing:
        x = tf.pad(x, [[0, 0], [0, 0], [0, 0], [0, missing]])
    if isinstance(probability, tf.Tensor):
        x = x * tf.cast(probability, x.dtype)
    return y + x


def _branch_mask(output_mask: Any, absent: Any) -> Any:
    """The output mask times the probability that the block is there."""
    if absent is None:
        return output_mask
    present = 1.0 - absent
    return present if output_mask is None else output_mask * present


def _width(channels: tuple[int, ...], weights: Weights, field: str) -> Width:
    return Width(channels, weights[field] if len(channels) > 1 else tf.ones([1]))
