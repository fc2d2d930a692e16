"""CIFAR-10 and CIFAR-100 in their binary version: records of labels and 3,072 bytes of pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import DataError
from .source import ArraySource, LabelledImages

CIFAR10_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

_SIDE = 32
_PIXELS = 3 * _SIDE * _SIDE


def read_cifar10(folder: Path) -> ArraySource:
    """Reads `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`.

    Args:
        folder: Where the files are, as unpacked from cifar-10-binary.tar.gz.

    Raises:
        DataError: A file is missing, or does not hold records of one label and 3,072 bytes.
    """
    train = [_read_records(folder / f"data_batch_{number}.bin", 1, 10) for number in range(1, 6)]
    joined = LabelledImages(
        np.concatenate([batch.pixels for batch in train]),
        np.concatenate([batch.labels for batch in train]),
    )
    test = _read_records(folder / "test_batch.bin", 1, 10)
    return ArraySource(joined, test, CIFAR10_CLASSES, source=str(folder))


def read_cifar100(folder: Path) -> ArraySource:
    """Reads `train.bin`, `test.bin` and, if it is there, `fine_label_names.txt`; fine labels.

    Args:
        folder: Where the files are, as unpacked from cifar-100-binary.tar.gz.

    Raises:
        DataError: A file is missing, or does not hold records of two labels and 3,072 bytes.
    """
    train = _read_records(folder / "train.bin", 2, 100)
    test = _read_records(folder / "test.bin", 2, 100)
    return ArraySource(train, test, _fine_names(folder), source=str(folder))


def _fine_names(folder: Path) -> tuple[str, ...]:
    path = folder / "fine_label_names.txt"
    names = path.read_text("utf-8", errors="replace").split() if path.is_file() else []
    return tuple(names) if len(names) == 100 else tuple(str(label) for label in range(100))


def _read_records(path: Path, labels_in_record: int, classes: int) -> LabelledImages:
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise DataError(f"'{path}' could not be read: {error.strerror}.") from error
    record = labels_in_record + _PIXELS
    if not len(data) or len(data) % record:
        raise DataError(
            f"'{path}' must hold records of {record} bytes ({labels_in_record} for labels and "
            f"{_PIXELS} for pixels). Received: {len(data)} bytes."
        )
    records = data.reshape(-1, record)
    labels = records[:, labels_in_record - 1].astype(np.int32)
    if labels.max() >= classes:
        raise DataError(
            f"Labels in '{path}' must be less than {classes}. Received: {labels.max()}."
        )
    planes = records[:, labels_in_record:].reshape(-1, 3, _SIDE, _SIDE)
    return LabelledImages(np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels)
