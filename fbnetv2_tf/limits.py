"""The four limits of a budget: what each is called, what it limits, and in which unit.

Inside, every cost is a whole number (a count, bytes, nanoseconds), so that "never above" is exact;
a person gives and reads KiB and milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import BudgetError
from .units import COUNT, KIB, MS, format_quantity


@dataclass(frozen=True)
class Limit:
    """One limit.

    Attributes:
        argument: of `Budget` and of the search driver's flag.
        resource: what it limits: the name of a cost.
        unit: of the argument, as in `units`.
        scale: how many of the resource's own units one unit of the argument is.
        noun: of the resource in a sentence.
    """

    argument: str
    resource: str
    unit: str
    scale: int
    noun: str

    def text(self, cost: float) -> str:
        """A cost in the resource's own unit, for a person.

        Example:
            >>> LIMITS["activation_bytes"].text(65_536)
            '64.0 KiB'
        """
        if self.unit == COUNT:
            return format_quantity(round(cost))
        return format_quantity(cost / self.scale, self.unit)


LIMITS = {
    limit.resource: limit
    for limit in (
        Limit("max_macs", "macs", COUNT, 1, "MACs"),
        Limit("max_weights", "weights", COUNT, 1, "weights"),
        Limit("max_activation_kib", "activation_bytes", KIB, 1024, "peak activation memory"),
        Limit("max_latency_ms", "latency_ns", MS, 1_000_000, "latency"),
    )
}
"""Resource -> its limit."""


def read_limits(given: Mapping[str, float | None]) -> dict[str, float]:
    """Arguments such as `max_activation_kib` as limits in the resources' own units.

    Args:
        given: argument -> limit; None where there is none.

    Returns:
        Resource -> limit, in the order of `LIMITS`.

    Raises:
        BudgetError: for a limit that is not a positive number.

    Example:
        >>> read_limits({"max_macs": 60e6, "max_latency_ms": 2.5})
        {'macs': 60000000.0, 'latency_ns': 2500000.0}
    """
    limits: dict[str, float] = {}
    for resource, limit in LIMITS.items():
        value = given.get(limit.argument)
        if value is None:
            continue
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (is_number and 0 < value < math.inf):
            raise BudgetError(f"`{limit.argument}` must be a positive number. Received: {value!r}.")
        limits[resource] = value * limit.scale
    return limits
