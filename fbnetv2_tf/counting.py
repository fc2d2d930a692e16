"""What an architecture costs: multiply-adds, weights, parameters, activation memory.

The rules are those by which the FBNetV2 authors published their figures (METHOD "exact counting
rules"). The arithmetic of one operator is written once, for integers and for NumPy arrays alike:
with integers it gives `count`, with arrays of alternatives it gives the joint cost tables from
which a supernet takes its exact expectation (law 2), so that the two cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .architecture import Architecture, Block
from .rounding import hidden_channels, output_side, se_channels

RESOURCES = ("macs", "weights", "parameters", "pooled_elements")
"""What is counted; each is a sum over the operators of a network."""


@dataclass(frozen=True)
class Operator:
    """One operator of a block. Numbers are ints, or broadcastable arrays over alternatives.

    Attributes:
        name: the Keras layer's name without its block, such as `expand_conv`.
        kind: `conv`, `depthwise`, `dense` or `pool`.
        side: side of the output map, pixels.
        channels: output channels.
        macs: multiply-adds of convolutions and classifier, biases not counted.
        weights: elements of their kernels.
        parameters: what training moves: kernels, biases, and two per channel of a BatchNorm.
        pooled_elements: elements of the input of a global mean.
    """

    name: str
    kind: str
    side: int
    channels: Any
    macs: Any = 0
    weights: Any = 0
    parameters: Any = 0
    pooled_elements: Any = 0


@dataclass(frozen=True)
class LayerCost:
    """One row of a cost table: an operator and where it stands.

    Attributes:
        block: position of its block in the text.
        name: the Keras layer's name, such as `b03_expand_conv`.
        kind: `conv`, `depthwise`, `dense` or `pool`.
        output_shape: (height, width, channels).
        macs, weights, parameters, pooled_elements: as in `Cost`.
        activation_bytes: the most that is alive while it runs, with what follows it up to the next
            row (activations, products, residual additions); 0 where nothing runs.
    """

    block: int
    name: str
    kind: str
    output_shape: tuple[int, int, int]
    macs: int
    weights: int
    parameters: int
    pooled_elements: int
    activation_bytes: int


@dataclass(frozen=True)
class Cost:
    """The cost of one network for one image.

    Attributes:
        macs: multiply-adds of all convolutions and the classifier.
        weights: elements of their kernels (what FBNetV2 publishes as "params").
        parameters: trainable parameters: kernels, biases, BatchNorm's gamma and beta.
        pooled_elements: input elements of every global mean (FBNetV2's "flops" are
            `macs + pooled_elements`).
        activation_bytes: the largest sum of tensors alive at once in the int8 file that
            `export_tflite` writes by default; how they lie in memory is `arena_planning`'s.
        activation_bytes_float32: the same of the float32 file, whose hard-swish is one operator.
        layers: the same, operator by operator.
    """

    macs: int
    weights: int
    parameters: int
    pooled_elements: int
    activation_bytes: int
    activation_bytes_float32: int
    layers: tuple[LayerCost, ...]


def count(architecture: Architecture) -> Cost:
    """Counts a network from its text alone; nothing is built.

    Example:
        >>> from fbnetv2_tf.architecture import parse_architecture
        >>> cost = count(parse_architecture("in_hw8_c3 cn_k3_s2_c8_nre fc_c2"))
        >>> cost.macs, cost.weights, cost.parameters, cost.pooled_elements
        (3472, 232, 250, 128)
    """
    from .execution import live_elements  # which walks the blocks by this module

    operators = [
        (index, operator)
        for index, block, side, channels in walk(architecture)
        for operator in block_operators(
            block.kind,
            side=side,
            input_channels=channels,
            kernel=block.kernel,
            stride=block.stride or 1,
            expansion=block.expansion,
            channels=block.channels,
            se=block.se,
        )
    ]
    live = live_elements(architecture)
    peaks = _by_row([layer_name(index, operator.name) for index, operator in operators], live)
    rows = tuple(
        _row(index, operator, peak)
        for (index, operator), peak in zip(operators, peaks, strict=True)
    )
    return Cost(
        macs=sum(row.macs for row in rows),
        weights=sum(row.weights for row in rows),
        parameters=sum(row.parameters for row in rows),
        pooled_elements=sum(row.pooled_elements for row in rows),
        activation_bytes=max(live.values()),
        activation_bytes_float32=4 * max(live_elements(architecture, hard_swish="fused").values()),
        layers=rows,
    )


def _by_row(names: list[str], live: dict[str, int]) -> list[int]:
    """For each row the most that is alive until the next row's layer runs."""
    places = {name: place for place, name in enumerate(names)}
    peaks = [0] * len(names)
    place = 0
    for layer, elements in live.items():
        place = places.get(layer, place)
        peaks[place] = max(peaks[place], elements)
    return peaks


