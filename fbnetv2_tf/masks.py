"""Masks: weighted choices among widths and kernels as vectors that multiply parameters.

FBNetV2 section 3.1: candidates of several widths, padded to the largest and summed with weights
`g_i`, equal one path times `M = sum_i g_i 1_i`, where `1_i` is 1 on the first `C_i` channels. So
`M` is a staircase: its value at a channel is the probability that the width reaches beyond it.
Hidden widths and those of squeeze-and-excite follow from several choices together; kernels lie one
inside the other, so that their mask is a staircase too, from the centre outwards.

`masks_of` computes the masks of all blocks at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .rounding import kernel_start


@dataclass(frozen=True)
class BlockMasks:
    """What a block multiplies its parameters by, float32 tensors; None where nothing is searched.

    Attributes:
        kernel: (largest, largest, 1, 1).
        hidden: of the width after the expansion, (channels, 1).
        squeezed: of the width inside squeeze-and-excite given that there is one, (channels,).
        output: of the output's width, (channels,).
        scale: `output` times the probability that the block is there, (channels,) or a scalar.
        activation: the weights of the activations.
        excitation: the probability of squeeze-and-excite, a scalar.
        same: P(the output has the input's shape), a scalar, or the number 0.0 or 1.0 (law 1: only
            then is there a residual).
        gain: P(a skip is taken that changes the shape), a scalar.
        weights: field -> weights of the choice that all this was computed of.
        fixed: whether all this is constant for gradients, as in a step of the network's weights, so
            that none need be traced.
    """

    kernel: Any = None
    hidden: Any = None
    squeezed: Any = None
    output: Any = None
    scale: Any = None
    activation: Any = None
    excitation: Any = None
    same: Any = 0.0
    gain: Any = None
    weights: Mapping[str, Any] = field(default_factory=dict)
    fixed: bool = False


def kernel_places(kernels: Sequence[int], side: int, stride: int) -> list[int]:
    """Where each kernel begins inside the largest, see `kernel_start`."""
    return [kernel_start(kernel, max(kernels), side, stride) for kernel in kernels]


def kernel_steps(kernels: Sequence[int], side: int, stride: int) -> np.ndarray:
    """For each tap of the largest kernel the place of the smallest that has it, by size.

    Args:
        kernels: odd sides.
        side: of the map that the kernels read, pixels; it decides where "same" padding puts them.
        stride: 1 or 2.

    Example:
        >>> kernel_steps((3, 1), side=7, stride=1)
        array([[1, 1, 1],
               [1, 0, 1],
               [1, 1, 1]])
    """
    ascending, largest = sorted(kernels), max(kernels)
    steps = np.full((largest, largest), len(kernels) - 1)
    places = kernel_places(ascending, side, stride)
    for step, (kernel, start) in reversed(list(enumerate(zip(ascending, places, strict=True)))):
        steps[start : start + kernel, start : start + kernel] = step
    return steps
