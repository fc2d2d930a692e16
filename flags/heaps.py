"""One heap for C's `malloc`, which holds TensorFlow's graphs and compiled code.

glibc gives threads heaps of their own, up to eight for each processor, and what one thread has
freed there no other thread can take. TensorFlow frees much on threads that seldom work again, those
that compile above all. With two heaps the same search takes 5 to 30 MiB more than with one, by
which thread happens to compile what; the speed is the same (`docs/performance.md`). Many threads
may wait for a single heap, which was not measured: there each processor has one.
"""

from __future__ import annotations

import ctypes
import os
import platform

from .threads import MEASURED, processors

M_ARENA_MAX = -8
"""Of `mallopt`: the most heaps, in glibc's `malloc.h`."""

CHOSEN_BY_USER = (("MALLOC_ARENA_MAX", ""), ("GLIBC_TUNABLES", "arena_max"))
"""The variables by which glibc is told so from outside, and the word of it in them."""


def limit_heaps() -> bool:
    """Limits the heaps of this process from now on; to be called before threads have theirs.

    Returns:
        Whether it did: only under glibc, and not where the user has said how many there may be.
    """
    is_glibc = platform.system() == "Linux" and platform.libc_ver()[0] == "glibc"
    said = (word in os.environ[name] for name, word in CHOSEN_BY_USER if name in os.environ)
    if not is_glibc or any(said):
        return False
    heaps = 1 if processors() <= MEASURED else processors()
    return bool(ctypes.CDLL(None).mallopt(M_ARENA_MAX, heaps))
