"""Files that are either whole and new, or as they were before: whatever happens while writing.

The content goes to a file beside the target, reaches the disk, and takes the target's name in one
step (`os.replace`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import RunError

_LEFTOVER = re.compile(r"\..+\.\d+\.new(\.\w+)?")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file that takes the place of `path` when the block ends well.

    Args:
        path: the target; its folder is made where it is missing.

    Yields:
        A path beside it with the same suffix, for the block to write a file to.

    Raises:
        RunError: where the system refuses (a full disk, a read-only folder); nothing has changed.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "answer.txt"
        >>> with replacing(target) as new:
        ...     _ = new.write_text("42")
        >>> target.read_text(), len(list(target.parent.iterdir()))
        ('42', 1)
    """
    new = path.with_name(f".{path.stem}.{os.getpid()}.new{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield new
        _reach_the_disk(new)
        os.replace(new, path)
        _reach_the_disk(path.parent)
    except OSError as error:
        raise RunError(
            f"'{path}' could not be written, and is as it was before: {error.strerror or error}."
        ) from error
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Removes what processes that were killed while writing have left below a folder.

    Only for a folder that no other process writes to at the time.
    """
    for path in folder.rglob(".*.new*"):
        if _LEFTOVER.fullmatch(path.name):
            with suppress(OSError):
                path.unlink()


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file at once or not at all; raises as `replacing`."""
    with replacing(path) as new:
        new.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Writes a UTF-8 file at once or not at all; raises as `replacing`.

    A name in it that is no text (a path from the system may be none) is written out.
    """
    write_bytes(path, content.encode(errors="backslashreplace"))


def _reach_the_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
