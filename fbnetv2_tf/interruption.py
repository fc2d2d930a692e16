"""Being asked to stop: Ctrl-C and SIGTERM, answered after the state is saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class RunInterruptedError(Exception):
    """A run was asked to stop and has saved its state; the same command continues it."""


class StopRequest:
    """Whether somebody has asked this process to stop.

    Long work looks at `received` where it can save its state, then raises `RunInterruptedError`.

    Attributes:
        received: True from the first signal on.
    """

    def __init__(self) -> None:
        self.received = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The signal handler: the first signal is remembered, the second one interrupts at once."""
        if self.received:
            raise KeyboardInterrupt
        self.received = True


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Collects Ctrl-C and SIGTERM for as long as the block runs, then restores their handlers.

    Outside the main thread Python allows no handlers, and the request is never received.

    Example:
        >>> with stop_request() as request:
        ...     request.received
        False
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, request.handle) for number in numbers}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
