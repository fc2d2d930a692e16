"""How often a run is saved within an epoch: every so many steps, or after so much time."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import InputError

_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_TEXT = re.compile(r"(\d+(?:\.\d+)?)(s|min|m|h)?")


@dataclass(frozen=True)
class CheckpointInterval:
    """When a checkpoint within an epoch is due; the end of an epoch is always saved.

    Attributes:
        steps: since the last checkpoint, at least 1; None for no such rule.
        seconds: since the last checkpoint, above 0; None for no such rule.
    """

    steps: int | None = None
    seconds: float | None = None

    def is_due(self, steps: int, seconds: float) -> bool:
        """Whether so many steps, or so much time, since the last checkpoint are enough."""
        by_steps = self.steps is not None and steps >= self.steps
        return by_steps or (self.seconds is not None and seconds >= self.seconds)


def parse_interval(text: str) -> CheckpointInterval:
    """Reads `500` (steps), `90s`, `10m` or `1h`.

    Raises:
        InputError: for anything else.

    Example:
        >>> parse_interval("500"), parse_interval("10m").seconds
        (CheckpointInterval(steps=500, seconds=None), 600.0)
    """
    match = _TEXT.fullmatch(text.strip())
    number = float(match[1]) if match else 0.0
    is_whole = number == int(number)
    if match is None or number <= 0 or (match[2] is None and not is_whole):
        raise InputError(
            "A checkpoint interval must be a number of steps (500) or a time (90s, 10m, 1h). "
            f"Received: {text!r}."
        )
    if match[2] is None:
        return CheckpointInterval(steps=int(number))
    return CheckpointInterval(seconds=number * _UNITS[match[2]])
