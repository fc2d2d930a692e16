"""What interpreters really reserve for the tensors of a .tflite file."""

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


def litert_arena_bytes(content: bytes) -> int:
    """The span of the addresses at which LiteRT, without a delegate, puts a network's tensors."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=content,
        num_threads=1,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    written = {detail["index"] for detail in interpreter.get_input_details()}
    for operator in interpreter._get_ops_details():
        written.update(operator["outputs"])
    views = [interpreter.tensor(index)() for index in written]
    first = min(view.ctypes.data for view in views)
    return int(max(view.ctypes.data + view.nbytes for view in views) - first)


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
