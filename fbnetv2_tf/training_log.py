"""What a training says while it runs: one line an epoch, and on a terminal a bar within it."""

from __future__ import annotations

import time
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from .units import format_seconds


class TrainingLog(keras.callbacks.Callback):  # type: ignore[misc]
    """Prints a line after every epoch.

    Args:
        console: where to print; None for standard output.
    """

    def __init__(self, console: Console | None = None) -> None:
        super().__init__()
        self.console = console or Console()
        self.progress: Progress | None = None
        self.first_epoch: int | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.began = time.monotonic()
        if self.console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
            self.progress = Progress(*columns, console=self.console, transient=True)
            self.progress.start()
            self.task = self.progress.add_task("train", total=self.params.get("steps"))

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.first_epoch = epoch if self.first_epoch is None else self.first_epoch
        if self.progress is not None:
            of_all = f"epoch {epoch + 1}/{self.params['epochs']}"
            self.progress.reset(self.task, description=of_all)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.progress is not None:
            self.progress.advance(self.task)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.console.print(self.line(epoch, logs or {}), highlight=False, soft_wrap=True)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.close()

    def close(self) -> None:
        """Gives the terminal back, also where the training did not come to its end."""
        if self.progress is not None:
            self.progress.stop()
            self.progress = None

    def line(self, epoch: int, logs: dict[str, float]) -> str:
        """The line of an epoch: loss, accuracies and the time left."""
        epochs = self.params["epochs"]
        each = (time.monotonic() - self.began) / (epoch + 1 - (self.first_epoch or 0))
        left = (epochs - epoch - 1) * each
        parts = [
            f"epoch {epoch + 1:>{len(str(epochs))}}/{epochs}",
            f"loss {logs['loss']:.3f}",
            f"accuracy {100 * logs['accuracy']:.1f} %",
            f"validation {100 * logs['val_accuracy']:.1f} %",
        ]
        return "  ".join([*parts, f"{format_seconds(left)} left" if left else "done"])
