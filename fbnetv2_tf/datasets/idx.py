"""The idx format of MNIST and Fashion-MNIST: a four-byte magic, the sizes, then unsigned bytes."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError

_UNSIGNED_BYTES = 8
_MOST_BYTES = 1 << 31


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Reads one idx file of unsigned bytes, gzip-compressed when its name ends in `.gz`.

    Args:
        path: A file such as `train-images-idx3-ubyte.gz`.

    Returns:
        The array in the file, shape as the file says: `(images, height, width)` or `(labels,)`.

    Raises:
        DataError: The file cannot be read, is not an idx file of bytes, or is shorter or longer
            than it says.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(_MOST_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"'{path}' could not be read: {error}.") from error
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] != _UNSIGNED_BYTES or not data[3]:
        raise DataError(
            f"'{path}' is not an idx file of unsigned bytes: expected it to begin with 00 00 08. "
            f"Received: {data[:4].hex(' ') or 'an empty file'}."
        )
    rank = data[3]
    start = 4 + 4 * rank
    if len(data) < start:
        raise DataError(f"'{path}' ends within its header. Received: {len(data)} bytes.")
    shape = [int(side) for side in np.frombuffer(data, ">u4", count=rank, offset=4)]
    expected = int(np.prod(shape, dtype=object))
    if len(data) - start != expected:
        raise DataError(
            f"'{path}' says that it holds {expected} bytes of shape {tuple(shape)}. "
            f"Received: {len(data) - start} bytes."
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
