"""Stops a run at the first loss that is not a number, or that has exploded, and says why."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

import keras

from .errors import InputError
from .run_state import RunState

LOSSES = ("loss", "architecture_loss", "objective")
"""The metrics that are looked at, where they are there."""

LARGEST = 1e4
"""A mean loss of an epoch above it counts as exploded."""

_WATCHED = 20
_RISE = 2.0


class LossGuard(keras.callbacks.Callback):  # type: ignore[misc]
    """Looks at the losses after every step; to be called before the run is saved.

    Args:
        state: of the run, for the step and the last good checkpoint.
        largest: a mean loss of an epoch above it counts as exploded.
        advice: a last sentence.
    """

    def __init__(self, state: RunState, largest: float = LARGEST, advice: str = "") -> None:
        super().__init__()
        self.state = state
        self.largest = largest
        self.advice = advice
        self._means: deque[float] = deque(maxlen=_WATCHED)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._means.clear()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        for name in LOSSES:
            value = float((logs or {}).get(name, 0.0))
            if not math.isfinite(value):
                self._stop(name, value, self.state.started_at + batch + 1)
        self._means.append(float((logs or {}).get("loss", 0.0)))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        for name in LOSSES:
            value = float((logs or {}).get(name, 0.0))
            if not value <= self.largest:
                self._stop(name, value, self.state.step)

    def _stop(self, name: str, value: float, step: int) -> None:
        raise InputError(
            f"The {self.state.what} diverged at step {step} (epoch {len(self.state.epochs) + 1}): "
            f"`{name}` must stay a number up to {self.largest:g}. Received: {value:g}. "
            f"{self._cause(name, value)} {self._checkpoint()} {self.advice}".rstrip()
        )

    def _cause(self, name: str, value: float) -> str:
        """The likely cause, by what the losses did before."""
        means = [mean for mean in self._means if mean]
        if name != "loss" and means and math.isfinite(means[-1]):
            return (
                "Only the architecture's part is affected: try a smaller --architecture_learning_"
                "rate or penalty, or a budget nearer to what the space has."
            )
        if not means:
            return "It was the first step: look at the images and labels, which must be numbers."
        if means[-1] > _RISE * min(means) or math.isfinite(value):
            return f"The loss rose to {means[-1]:.3g} before: try a smaller --learning_rate."
        if any(layer.compute_dtype == "float16" for layer in self.model.layers):
            return "float16 reaches 65,504 only: try --precision=bfloat16."
        return (
            f"The loss was {means[-1]:.3g} before and did not rise: look for images that are not "
            "numbers, or try a smaller --learning_rate."
        )

    def _checkpoint(self) -> str:
        series = self.state.saving.series
        paths = series.paths() if series is not None else []
        if not paths:
            return "There is no checkpoint yet."
        return f"The last good checkpoint is '{paths[-1]}'."
