"""What a run of epochs says while it runs: a line an epoch, and on a terminal a bar within it."""

from __future__ import annotations

import time
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from .run_state import FIRST_STEP


class EpochLog(keras.callbacks.Callback):  # type: ignore[misc]
    """Prints `line` after every epoch.

    Of a run that may be resumed, a `RunState` must come before it, which says where it went on.

    Args:
        console: where to print; None for standard output.
    """

    def __init__(self, console: Console | None = None) -> None:
        super().__init__()
        self.console = console or Console()
        self.progress: Progress | None = None

    def line(self, epoch: int, logs: dict[str, Any]) -> str:
        """What is said of a finished epoch."""
        raise NotImplementedError

    @property
    def epochs(self) -> int:
        """Of the whole run."""
        return int(self.params["epochs"])

    def started(self, epoch: int) -> str:
        """How the line of an epoch starts."""
        return f"epoch {epoch + 1:>{len(str(self.epochs))}}/{self.epochs}"

    def seconds_left(self, epoch: int) -> float:
        """Seconds until the end, after an epoch, at the speed so far."""
        done = epoch + 1 - self._first_step / self.params["steps"]
        return (time.monotonic() - self.began) / done * (self.epochs - epoch - 1)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.began = time.monotonic()
        if self.console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
            self.progress = Progress(*columns, console=self.console, transient=True)
            self.progress.start()
            self.task = self.progress.add_task("", total=self.params["steps"])

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.progress is not None:
            done = max(0, self._first_step - epoch * self.params["steps"])
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
        """Gives the terminal back, also where the run did not come to its end."""
        if self.progress is not None:
            self.progress.stop()
            self.progress = None

    @property
    def _first_step(self) -> int:
        return int(self.params.get(FIRST_STEP, 0))
