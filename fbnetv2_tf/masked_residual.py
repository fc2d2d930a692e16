"""`ir`, `ds` and `sk`: the blocks that have branches, and the identity that goes around them.

With stride 1 a present block adds its input with probability P(C_in == C_out); an absent one *is*
its input with that probability, and else a 1x1 convolution, BatchNorm and ReLU. So the identity
does not depend on whether the block is there. These probabilities are scalars on the narrow maps
between blocks, the only thing besides activations and gates that ever multiplies a map.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import keras
import tensorflow as tf

from .architecture import SKIP_ACTIVATION, Block
from .batch_norm import FusedBatchNormalization
from .convolutions import MaskedConv2D, MaskedDepthwiseConv2D
from .masked_block import MaskedBlock, MaskedConvolution
from .masks import BlockMasks
from .normalized_activation import Added
from .rounding import hidden_channels, se_channels
from .space import SpaceBlock
from .squeeze_excite import MaskedSqueezeExcite


@keras.saving.register_keras_serializable(package="fbnetv2_tf")
class SeparableBranch(MaskedBlock):
    """[expand], depthwise, [squeeze-and-excite], project: what `ir` and `ds` do beside a residual.

    Args:
        block, input_channels: as in `MaskedBlock`.
        gamma_initializer: of the last BatchNorm.

    Call arguments:
        x, masks, training, momentum: as in `MaskedBlock`.
        scale: what multiplies the output by way of the last gamma and beta: a mask (channels,), a
            probability, or None.
        added: what is added to the output, see `FusedBatchNormalization`.
    """

    def __init__(self, *args: Any, gamma_initializer: str = "ones", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        block, hidden = self.block, self.hidden_channels
        self.gamma_initializer = gamma_initializer
        self.expand_conv = None
        if block.kind == "ir":
            self.expand_conv = self.inner(MaskedConv2D, hidden, name="expand_conv")
            self.expand_bn = self.inner(FusedBatchNormalization, name="expand_bn")
        kernel, stride = max(block.kernel), block.stride[0]
        self.depthwise_conv = self.inner(
            MaskedDepthwiseConv2D, kernel, stride, name="depthwise_conv"
        )
        self.depthwise_bn = self.inner(FusedBatchNormalization, name="depthwise_bn")
        self.se = None
        if max(block.se) > 0:
            squeezed = se_channels(hidden, max(block.se))
            arguments = (squeezed, block.se, block.activation)
            self.se = self.inner(MaskedSqueezeExcite, *arguments, name="se")
        self.project_conv = self.inner(MaskedConv2D, max(block.channels), name="project_conv")
        self.project_bn = self.inner(
            FusedBatchNormalization, gamma_initializer=gamma_initializer, name="project_bn"
        )

    @property
    def hidden_channels(self) -> int:
        """The largest width between the expansion and the projection."""
        channels = max(self.input_channels)
        is_expanded = self.block.kind == "ir"
        return hidden_channels(channels, max(self.block.expansion)) if is_expanded else channels

    def parts(self) -> Iterator[tuple[keras.layers.Layer, int]]:
        hidden = self.hidden_channels
        if self.expand_conv is not None:
            yield self.expand_conv, max(self.input_channels)
            yield self.expand_bn, hidden
        yield self.depthwise_conv, hidden
        yield self.depthwise_bn, hidden
        if self.se is not None:
            yield self.se, hidden
        yield self.project_conv, hidden
        yield self.project_bn, max(self.block.channels)

    def call(
        self,
        x: tf.Tensor,
        masks: BlockMasks,
        scale: Any = None,
        training: bool = False,
        momentum: Any = None,
        added: Added = (),
    ) -> tf.Tensor:
        phase = {"training": training, "momentum": momentum}
        if self.expand_conv is not None:
            x = self.expand_bn(self.expand_conv(x), **phase, **self.activation(masks))
        x = self.depthwise_conv(x, kernel_mask=masks.kernel)
        x = self.depthwise_bn(x, **phase, **self.activation(masks))
        if self.se is None:
            x = self.project_conv(x, input_mask=masks.hidden)
        else:
            x = self.project_conv(self.se(x, masks=masks))
        return self.project_bn(x, scale=scale, added=added, fixed=masks.fixed, **phase)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gamma_initializer": self.gamma_initializer}


@keras.saving.register_keras_serializable(package="fbnetv2_tf")
class MaskedInvertedResidual(MaskedBlock):
    """`ir`, `ds`, `ir/sk` and `ds/sk`: branch, residual and skip on one path."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.make_branches()
        self.skip = skip_convolution(self) if self.block.skippable else None

    def make_branches(self) -> None:
        """Makes what computes the block where it is not skipped."""
        self.branch = self.make_branch(self.block, name="branch")

    @property
    def all_branches(self) -> list[SeparableBranch]:
        """What `make_branches` made."""
        return [self.branch]

    def parts(self) -> Iterator[tuple[keras.layers.Layer, int]]:
        for layer in [*self.all_branches, *([] if self.skip is None else [self.skip])]:
            yield layer, max(self.input_channels)

    def make_branch(self, block: SpaceBlock, name: str) -> SeparableBranch:
        """A branch; its last gamma starts at 0 where there is always a residual, and no skip."""
        gamma = "zeros" if self.keeps_shape and not self.block.skippable else "ones"
        return self.inner(
            SeparableBranch, block, self.input_channels, gamma_initializer=gamma, name=name
        )

    def layer_for(self, block: Block) -> keras.layers.Layer:
        return self.skip if block.kind == "sk" else self.branch_for(block)

    def branch_for(self, block: Block) -> SeparableBranch:
        """The branch that computes `block`, which is not a skip."""
        return self.branch

    def call(
        self, x: tf.Tensor, masks: BlockMasks, training: bool = False, momentum: Any = None
    ) -> tf.Tensor:
        phase = {"training": training, "momentum": momentum}
        y = self.branches(x, masks, phase, residual(self, x, masks.same))
        if self.skip is None:
            return y
        of_skip = replace(masks, scale=masks.output, kernel=None)
        return self.skip(x, masks=of_skip, gain=masks.gain, added=[(y, None)], **phase)

    def branches(
        self, x: tf.Tensor, masks: BlockMasks, phase: dict[str, Any], added: Added
    ) -> tf.Tensor:
        """What the block computes beside its residual, times its scale, and `added` to it."""
        return self.branch(x, masks=masks, scale=masks.scale, added=added, **phase)


