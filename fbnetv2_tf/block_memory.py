"""The peak activation memory of a network: the most tensor bytes that live at one time.

Operators run one after the other, as an interpreter runs an int8 .tflite file at batch 1: while one
runs, its inputs, its output, and the input of a residual that is added later are alive. A
convolution has its BatchNorm, relu and relu6 inside it; hard-swish and swish are operators of
their own that hold three maps. Nothing is computed in place. One element is one byte; a float32
file takes four times as much.

Only blocks that follow each other share a tensor, so the peak of a network is the greatest of
the peaks of its blocks: a limit on it is a limit on each block.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .architecture import Architecture
from .counting import walk
from .rounding import hidden_channels, output_side, se_channels

WORKING_MAPS = {"re": 0, "r6": 0, "hs": 3, "sw": 3}
"""Maps alive while an activation runs that is not part of the operator before it."""


def peak_activation_bytes(architecture: Architecture) -> int:
    """The peak for one image, int8.

    Example:
        >>> from .architecture import parse_architecture
        >>> peak_activation_bytes(parse_architecture("in_hw8_c3 cn_k3_s2_c8_nre fc_c2"))
        320
    """
    return max(
        int(
            block_peak(
                block.kind,
                side=side,
                input_channels=channels,
                stride=block.stride or 1,
                expansion=block.expansion,
                channels=block.channels,
                se=block.se,
                activation=block.activation,
            )
        )
        for _, block, side, channels in walk(architecture)
    )


def block_peak(
    kind: str,
    *,
    side: int,
    input_channels: Any,
    stride: int = 1,
    expansion: Any = None,
    channels: Any = None,
    se: Any = None,
    activation: Any = None,
) -> Any:
    """The most bytes alive within a block; arguments as in `counting.block_operators`.

    Args:
        kind, side, stride: of the block.
        input_channels, expansion, channels, se, activation: numbers and a word, or arrays that
            broadcast.

    Returns:
        An int64 scalar or array.
    """
    before, after = side * side, output_side(side, stride) ** 2
    x = before * np.asarray(input_channels)
    maps = _working_maps(activation)
    if kind == "cn":
        y = after * np.asarray(channels)
        return _most(x + y, maps * y)
    if kind == "sk":
        y = after * np.asarray(channels)
        is_identity = (stride == 1) & np.equal(input_channels, channels)
        return np.where(is_identity, x, _most(x + y, maps * y))
    if kind in ("ds", "ir"):
        hidden = input_channels if kind == "ds" else hidden_channels(input_channels, expansion)
        areas = (before, after)
        return _separable(kind, x, areas, stride, input_channels, hidden, channels, se, maps)
    if kind == "ip":
        hidden = np.asarray(hidden_channels(input_channels, expansion))
        wide = before * hidden
        return _most(x + wide, maps * wide, wide + hidden, hidden + channels)
    if kind == "pl":
        return x + input_channels
    return _most(x + input_channels, np.add(input_channels, channels))


def _separable(
    kind: str,
    x: Any,
    areas: tuple[int, int],
    stride: int,
    input_channels: Any,
    hidden: Any,
    channels: Any,
    se: Any,
    maps: Any,
) -> Any:
    before, after = areas
    read, filtered, y = before * np.asarray(hidden), after * np.asarray(hidden), after * channels
    has_residual = np.equal(input_channels, channels) if stride == 1 else np.False_
    kept = np.where(has_residual, x, 0)
    squeezed, gated = se_channels(hidden, se), np.greater(se, 0)
    # A block without expansion filters its input itself, which a residual keeps anyway.
    if kind == "ds":
        first = [x + filtered]
    else:
        first = [x + read, kept + maps * read, kept + read + filtered]
    live = [
        *first,
        kept + maps * filtered,
        gated * (kept + filtered + hidden + squeezed),
        gated * (kept + 2 * filtered + hidden),
        kept + filtered + y,
        has_residual * (x + 2 * y),
    ]
    return _most(*live)


def _working_maps(activation: Any) -> Any:
    if activation is None:
        return 0
    return np.vectorize(WORKING_MAPS.__getitem__, otypes=[np.int64])(activation)


def _most(*live: Any) -> Any:
    result = np.asarray(live[0])
    for other in live[1:]:
        result = np.maximum(result, other)
    return result.astype(np.int64)
