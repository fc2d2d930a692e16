"""As many heaps as processors for C's `malloc`, which holds TensorFlow's maps and graphs.

glibc gives threads heaps of their own, up to eight for each processor, and what one thread has
freed there no other thread can take. TensorFlow frees much on threads that seldom work again, those
that compile above all: with a heap for each processor the process of a small search takes a tenth
less, at the same speed.
"""

from __future__ import annotations

import ctypes
import os
import platform

from .threads import processors

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
    return bool(ctypes.CDLL(None).mallopt(M_ARENA_MAX, processors()))
