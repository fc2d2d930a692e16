"""The expected cost of a supernet: exact, differentiable, and an integer at one-hot weights.

`E[cost] = sum over operators of sum over joint alternatives of P(alternatives) * cost`. The choices
are independent of each other, the costs are not independent of the choices, so each operator's
integer table is contracted with the probabilities of the choices that it depends on. In float64
every integer below 2**53 is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from .choices_layout import choice_name
from .cost_tables import AXES, PEAK, BlockTables, space_tables
from .expected_peak import ExpectedPeak
from .space import Space


class ExpectedCost:
    """`E[resource]` of a space as a function of the probabilities of its choices.

    Args:
        space: the space.
        resource: `macs`, `weights`, `parameters`, `pooled_elements`, `activation_bytes` or
            `latency_ns`.
        latency: the latency table, for `latency_ns`.

    Example:
        >>> from fbnetv2_tf.space import parse_space
        >>> cost = ExpectedCost(parse_space("in_hw8_c3 cn_k3_s2_c8/16_nre fc_c2"), "macs")
        >>> float(cost({"b01_channels": tf.constant([0.5, 0.5])}))
        5208.0
    """

    def __init__(self, space: Space, resource: str, latency: Any = None) -> None:
        self.resource = resource
        self.sides = space.sides
        make = ExpectedPeak if resource == PEAK else _ExpectedSum
        self.costs = [
            make(list(space_tables(space, side, resource, latency))) for side in space.sides
        ]

    def __call__(self, weights: Mapping[str, Any]) -> tf.Tensor:
        """The expectation.

        Args:
            weights: choice name -> probabilities (alternatives,); a choice that is not there has
                one alternative.

        Returns:
            float64 scalar.
        """
        by_side = self.by_side(weights)
        if len(self.sides) == 1:
            return by_side[0]
        return tf.tensordot(tf.cast(weights[choice_name(0, "side")], tf.float64), by_side, 1)

    def by_side(self, weights: Mapping[str, Any]) -> tf.Tensor:
        """The expectation at each input resolution, float64 (sides,)."""
        exact = {name: tf.cast(vector, tf.float64) for name, vector in weights.items()}
        return tf.stack([cost(exact) for cost in self.costs])


class _ExpectedSum:
    """The expectation of a cost that is a sum over blocks, at one resolution."""

    def __init__(self, tables: list[BlockTables]) -> None:
        self.tables = tables

    def __call__(self, weights: dict[str, tf.Tensor]) -> tf.Tensor:
        return tf.add_n([self._block(tables, weights) for tables in self.tables])

    def _block(self, tables: BlockTables, weights: dict[str, tf.Tensor]) -> tf.Tensor:
        vectors = {axis: weights.get(choice_name(tables.index, axis)) for axis in AXES[1:]}
        vectors["input"] = weights.get(choice_name(tables.source, "channels"))
        present = _total(tables.present, vectors)
        if not tables.block.skippable:
            return present
        kind = weights[choice_name(tables.index, "kind")]
        return kind[0] * present + kind[1] * _total(tables.skipped, vectors)


def _total(tables: tuple[np.ndarray, ...], vectors: Mapping[str, Any]) -> tf.Tensor:
    if not tables:
        return tf.constant(0.0, tf.float64)
    return tf.add_n([_expectation(table, vectors) for table in tables])


def _expectation(table: np.ndarray, vectors: Mapping[str, Any]) -> tf.Tensor:
    """Contracts a table with the probabilities along its axes, the last axis first."""
    result = tf.constant(table.squeeze(), tf.float64)
    for axis, extent in zip(reversed(AXES), reversed(table.shape), strict=True):
        if extent > 1:
            result = tf.linalg.matvec(_matrix(result), vectors[axis])
            result = tf.reshape(result, _rest(table, axis))
    return result


def _matrix(result: tf.Tensor) -> tf.Tensor:
    return tf.reshape(result, [-1, result.shape[-1]])


def _rest(table: np.ndarray, axis: str) -> list[int]:
    """The extents, above 1, of the axes before `axis`."""
    return [extent for extent in table.shape[: AXES.index(axis)] if extent > 1]
