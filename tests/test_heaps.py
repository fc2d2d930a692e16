"""How many heaps a process with many threads has, as `malloc_info` of glibc counts them."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from fbnetv2_tf.flags.heaps import limit_heaps

THREADS = 24

COUNT = f"""
import ctypes, os, sys, threading
from fbnetv2_tf.flags.heaps import limit_heaps
os.sched_getaffinity = lambda process: {{0, 1}}
if sys.argv[2] == "limited":
    assert limit_heaps()
barrier = threading.Barrier({THREADS})
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
def work():
    barrier.wait()
    for _ in range(100):
        libc.malloc(1000)
    barrier.wait()
threads = [threading.Thread(target=work) for _ in range({THREADS})]
for thread in threads: thread.start()
for thread in threads: thread.join()
file = libc.fopen(sys.argv[1].encode(), b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fclose(ctypes.c_void_p(file))
"""

is_glibc = platform.libc_ver()[0] == "glibc"


def heaps(file: Path, form: str) -> int:
    """The heaps of a process of its own after its threads have all asked for memory."""
    said = ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES")
    environment = {name: value for name, value in os.environ.items() if name not in said}
    subprocess.run([sys.executable, "-c", COUNT, str(file), form], check=True, env=environment)
    return file.read_text(encoding="utf-8").count("<heap nr=")


@pytest.mark.skipif(not is_glibc, reason="glibc's heaps")
def test_threads_share_a_heap_for_each_processor(tmp_path: Path) -> None:
    free = heaps(tmp_path / "free.xml", "free")
    assert heaps(tmp_path / "limited.xml", "limited") <= 2 < free


@pytest.mark.parametrize(
    ("name", "value"),
    [("MALLOC_ARENA_MAX", "7"), ("GLIBC_TUNABLES", "glibc.malloc.arena_max=7")],
)
def test_the_users_own_word_stands(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert not limit_heaps()


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not limit_heaps()
