"""What the system refuses TensorFlow, in a sentence: a full disk, a device without memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from .errors import InputError, RunError

_REFUSED = re.compile(
    r"(?:^|\s)(?P<path>/[^;\n]*); (?P<reason>No space left on device|Disk quota exceeded"
    r"|Read-only file system|Permission denied|Input/output error)"
)
_NO_MEMORY = re.compile(r"OOM when allocating tensor with shape\s?\[(?P<shape>[\d,]*)\]")


@contextmanager
def system_errors() -> Iterator[None]:
    """Says in a sentence that a file could not be written, or a step not held in memory.

    TensorFlow writes the files of TensorBoard by itself; everything else goes through
    `atomic_files`, which says such sentences.

    Raises:
        RunError: a file could not be written.
        InputError: the memory of the device is too small for a step.
    """
    try:
        yield
    except tf.errors.OpError as error:
        refused, no_memory = _REFUSED.search(str(error)), _NO_MEMORY.search(str(error))
        if refused:
            raise RunError(
                f"'{refused['path']}' could not be written: {refused['reason']}. The checkpoints "
                "are whole; the same command goes on from them."
            ) from error
        if no_memory:
            raise InputError(
                "A step does not fit into the memory of the device: try a smaller --batch_size. "
                f"Received: a tensor of shape ({no_memory['shape']}) that found no place."
            ) from error
        raise
