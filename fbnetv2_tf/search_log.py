"""What a search says of an epoch."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from .epoch_log import EpochLog
from .limits import LIMITS
from .units import format_seconds


class SearchLog(EpochLog):
    """Prints a line after every epoch: loss, accuracy, expected costs and how decided it is.

    Args:
        limits: resource -> limit, for the expected costs that the objective knows; may be empty.
        console: where to print; None for standard output.
    """

    def __init__(self, limits: dict[str, float], console: Console | None = None) -> None:
        super().__init__(console)
        self.limits = limits

    def line(self, epoch: int, logs: dict[str, Any]) -> str:
        parts = [self.started(epoch)]
        parts.append(f"loss {logs['loss']:.3f}")
        parts.append(f"accuracy {100 * logs.get('accuracy', 0.0):.1f} %")
        is_warmup = not logs.get("temperature")
        if is_warmup:
            parts.append("weights only")
        priced = [r for r in self.limits if f"expected_{r}" in logs]
        for resource in () if is_warmup else priced:
            words = LIMITS[resource]
            expected = words.text(logs[f"expected_{resource}"])
            parts.append(f"expected {expected} of {words.text(self.limits[resource])} {words.noun}")
        if not is_warmup:
            parts.append(f"entropy {logs['entropy']:.2f}")
            parts.append(f"temperature {logs['temperature']:.2f}")
        parts.append(f"{format_seconds(self.seconds_left(epoch))} left")
        return "  ".join(parts)
