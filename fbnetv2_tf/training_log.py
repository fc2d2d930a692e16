"""What a training says of an epoch."""

from __future__ import annotations

from typing import Any

from .epoch_log import EpochLog
from .units import format_seconds


class TrainingLog(EpochLog):
    """Prints a line after every epoch: loss, accuracies and the time left."""

    def line(self, epoch: int, logs: dict[str, Any]) -> str:
        is_last = epoch + 1 == self.epochs
        left = "done" if is_last else f"{format_seconds(self.seconds_left(epoch))} left"
        parts = [
            self.started(epoch),
            f"loss {logs['loss']:.3f}",
            f"accuracy {100 * logs['accuracy']:.1f} %",
            f"validation {100 * logs['val_accuracy']:.1f} %",
        ]
        return "  ".join([*parts, left])
