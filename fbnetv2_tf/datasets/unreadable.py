"""Images that cannot be read: which, why, and what the person at the other end is told."""

from __future__ import annotations

import base64
import logging
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from ..errors import DataError
from ..printable import printable

_MARK = "fbnetv2_tf: unreadable image"
_NAMED = re.compile(re.escape(_MARK) + r" .* <([\w-]+)>\]", re.DOTALL)
_TOO_FEW = re.compile(r"expected to contain \d+ elements? but contained only \d+")
_NAMED_AT_ONCE = 5
_SKIP = 'skip such files (--on_bad_image=skip, in Python on_bad_image="skip")'


class UnreadableImages:
    """The files that were skipped, each named in the log when it is first met.

    Safe to use from the threads of an input pipeline.
    """

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}
        self._lock = threading.Lock()

    def add(self, path: str, reason: str) -> None:
        """Notes a file and names it in the log, once."""
        with self._lock:
            if path in self._reasons:
                return
            self._reasons[path] = reason
        logging.getLogger(__name__).warning("Skipped '%s': %s.", path, reason)

    def __len__(self) -> int:
        return len(self._reasons)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Pairs of path and reason, sorted by path."""
        with self._lock:
            return iter(sorted(self._reasons.items()))


def refuse(found: list[tuple[str, str]], images: int, where: str) -> DataError:
    """The error that names files found unreadable before anything ran.

    Args:
        found: Pairs of path and reason, at least one.
        images: How many images were looked at.
        where: The folder.
    """
    named = ", ".join(f"'{path}' ({reason})" for path, reason in found[:_NAMED_AT_ONCE])
    more = f" and {len(found) - _NAMED_AT_ONCE:,} more" if len(found) > _NAMED_AT_ONCE else ""
    return DataError(
        f"{len(found):,} of {images:,} images in '{where}' cannot be read: {named}{more}; "
        f"delete or replace them, or {_SKIP}."
    )


def decoding_error(path: bytes | str) -> str | None:
    """Why TensorFlow cannot decode a file, in its own words; `None` when it can."""
    try:
        tf.io.decode_image(tf.io.read_file(path), channels=0, expand_animations=False)
    except tf.errors.OpError as error:
        message = re.sub(r"^\{\{.*?\}\}\s*|\s*\[Op:\w+\].*$", "", error.message.splitlines()[0])
        return message.rstrip(". ") or type(error).__name__
    return None


def require_readable(readable: tf.Tensor, path: tf.Tensor) -> tf.Operation:
    """Stops the pipeline with an error that `image_errors` understands."""
    shown = tf.strings.unicode_transcode(path, "UTF-8", "UTF-8")
    # A path need not be UTF-8, and an error message must be: the exact bytes go along in base64.
    message = tf.strings.join(
        [_MARK, shown, tf.strings.join(["<", tf.io.encode_base64(path), ">"])], " "
    )
    return tf.debugging.Assert(readable, [message], summarize=1)


@contextmanager
def image_errors() -> Iterator[None]:
    """Turns the error of an unreadable image, raised out of a compiled step, into a `DataError`.

    Raises:
        DataError: An image could not be read; the message names the file and the reason.

    Example:
        Around whatever reads a data set: `with image_errors(): model.fit(dataset)`.
    """
    try:
        yield
    except tf.errors.OpError as error:
        message = str(error)
        named = _NAMED.search(message)
        if named:
            path = base64.urlsafe_b64decode(named[1] + "=" * (-len(named[1]) % 4))
            reason = decoding_error(path) or "it could not be read a moment ago"
            raise DataError(
                f"'{as_text(path)}' is not a readable image ({reason}); delete or replace it, or "
                f"{_SKIP}."
            ) from error
        if _TOO_FEW.search(message):
            raise DataError(
                "More than half of the images of a part of the data set cannot be read."
            ) from error
        raise


def as_text(path: bytes) -> str:
    """A path as a text that can be shown, also when it is not UTF-8."""
    return printable(os.fsdecode(path))
