"""One thread for an operator, where there are few processors.

TensorFlow splits each operator over all processors and runs operators side by side as well. A small
network's operators are too small to be split: on two processors a step of the search takes a
quarter to a half less where each operator keeps to one (`docs/performance.md`), from 28 pixels to
224. More processors than two were not measured, so TensorFlow's own choice stands there.
"""

from __future__ import annotations

import os

VARIABLE = "TF_NUM_INTRAOP_THREADS"
"""By which TensorFlow is told how many threads an operator may have."""

MEASURED = 2
"""Processors up to which one thread an operator was found to be faster."""


def processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def limit_threads() -> bool:
    """Limits the threads of an operator; to be called before TensorFlow's first.

    Returns:
        Whether it did: not with many processors, and not where the user has said how many.
    """
    if VARIABLE in os.environ or processors() > MEASURED:
        return False
    os.environ[VARIABLE] = "1"
    return True
