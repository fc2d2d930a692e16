"""Reading an architecture or a space from a file, with every way in which that fails named."""

from __future__ import annotations

from pathlib import Path

from .errors import InputError
from .tokens import MAXIMUM_TEXT


def is_text(source: str) -> bool:
    """Whether a string can only be blocks, and neither a name nor a path.

    Example:
        >>> is_text("in_hw8_c3 fc_c2"), is_text("fbnetv2_f1"), is_text("runs/first")
        (True, False, False)
    """
    return source.lstrip().startswith(("in_", "#")) or len(source.strip().splitlines()) > 1


def read_text_file(path: Path, error: type[InputError]) -> str | None:
    """The text of a file, or None where there is no such file.

    Args:
        path: where the file may be; any string makes a path, also one that no system allows.
        error: what to raise.

    Raises:
        InputError: of the given class, where the file is there and is no text of a network.
    """
    try:
        if not path.is_file():
            return None
    except (OSError, ValueError):  # a name that is too long, or that has no bytes on this system
        return None
    try:
        size = path.stat().st_size
        if size > 4 * MAXIMUM_TEXT:
            raise error(
                f"The file {str(path)!r} must be at most {4 * MAXIMUM_TEXT} bytes to be the text "
                f"of a network. Received: {size}."
            )
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise error(f"The file {str(path)!r} cannot be read as text: {problem}.") from problem
