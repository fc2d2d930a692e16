"""Which part of a supernet's weights belongs to a child: prefixes of channels, centres of kernels.

The result is keyed by the child's layer names, in the order of a Keras layer's weights. `value` may
map a variable to anything of its shape, so that gradients are cut out by the same rules (law 1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import keras
import numpy as np

from .architecture import Architecture, Block
from .counting import layer_name, walk
from .rounding import hidden_channels, kernel_start, se_channels
from .supernet import Supernet

Value = Callable[[Any], np.ndarray]
Weights = dict[str, list[np.ndarray]]


def inherited_weights(
    net: Supernet, architecture: Architecture, value: Value = keras.ops.convert_to_numpy
) -> Weights:
    """The child's weights, cut out of the supernet's.

    Args:
        net: the supernet.
        architecture: of its space.
        value: what to take of each variable, an array of its shape; the variable's own value by
            default.

    Returns:
        Layer name of `build_model(architecture)` -> its arrays. Moving statistics are included.

    Raises:
        SpaceError: where the architecture is not in the space.
    """
    net.space.check(architecture)
    weights: Weights = {}
    for index, block, side, channels in walk(architecture):
        layer = net.block_for(index, block)
        for name, arrays in _block(layer, block, (side, channels), value):
            weights[layer_name(index, name)] = arrays
    return weights


def _block(
    layer: Any, block: Block, shape: tuple[int, int], value: Value
) -> Iterator[tuple[str, list[np.ndarray]]]:
    side, c_in = shape
    is_identity = block.kind == "sk" and block.stride == 1 and c_in == block.channels
    if block.kind in ("cn", "sk") and not is_identity:
        kernel = _spatial(value(layer.conv.kernel), block, side)
        yield "conv", [_pointwise(kernel, c_in, block.channels)]
        yield "bn", _norm(layer.bn, block.channels, value)
    elif block.kind in ("ds", "ir"):
        yield from _separable(layer, block, shape, value)
    elif block.kind == "ip":
        hidden = hidden_channels(c_in, block.expansion)
        yield "expand_conv", [_pointwise(value(layer.expand_conv.kernel), c_in, hidden)]
        yield "expand_bn", _norm(layer.expand_bn, hidden, value)
        yield "project_conv", [_pointwise(value(layer.project_conv.kernel), hidden, block.channels)]
    elif block.kind == "fc":
        yield "dense", [value(layer.dense.kernel)[:c_in], value(layer.dense.bias)]


def _separable(
    layer: Any, block: Block, shape: tuple[int, int], value: Value
) -> Iterator[tuple[str, list[np.ndarray]]]:
    side, hidden = shape
    if block.kind == "ir":
        c_in, hidden = hidden, hidden_channels(hidden, block.expansion)
        yield "expand_conv", [_pointwise(value(layer.expand_conv.kernel), c_in, hidden)]
        yield "expand_bn", _norm(layer.expand_bn, hidden, value)
    kernel = _spatial(value(layer.depthwise_conv.kernel), block, side)
    yield "depthwise_conv", [kernel[:, :, :hidden]]
    yield "depthwise_bn", _norm(layer.depthwise_bn, hidden, value)
    if block.se:
        squeezed, se = se_channels(hidden, block.se), layer.se
        reduce, expand = value(se.reduce_kernel), value(se.expand_kernel)
        yield (
            "se_reduce",
            [reduce[None, None, :hidden, :squeezed], value(se.reduce_bias)[:squeezed]],
        )
        yield "se_expand", [expand[None, None, :squeezed, :hidden], value(se.expand_bias)[:hidden]]
    yield "project_conv", [_pointwise(value(layer.project_conv.kernel), hidden, block.channels)]
    yield "project_bn", _norm(layer.project_bn, block.channels, value)


def _spatial(kernel: np.ndarray, block: Block, side: int) -> np.ndarray:
    """The part of the largest kernel that the chosen one is; a skip's is 1x1."""
    chosen, stride = block.kernel or 1, cast(int, block.stride)
    start = kernel_start(chosen, kernel.shape[0], side, stride)
    return kernel[start : start + chosen, start : start + chosen]


def _pointwise(kernel: np.ndarray, c_in: int, c_out: Any) -> np.ndarray:
    return kernel[:, :, :c_in, :c_out]


def _norm(layer: Any, channels: Any, value: Value) -> list[np.ndarray]:
    variables = (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
    return [value(variable)[:channels] for variable in variables]
