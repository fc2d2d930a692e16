"""The expected peak of activation memory: exact, differentiable, an integer at one-hot weights.

The peak is the greatest of the blocks' peaks, and neighbours share a width, so its expectation is
not the greatest of expectations. But `P(peak <= t)` is the probability that every block stays
within t, which a pass along the chain gives exactly for all t at once, and
`E[peak] = t_0 + sum_k (t_{k+1} - t_k) * P(peak > t_k)` over the values that it can have. Every
block that can be the peak gets a gradient: a smooth maximum without a parameter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from .choices_layout import choice_name
from .cost_tables import AXES, BlockTables

LARGEST = 4096
"""Different values of the peak; where a space has more, they are rounded up to that many."""

OPTIONS = tuple(axis for axis in AXES if axis not in ("input", "channels"))


@dataclass(frozen=True)
class _Block:
    """One block: where each value of the peak stands among the sorted costs of its options."""

    tables: BlockTables
    order: np.ndarray
    places: np.ndarray


class ExpectedPeak:
    """`E[peak]` at one input resolution as a function of the probabilities of the choices.

    Args:
        tables: of all blocks, in the resource `activation_bytes`.
    """

    def __init__(self, tables: Sequence[BlockTables]) -> None:
        costs = [_option_costs(block) for block in tables]
        least = max(int(cost.min()) for cost in costs)
        values = np.unique(np.concatenate([cost.ravel() for cost in costs]))
        self.values = values[values >= least]
        if len(self.values) > LARGEST:
            self.values = self.values[:: -(-len(self.values) // LARGEST)]
            self.values = np.unique(np.append(self.values, values[-1]))
        self.blocks = [self._block(*pair) for pair in zip(tables, costs, strict=True)]

    def __call__(self, weights: Mapping[str, Any]) -> tf.Tensor:
        """The expectation, float64 scalar; `weights` as in `ExpectedCost`, in float64."""
        within = tf.ones([len(self.values), 1], tf.float64)
        for block in self.blocks:
            within = self._step(block, within, weights)
        above = 1.0 - tf.reduce_sum(within, axis=1)[:-1]
        steps = np.diff(self.values).astype(np.float64)
        return float(self.values[0]) + tf.reduce_sum(steps * above)

    def _block(self, tables: BlockTables, costs: np.ndarray) -> _Block:
        order = np.argsort(costs, axis=-1, kind="stable")
        ordered = np.take_along_axis(costs, order, axis=-1)
        flat = ordered.reshape(-1, ordered.shape[-1])
        places = np.stack([np.searchsorted(row, self.values, side="right") for row in flat])
        return _Block(tables, order, places.reshape(*costs.shape[:2], -1))

    def _step(self, block: _Block, within: tf.Tensor, weights: Mapping[str, Any]) -> tf.Tensor:
        """(values, input widths) -> (values, output widths): P(no peak so far is above, width)."""
        options = _option_probabilities(block.tables, weights)
        sums = tf.cumsum(tf.gather(options, block.order), axis=-1)
        sums = tf.pad(sums, [[0, 0], [0, 0], [1, 0]])
        below = tf.gather(sums, block.places, batch_dims=2)
        if not block.tables.block.channels:
            return within * tf.transpose(below[:, 0, :])
        moved = tf.einsum("ti,iot->to", within, below)
        if len(block.tables.block.channels) == 1:
            return moved
        return moved * weights[choice_name(block.tables.index, "channels")][None, :]


def _option_costs(tables: BlockTables) -> np.ndarray:
    """(input widths, output widths, options); the last option is the skip where there is one."""
    present = np.moveaxis(tables.present[0], AXES.index("channels"), 1)
    shape = (len(tables.input_channels), max(1, len(tables.block.channels)))
    costs = np.broadcast_to(present, (*shape, *present.shape[2:])).reshape(*shape, -1)
    if tables.block.skippable:
        skipped = np.moveaxis(tables.skipped[0], AXES.index("channels"), 1)
        skipped = np.broadcast_to(skipped, (*shape, 1, 1, 1, 1)).reshape(*shape, 1)
        costs = np.concatenate([costs, skipped], axis=-1)
    return costs


def _option_probabilities(tables: BlockTables, weights: Mapping[str, Any]) -> tf.Tensor:
    probability = tf.ones([1], tf.float64)
    for axis in OPTIONS:
        if tables.present[0].shape[AXES.index(axis)] > 1:
            vector = weights[choice_name(tables.index, axis)]
            probability = tf.reshape(probability[:, None] * vector[None, :], [-1])
    if tables.block.skippable:
        kind = weights[choice_name(tables.index, "kind")]
        probability = tf.concat([kind[0] * probability, kind[1:]], axis=0)
    return probability
