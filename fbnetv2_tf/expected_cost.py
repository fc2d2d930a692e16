"""The expected cost of a supernet: exact, differentiable, and an integer at one-hot weights.

`E[cost] = sum over operators of sum over joint alternatives of P(alternatives) * cost`. The choices
are independent of each other, the costs are not independent of the choices, so each operator's
integer table is contracted with the probabilities of the choices that it depends on. In float64
every integer below 2**53 is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from .choice_weights import padded_rows
from .choices_layout import choice_name, searched
from .cost_tables import PEAK, space_tables
from .expected_peak import ExpectedPeak
from .expected_sum import ExpectedSum
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
        tables = [list(space_tables(space, side, resource, latency)) for side in space.sides]
        self.alternatives = {name: len(values) for name, values in searched(space).items()}
        is_peak = resource == PEAK
        self.peaks = [ExpectedPeak(of_side) for of_side in tables] if is_peak else []
        self.sum = None if is_peak else ExpectedSum(tables, self.alternatives)

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
        if self.sum is not None:
            return self.sum(padded_rows(weights, self.alternatives))
        exact = {name: tf.cast(vector, tf.float64) for name, vector in weights.items()}
        return tf.stack([peak(exact) for peak in self.peaks])
