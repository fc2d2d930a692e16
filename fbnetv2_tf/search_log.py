"""What a search says while it runs: one line an epoch that a person can read."""

from __future__ import annotations

import time
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from .limits import LIMITS
from .units import format_seconds


class SearchLog(keras.callbacks.Callback):
    """Prints a line after every epoch, and on a terminal a bar within it.

    Args:
        epochs: of the whole search.
        batches: of an epoch, both phases.
        limits: resource -> limit, for the expected costs that the objective knows; may be empty.
        console: where to print.
        first_step: finished batches of a resumed search.
    """

    def __init__(
        self,
        epochs: int,
        batches: int,
        limits: dict[str, float],
        console: Console | None = None,
        first_step: int = 0,
    ) -> None:
        super().__init__()
        self.epochs = epochs
        self.batches = batches
        self.limits = limits
        self.console = console or Console()
        self.first_step = first_step
        self.progress: Progress | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.began = time.monotonic()
        if self.console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
            self.progress = Progress(*columns, console=self.console, transient=True)
            self.progress.start()
            self.task = self.progress.add_task("search", total=self.batches)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.progress is not None:
            done = max(0, self.first_step - epoch * self.batches)
            name = f"epoch {epoch + 1}/{self.epochs}"
            self.progress.reset(self.task, description=name, completed=done)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.progress is not None:
            self.progress.advance(self.task)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.console.print(self.line(epoch, logs or {}), highlight=False, soft_wrap=True)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.close()

    def close(self) -> None:
        """Gives the terminal back, also where the search did not come to its end."""
        if self.progress is not None:
            self.progress.stop()
            self.progress = None

    def line(self, epoch: int, logs: dict[str, Any]) -> str:
        """The line of an epoch: loss, accuracy, expected costs, entropy, temperature, time left."""
        parts = [f"epoch {epoch + 1:>{len(str(self.epochs))}}/{self.epochs}"]
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
        done = epoch + 1 - self.first_step / self.batches
        left = (time.monotonic() - self.began) / done * (self.epochs - epoch - 1)
        parts.append(f"{format_seconds(left)} left")
        return "  ".join(parts)