@keras.saving.register_keras_serializable(package="fbnetv2_tf")
class MaskedSkip(MaskedBlock):
    """`sk` as a block of its own: the identity with probability P(C_in == C_out), else a 1x1."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.skip = skip_convolution(self)

    def parts(self) -> Iterator[tuple[keras.layers.Layer, int]]:
        if self.skip is not None:
            yield self.skip, max(self.input_channels)

    def layer_for(self, block: Block) -> keras.layers.Layer:
        return self.skip

    def call(
        self, x: tf.Tensor, masks: BlockMasks, training: bool = False, momentum: Any = None
    ) -> tf.Tensor:
        if self.skip is None:
            return x
        added = residual(self, x, masks.same)
        phase = {"training": training, "momentum": momentum}
        return self.skip(x, masks=masks, gain=masks.gain, added=added, **phase)


def skip_convolution(layer: MaskedBlock) -> MaskedConvolution | None:
    """The 1x1 convolution, BatchNorm and activation of a skip; None where it is the identity."""
    if layer.keeps_shape:
        return None
    block = layer.block
    activation = (SKIP_ACTIVATION,) if block.skippable else block.activation
    convolution = SpaceBlock(
        ("cn",), kernel=(1,), stride=block.stride, channels=block.channels, activation=activation
    )
    return layer.inner(MaskedConvolution, convolution, layer.input_channels, name="skip")


def residual(layer: MaskedBlock, x: tf.Tensor, probability: Any) -> Added:
    """What a block of input x adds to its output: x, cut or padded to the largest output width.

    Channels of x beyond that width are dropped: where they are not zero the probability is.
    """
    is_searched = isinstance(probability, tf.Tensor)
    if not is_searched and not probability:
        return []
    missing = max(layer.output_channels) - x.shape[-1]
    # Where nothing is to be cut a slice would still have a gradient that copies the map.
    x = tf.cast(x if missing >= 0 else x[..., :missing], layer.compute_dtype)
    if missing > 0:
        x = tf.pad(x, [[0, 0], [0, 0], [0, 0], [0, missing]])
    return [(x, probability if is_searched else None)]
