"""Each kind of block as layers: the one place where the network of METHOD's rules is put together.

Layer names and their order are those of `fbnetv2_tf.counting.block_operators`: a test holds the two
against each other, and a supernet's weights find their layers by these names.
"""

from __future__ import annotations

from typing import cast

from fbnetv2_tf.architecture import Block
from fbnetv2_tf.rounding import hidden_channels, se_channels

from .layers import BlockLayers, LayerStyle, Tensor


def apply_block(
    style: LayerStyle, position: int, block: Block, x: Tensor, drop_rate: float = 0.0
) -> Tensor:
    """Puts the layers of a block on a map.

    Args:
        style: how layers are made.
        position: the block's position in the text, which names its layers.
        block: any kind but `in` and `fc`.
        x: the map (batch, height, width, channels).
        drop_rate: the probability that training leaves out the branch beside a residual.

    Returns:
        The block's output (batch, height / stride, width / stride, channels).
    """
    layers = BlockLayers(style, position)
    if block.kind == "pl":
        return layers.mean(x, "pool")
    if block.kind == "cn":
        return _plain(layers, block, x, kernel=cast(int, block.kernel))
    if block.kind == "sk":
        identity = block.stride == 1 and int(x.shape[-1]) == block.channels
        return x if identity else _plain(layers, block, x, kernel=1)
    if block.kind == "ip":
        return _pooled_head(layers, block, x)
    return _separable(layers, block, x, drop_rate)


def _plain(layers: BlockLayers, block: Block, x: Tensor, kernel: int) -> Tensor:
    """Convolution, BatchNorm, activation."""
    x = layers.convolution(x, "conv", cast(int, block.channels), kernel, cast(int, block.stride))
    x = layers.norm(x, "bn")
    return layers.activate(x, "act", cast(str, block.activation))


def _separable(layers: BlockLayers, block: Block, x: Tensor, drop_rate: float) -> Tensor:
    """`ds` and `ir`: [expansion], depthwise, [squeeze-and-excite], projection, [residual]."""
    inputs, activation = x, cast(str, block.activation)
    has_residual = block.stride == 1 and int(x.shape[-1]) == block.channels
    if block.kind == "ir":
        x = _expand(layers, block, x)
    x = layers.depthwise(x, cast(int, block.kernel), cast(int, block.stride))
    x = layers.norm(x, "depthwise_bn")
    x = layers.activate(x, "depthwise_act", activation)
    if block.se:
        x = layers.squeeze_and_excite(x, se_channels(int(x.shape[-1]), block.se), activation)
    x = layers.convolution(x, "project_conv", cast(int, block.channels))
    x = layers.norm(x, "project_bn", before_residual=has_residual)
    if not has_residual:
        return x
    return layers.make("Add", "add")([inputs, layers.drop_path(x, drop_rate)])


def _expand(layers: BlockLayers, block: Block, x: Tensor) -> Tensor:
    hidden = hidden_channels(int(x.shape[-1]), block.expansion)
    x = layers.norm(layers.convolution(x, "expand_conv", hidden), "expand_bn")
    return layers.activate(x, "expand_act", cast(str, block.activation))


def _pooled_head(layers: BlockLayers, block: Block, x: Tensor) -> Tensor:
    """`ip`: expansion, mean of the map, 1x1 without BatchNorm, activation."""
    x = layers.mean(_expand(layers, block, x), "pool")
    x = layers.convolution(
        x, "project_conv", cast(int, block.channels), use_bias=layers.style.head_bias
    )
    return layers.activate(x, "project_act", cast(str, block.activation))


def apply_classifier(
    style: LayerStyle, position: int, classes: int, x: Tensor, dropout: float
) -> Tensor:
    """`fc`: the mean of the map, [dropout], and the logits (batch, classes)."""
    layers = BlockLayers(style, position)
    is_vector = tuple(x.shape[1:3]) == (1, 1)
    x = layers.make("Flatten" if is_vector else "GlobalAveragePooling2D", "pool")(x)
    if dropout:
        x = layers.make("Dropout", "dropout", rate=dropout)(x)
    return layers.make("Dense", "dense", units=classes, dtype=style.logits_dtype)(x)
