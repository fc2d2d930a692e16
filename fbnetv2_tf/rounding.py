"""Channel counts as the released FBNetV2 models round them, for numbers and for NumPy arrays alike.

Source: METHOD "exact counting rules"; the rule is MobileNetV2's `make_divisible` with divisor 8.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def round8(width: Any) -> Any:
    """Rounds a width to the nearest multiple of 8, half up, never below 95 % of it.

    `r = max(8, floor(width / 8 + 1/2) * 8)`, and `r + 8` where `r < 0.95 * width`.

    Args:
        width: a positive number, or an array of them.

    Returns:
        An int for a number, an int64 array for an array.

    Example:
        >>> round8(24 * 4.7912), round8(3), round8(11.6)
        (112, 8, 16)
    """
    rounded = np.maximum(8, np.floor(np.asarray(width, np.float64) / 8 + 0.5) * 8)
    rounded = (rounded + 8 * (rounded < 0.95 * np.asarray(width, np.float64))).astype(np.int64)
    return int(rounded) if rounded.ndim == 0 else rounded


def hidden_channels(input_channels: Any, expansion: Any) -> Any:
    """The hidden width of an inverted residual or a head: `round8(input_channels * expansion)`.

    Example:
        >>> hidden_channels(8, 5.4566)
        48
    """
    return round8(np.multiply(input_channels, expansion))


def se_channels(hidden: Any, ratio: Any) -> Any:
    """The width between the two layers of squeeze-and-excite: `round8(int(hidden * ratio))`.

    A ratio of 0 means that there is no squeeze-and-excite; the width is then 0.

    Example:
        >>> se_channels(112, 0.25), se_channels(112, 0)
        (32, 0)
    """
    product = np.trunc(np.multiply(hidden, ratio))
    width = round8(product) * np.greater(ratio, 0)
    return int(width) if np.ndim(width) == 0 else width


def output_side(side: int, stride: int) -> int:
    """The side of a map after a "same"-padded layer: `ceil(side / stride)` pixels."""
    return -(-side // stride)


def kernel_start(kernel: int, largest: int, side: int, stride: int) -> int:
    """Where a smaller kernel begins inside the largest one, so that both read the same pixels.

    "Same" padding puts `max((ceil(side / stride) - 1) * stride + kernel - side, 0) // 2` pixels
    before the map. The difference of two kernels' paddings is mostly the centre; a 1x1 of stride 2
    on a map of even side is not in the centre of a 3x3.

    Example:
        >>> kernel_start(3, 5, side=14, stride=2), kernel_start(1, 3, side=14, stride=2)
        (1, 0)
    """
    covered = (output_side(side, stride) - 1) * stride - side
    return max(covered + largest, 0) // 2 - max(covered + kernel, 0) // 2
