"""What TensorFlow Lite Micro really reserves for the tensors of a .tflite file."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from typing import Any

import numpy as np


def tflm_arena_bytes(content: bytes) -> int:
    """The arena that TensorFlow Lite Micro plans for tensors ("head"), by its own recording."""
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(content, arena_size=400 << 20)
    details = interpreter.get_input_details(0)
    interpreter.set_input(np.zeros(details["shape"], details["dtype"]), 0)
    interpreter.invoke()
    report = _printed_to_stderr(interpreter.print_allocations)
    found = re.search(r"Arena allocation head (\d+) bytes", report)
    if found is None:
        raise ValueError(f"The recording must name the head of the arena. Received: {report!r}.")
    return int(found[1])


def _printed_to_stderr(call: Any) -> str:
    """What a C++ function prints to the process's stderr."""
    with tempfile.TemporaryFile() as file:
        sys.stderr.flush()
        saved = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            call()
        finally:
            os.dup2(saved, 2)
            os.close(saved)
        file.seek(0)
        return file.read().decode()
