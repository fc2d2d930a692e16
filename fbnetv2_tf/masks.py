"""Masks: a weighted choice among widths or kernels as one vector that multiplies parameters.

FBNetV2 section 3.1: candidates of several widths, padded to the largest and summed with weights
`g_i`, equal one path times `M = sum_i g_i 1_i`, where `1_i` is 1 on the first `C_i` channels. The
candidates here are integers known when the graph is built; only their weights are tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from .rounding import hidden_channels, kernel_start, se_channels


@dataclass(frozen=True)
class Width:
    """A channel count that is one of several, each with a weight.

    Attributes:
        channels: the candidates, positive ints, each once.
        weights: float32 tensor (candidates,), summing to 1.
    """

    channels: tuple[int, ...]
    weights: Any

    @property
    def is_fixed(self) -> bool:
        """Whether there is nothing to choose, so that no mask is needed."""
        return len(self.channels) == 1

    def mask(self) -> tf.Tensor | None:
        """`M = sum_i g_i 1_i`, of max(channels) entries; None for a fixed width."""
        if self.is_fixed:
            return None
        return contract(self.weights, prefix_masks(self.channels))

    def expanded(self, expansions: Sequence[float], weights: Any) -> Width:
        """The hidden width `round8(C_in * e)`, joint in the input width and the expansion."""
        table = hidden_channels(np.array(self.channels)[:, None], np.array(expansions)[None, :])
        return _joint(table, self.weights, weights)

    def squeezed(self, ratios: Sequence[float], weights: Any) -> Width:
        """The SE width `round8(int(hidden * ratio))`, given that there is squeeze-and-excite.

        Ratios of 0 are left out and the weights of the others made to sum to 1.
        """
        on = [i for i, ratio in enumerate(ratios) if ratio > 0]
        table = se_channels(np.array(self.channels)[:, None], np.array(ratios)[None, on])
        if len(on) == 1:
            return _joint(table, self.weights, tf.ones([1]))
        chosen = tf.gather(weights, on)
        return _joint(table, self.weights, tf.math.divide_no_nan(chosen, tf.reduce_sum(chosen)))

    def equals(self, other: Width) -> Any:
        """`P(C == C')` for independent widths: a scalar tensor, or the number 0.0 or 1.0.

        A residual exists with this probability (law 1): only then do the shapes agree.
        """
        same = np.equal.outer(self.channels, other.channels)
        if not same.any():
            return 0.0
        if self.is_fixed and other.is_fixed:
            return 1.0
        joint = tf.linalg.matvec(tf.constant(same, tf.float32), other.weights)
        return tf.tensordot(self.weights, joint, 1)


def fixed_width(channels: int) -> Width:
    """A width with nothing to choose."""
    return Width((channels,), tf.ones([1]))


def prefix_masks(channels: Sequence[int]) -> np.ndarray:
    """The 0/1 rows `1_i`, shape (candidates, largest).

    Example:
        >>> prefix_masks([1, 3])
        array([[1., 0., 0.],
               [1., 1., 1.]], dtype=float32)
    """
    return (np.arange(max(channels)) < np.array(channels)[:, None]).astype(np.float32)


def kernel_places(kernels: Sequence[int], side: int, stride: int) -> list[int]:
    """Where each kernel begins inside the largest, see `kernel_start`."""
    return [kernel_start(kernel, max(kernels), side, stride) for kernel in kernels]


def kernel_masks(kernels: Sequence[int], side: int, stride: int) -> np.ndarray:
    """The 0/1 squares of the kernels inside the largest, shape (candidates, largest, largest).

    Args:
        kernels: odd sides.
        side: of the map that the kernels read, pixels; it decides where "same" padding puts them.
        stride: 1 or 2.
    """
    largest = max(kernels)
    masks = np.zeros((len(kernels), largest, largest), np.float32)
    starts = kernel_places(kernels, side, stride)
    for mask, kernel, start in zip(masks, kernels, starts, strict=True):
        mask[start : start + kernel, start : start + kernel] = 1
    return masks


def kernel_mask(kernels: Sequence[int], weights: Any, side: int, stride: int) -> tf.Tensor | None:
    """`core + (1 - core) * P(k = 5)` for 3 and 5; shape (largest, largest), None if fixed."""
    if len(kernels) == 1:
        return None
    masks = kernel_masks(kernels, side, stride)
    flat = contract(weights, masks.reshape(len(kernels), -1))
    return tf.reshape(flat, masks.shape[1:])


def contract(weights: Any, table: np.ndarray) -> tf.Tensor:
    """`sum_i g_i table_i`: weights (candidates,) and a table (candidates, n) give (n,)."""
    return tf.linalg.matvec(tf.constant(table), weights, transpose_a=True)


def _joint(table: np.ndarray, rows: Any, columns: Any) -> Width:
    """The distribution of `table[i, j]` for independent i and j; equal entries are merged."""
    values, places = np.unique(table, return_inverse=True)
    if len(values) == 1:
        return fixed_width(int(values[0]))
    pairs = tf.reshape(rows[:, None] * columns[None, :], [-1])
    # Not a product with a 0/1 matrix: of 32 by 32 pairs every block would have 100 KiB of it.
    merged = tf.math.unsorted_segment_sum(pairs, places.reshape(-1).astype(np.int32), len(values))
    return Width(tuple(int(v) for v in values), merged)
