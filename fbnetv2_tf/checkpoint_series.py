"""The checkpoints of a run: a series of .npz files, of which the newest whole one counts.

A file is written atomically, so a killed run leaves whole files; a disk or a stranger may still
have damaged one, and then the one before it is taken. Nothing in a file is executed.
"""

from __future__ import annotations

import io
import json
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .atomic_files import write_bytes
from .errors import RunError

KEPT = 2
"""Checkpoints that are kept: where the last one cannot be read, the one before it can."""

HEADER = "header"
"""The array that holds the JSON of a checkpoint."""

UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    MemoryError,
    OverflowError,
    RecursionError,
    RuntimeError,  # an encrypted member, or one of an unknown compression
    SyntaxError,
    TypeError,
    UserWarning,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What NumPy and zipfile raise on bytes that are no .npz file."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A checkpoint that was read.

    Attributes:
        path: the file.
        step: batches that were finished when it was written.
        header: what is not an array.
        arrays: by name.
    """

    path: Path
    step: int
    header: dict[str, Any]
    arrays: dict[str, np.ndarray]


class CheckpointSeries:
    """The checkpoints in one folder, named by their step.

    Args:
        folder: made when the first one is written.

    Example:
        >>> import tempfile
        >>> series = CheckpointSeries(Path(tempfile.mkdtemp()))
        >>> _ = series.save(7, {"epochs": []}, {"x": np.ones(2)})
        >>> newest = next(series.newest(largest=1000))
        >>> newest.step, newest.header, newest.arrays["x"]
        (7, {'epochs': []}, array([1., 1.]))
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, step: int, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Path:
        """Writes a checkpoint and removes all but the newest ones.

        Raises:
            RunError: where the system refuses; the checkpoints are as they were.
        """
        buffer = io.BytesIO()
        text = np.frombuffer(json.dumps(dict(header)).encode(), np.uint8)
        np.savez(buffer, **{HEADER: text}, **arrays)  # type: ignore[arg-type]
        path = self.folder / f"step_{step:09d}.npz"
        write_bytes(path, buffer.getvalue())
        for old in self.paths()[:-KEPT]:
            old.unlink(missing_ok=True)
        return path

    def paths(self) -> list[Path]:
        """The files, the oldest first."""
        found = [p for p in self.folder.glob("step_*.npz") if p.stem[len("step_") :].isdecimal()]
        return sorted(found, key=lambda path: int(path.stem[len("step_") :]))

    def newest(self, largest: int) -> Iterator[Checkpoint]:
        """The checkpoints that can be read, the newest first.

        Args:
            largest: bytes of arrays above which a file is not one of this run, whatever it says;
                protects against files that unpack to more than there is memory.
        """
        for path in reversed(self.paths()):
            try:
                arrays = read_arrays(path, largest)
                header = json.loads(arrays.pop(HEADER).tobytes())
            except UNREADABLE:
                continue
            if isinstance(header, dict):
                yield Checkpoint(path, int(path.stem[len("step_") :]), header, arrays)


def read_arrays(path: Path, largest: int) -> dict[str, np.ndarray]:
    """All arrays of an .npz file, whose sums are checked; unpickles nothing.

    Raises:
        One of `UNREADABLE`: where it is not such a file, or unpacks to more than `largest` bytes.
    """
    content = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(content) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > largest:
        raise ValueError(f"it unpacks to {unpacked:,} bytes")
    content.seek(0)
    with np.load(content, allow_pickle=False) as arrays:
        return {name: np.asarray(arrays[name]) for name in arrays.files}


def require_same(path: Path, theirs: Any, ours: Mapping[str, Any], what: str) -> None:
    """Refuses what belongs to another run.

    Args:
        path: the file or folder, for the sentence.
        theirs: the identity that was found.
        ours: that of this run; every key must be equal, as JSON.
        what: a search or a training.

    Raises:
        RunError: at the first key that differs; the sentence has both values.
    """
    found = theirs if isinstance(theirs, dict) else {}
    for name, value in json.loads(json.dumps(dict(ours))).items():
        if found.get(name) != value:
            raise RunError(
                f"'{path}' is of another {what}. Expected: {name} {found.get(name)!r}. "
                f"Received: {value!r}. Give the flags of that {what}, or another --output."
            )
