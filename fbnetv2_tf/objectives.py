"""What an architecture step minimises: the task's loss, and how much the network may cost.

Two forms. `Budget` is a limit to be met; `PaperObjective` is the product of FBNet and FBNetV2,
which prices cost but aims at no limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from .errors import BudgetError
from .limits import LIMITS, read_limits


class Objective:
    """`total = objective(task_loss, costs)`, differentiable in both.

    Attributes:
        resources: the costs that it looks at.
        on_sample: whether it prices the sampled weights (the paper) or the distribution itself.
    """

    resources: tuple[str, ...] = ()
    on_sample = False

    def __call__(
        self, task_loss: tf.Tensor, costs: Mapping[str, tf.Tensor], temperature: tf.Tensor
    ) -> tf.Tensor:
        """The scalar to minimise.

        Args:
            task_loss: the mean loss of the batch.
            costs: resource -> expected cost, float64 scalars.
            temperature: of the sampling.
        """
        return task_loss

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Objective:
        """The objective of these arguments."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="fbnetv2_tf")
class Budget(Objective):
    """Holds expected costs at their limits: `loss + weight * penalty`.

    With `x_i = log(E_i / limit_i)`, which is free of units, the penalty is `sum_i max(0, x_i)`:
    every limit that is exceeded pulls down. Where none is, it is `-max_i x_i`: the tightest pulls
    upwards, since an unused budget is a worse network. For one limit that is `|x|`.
    The gradient of the task through softened choices grows as 1 / temperature, so the weight grows
    alike: `weight / temperature`.

    Args:
        max_macs: the most multiply-adds for one image.
        max_weights: the most weights.
        max_activation_kib: the most activation memory alive at one time, KiB, for an int8 file;
            float32 takes four times as much.
        max_latency_ms: the longest time for one image by the latency table, milliseconds.
        weight: of the penalty, at temperature 1.

    Raises:
        BudgetError: without any limit, or with one that is not a positive number.

    Example:
        >>> budget = Budget(max_macs=1e6)
        >>> costs = {"macs": tf.constant(2e6, tf.float64)}
        >>> round(float(budget(tf.constant(1.0), costs, tf.constant(1.0))), 4)
        1.6931
    """

    def __init__(
        self,
        max_macs: float | None = None,
        max_weights: float | None = None,
        max_activation_kib: float | None = None,
        max_latency_ms: float | None = None,
        weight: float = 1.0,
    ) -> None:
        self.given = {
            "max_macs": max_macs,
            "max_weights": max_weights,
            "max_activation_kib": max_activation_kib,
            "max_latency_ms": max_latency_ms,
        }
        self.limits = read_limits(self.given)
        if not self.limits:
            names = ", ".join(limit.argument for limit in LIMITS.values())
            raise BudgetError(f"A budget must have a limit: one of {names}.")
        self.weight = weight
        self.resources = tuple(self.limits)

    def __call__(
        self, task_loss: tf.Tensor, costs: Mapping[str, tf.Tensor], temperature: tf.Tensor
    ) -> tf.Tensor:
        excess = tf.stack([tf.math.log(costs[r] / limit) for r, limit in self.limits.items()])
        unused = tf.nn.relu(-tf.reduce_max(excess))
        penalty = tf.cast(tf.reduce_sum(tf.nn.relu(excess)) + unused, task_loss.dtype)
        return task_loss + self.weight / tf.cast(temperature, task_loss.dtype) * penalty

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**self.given, "weight": self.weight}


def unit_below(cost: float) -> float:
    """The largest unit below a cost: million, thousand or one.

    The logarithm of a cost of less than one unit is negative, and no power of it is a number.

    Example:
        >>> unit_below(145_480)
        1000.0
    """
    return next((unit for unit in (1e6, 1e3) if unit < cost), 1.0)


@keras.saving.register_keras_serializable(package="fbnetv2_tf")
class PaperObjective(Objective):
    """`loss * alpha * log(cost)^beta`, FBNet section 3.2 with cost in units of `unit`.

    Args:
        alpha: scale of the whole; 0.2 in FBNet.
        beta: weight of the cost; 0.6 in FBNet.
        resource: what is priced, `macs` by default.
        unit: the cost is counted in it; cost / unit must stay above 1, see `unit_below`. MFLOPs:
            1e6.
    """

    on_sample = True

    def __init__(
        self, alpha: float = 0.2, beta: float = 0.6, resource: str = "macs", unit: float = 1e6
    ) -> None:
        for name, value in (("alpha", alpha), ("unit", unit)):
            if not value > 0:
                raise BudgetError(f"`{name}` must be positive. Received: {value!r}.")
        self.alpha, self.beta, self.resource, self.unit = alpha, beta, resource, unit
        self.resources = (resource,)

    def __call__(
        self, task_loss: tf.Tensor, costs: Mapping[str, tf.Tensor], temperature: tf.Tensor
    ) -> tf.Tensor:
        log_cost = tf.math.log(costs[self.resource] / self.unit)
        return task_loss * self.alpha * tf.cast(log_cost, task_loss.dtype) ** self.beta

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        names = ("alpha", "beta", "resource", "unit")
        return {name: getattr(self, name) for name in names}