def _row(index: int, operator: Operator, activation_bytes: int) -> LayerCost:
    return LayerCost(
        block=index,
        name=layer_name(index, operator.name),
        kind=operator.kind,
        output_shape=(operator.side, operator.side, int(operator.channels)),
        macs=int(operator.macs),
        weights=int(operator.weights),
        parameters=int(operator.parameters),
        pooled_elements=int(operator.pooled_elements),
        activation_bytes=activation_bytes,
    )


def walk(architecture: Architecture) -> Iterator[tuple[int, Block, int, int]]:
    """The blocks after `in`: (position, block, side of its input, channels of its input)."""
    side, channels = architecture.side, architecture.input_channels
    for index, block in enumerate(architecture.blocks[1:], start=1):
        yield index, block, side, channels
        side = block_output_side(block.kind, block.stride or 1, side)
        channels = block.channels or channels


def block_output_side(kind: str, stride: int, side: int) -> int:
    """The side of a block's output map, pixels."""
    return 1 if kind in ("ip", "pl", "fc") else output_side(side, stride)


def layer_name(block: int, operator: str) -> str:
    """The name of a Keras layer.

    Example:
        >>> layer_name(3, "expand_conv")
        'b03_expand_conv'
    """
    return f"b{block:02d}_{operator}"


def block_operators(
    kind: str,
    *,
    side: int,
    input_channels: Any,
    kernel: Any = None,
    stride: int = 1,
    expansion: Any = None,
    channels: Any = None,
    se: Any = None,
) -> list[Operator]:
    """The operators of a block that reads a (side, side, input_channels) map.

    Args:
        kind: the block's kind.
        side: side of the input map, pixels.
        input_channels: of the map; it and what follows are numbers, or arrays that broadcast.
        kernel: side of the kernel.
        stride: 1 or 2, a number.
        expansion: hidden width over input width, before rounding.
        channels: of the output.
        se: squeeze-and-excite width over hidden width, 0 for none.

    Returns:
        The operators in execution order; where an argument was an array, so are their costs, with
        only the dimensions that the operator depends on.
    """
    out = output_side(side, stride)
    if kind == "cn":
        return [_convolution("conv", out, kernel, input_channels, channels)]
    if kind == "ds":
        return _separable(input_channels, out, kernel, channels, se)
    if kind == "ir":
        hidden = hidden_channels(input_channels, expansion)
        expand = _convolution("expand_conv", side, 1, input_channels, hidden)
        return [expand, *_separable(hidden, out, kernel, channels, se)]
    if kind == "sk":
        return _skip(out, stride, input_channels, channels)
    if kind == "ip":
        hidden = hidden_channels(input_channels, expansion)
        return [
            _convolution("expand_conv", side, 1, input_channels, hidden),
            _pool("pool", side, hidden),
            _convolution("project_conv", 1, 1, hidden, channels, per_channel=0),
        ]
    if kind == "pl":
        return [_pool("pool", side, input_channels)]
    if kind == "fc":
        weights = input_channels * channels
        dense = Operator("dense", "dense", 1, channels, weights, weights, weights + channels)
        return [_pool("pool", side, input_channels), dense]
    return []


def _convolution(
    name: str, side: int, kernel: Any, c_in: Any, c_out: Any, per_channel: int = 2, on: Any = 1
) -> Operator:
    weights = on * kernel * kernel * c_in * c_out
    parameters = weights + on * per_channel * c_out
    return Operator(name, "conv", side, c_out, side * side * weights, weights, parameters)


def _separable(hidden: Any, side: int, kernel: Any, channels: Any, se: Any) -> list[Operator]:
    """Depthwise, squeeze-and-excite where the ratio is not 0, projection."""
    weights = kernel * kernel * hidden
    macs = side * side * weights
    rows = [
        Operator("depthwise_conv", "depthwise", side, hidden, macs, weights, weights + 2 * hidden)
    ]
    if np.any(np.greater(se, 0)):
        on = np.greater(se, 0).astype(np.int64)
        squeezed = se_channels(hidden, se)
        pool = _pool("se_pool", side, hidden, on)
        rows += [
            pool,
            _convolution("se_reduce", 1, 1, hidden, squeezed, per_channel=1, on=on),
            _convolution("se_expand", 1, 1, squeezed, hidden, per_channel=1, on=on),
        ]
    return [*rows, _convolution("project_conv", side, 1, hidden, channels)]


def _skip(side: int, stride: int, c_in: Any, c_out: Any) -> list[Operator]:
    on = np.not_equal(c_in, c_out).astype(np.int64) if stride == 1 else np.int64(1)
    if not np.any(on):
        return []
    return [_convolution("conv", side, 1, c_in, c_out, on=on)]


def _pool(name: str, side: int, channels: Any, on: Any = 1) -> Operator:
    return Operator(name, "pool", 1, channels, pooled_elements=on * side * side * channels)
