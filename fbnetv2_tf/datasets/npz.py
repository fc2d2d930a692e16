"""Images and labels in a .npz file of NumPy, from anybody."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..checkpoint_series import UNREADABLE
from ..errors import DataError
from .source import ArraySource, LabelledImages, Pixels

_PAIRS = (("x_train", "y_train"), ("x_test", "y_test"))


def read_npz(path: Path) -> ArraySource:
    """Reads `x_train`, `y_train` and, if they are there, `x_test`, `y_test`.

    Nothing in the file is executed: arrays of Python objects are refused.

    Args:
        path: A .npz file. Images are uint8, or floats in [0, 1], of shape `(images, height, width)`
            or `(images, height, width, channels)` with 1 or 3 channels; labels are integers from 0,
            of shape `(images,)` or `(images, 1)`.

    Returns:
        The arrays; classes are named by their numbers.

    Raises:
        DataError: The file cannot be read, a key is missing, or an array has a wrong shape, type or
            value.
    """
    try:
        with path.open("rb") as file:
            _require_memory(path)
            arrays = np.load(file, allow_pickle=False)
            if not isinstance(arrays, np.lib.npyio.NpzFile):
                raise DataError(f"'{path}' must be a .npz file. Received: one array, as of a .npy.")
            return _read(path, arrays)
    except UNREADABLE as error:
        if isinstance(error, DataError):
            raise
        if isinstance(error, MemoryError):
            raise DataError(
                f"'{path}' holds arrays that do not fit into memory: give their images as files of "
                "class folders (the data set 'directory')."
            ) from error
        if isinstance(error, FileNotFoundError):
            raise DataError(f"There is no file '{path}'.") from error
        reason = _first_line(error)
        if "pickle" in reason:
            reason = "it holds pickled Python objects, which could execute anything"
        raise DataError(f"'{path}' could not be read as a .npz file: {reason}.") from error


def _require_memory(path: Path) -> None:
    """Refuses a file that unpacks to more than there is, such as a few MB of packed zeros."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if unpacked > memory:
        raise DataError(
            f"'{path}' must unpack to less than this machine's memory, {memory / 2**30:.1f} GiB. "
            f"Received: {unpacked / 2**30:.1f} GiB. Give images as files of class folders (the "
            "data set 'directory')."
        )


def _read(path: Path, arrays: np.lib.npyio.NpzFile) -> ArraySource:
    keys = arrays.files
    needed = [key for pair in _PAIRS[: 2 if set(keys) & set(_PAIRS[1]) else 1] for key in pair]
    missing = [key for key in needed if key not in keys]
    if missing:
        raise DataError(
            f"'{path}' must hold x_train and y_train (and may hold x_test and y_test). "
            f"Received: {', '.join(sorted(keys)[:10]) or 'nothing'}, without {missing[0]}."
        )
    found: list[LabelledImages] = []
    for images_key, labels_key in _PAIRS[: len(needed) // 2]:
        pixels = as_pixels(arrays[images_key], f"{images_key} in '{path}'")
        labels = as_labels(arrays[labels_key], f"{labels_key} in '{path}'")
        if len(pixels) != len(labels):
            raise DataError(
                f"'{path}' must have one label for each image. "
                f"Received: {len(pixels)} images in {images_key}, {len(labels)} in {labels_key}."
            )
        found.append(LabelledImages(pixels, labels))
    train, test = found[0], found[1] if len(found) == 2 else None
    classes = 1 + max(int(part.labels.max()) for part in found)
    if classes > len(train.labels):
        raise DataError(
            f"Labels in '{path}' must count classes from 0. Received: a label {classes - 1} among "
            f"{len(train.labels)} training images."
        )
    if classes < 2:
        raise DataError(f"'{path}' must have at least two classes. Received: label 0 alone.")
    if test is not None and train.pixels.shape[1:] != test.pixels.shape[1:]:
        raise DataError(
            f"Training and test images in '{path}' must have one shape. "
            f"Received: {train.pixels.shape[1:]} and {test.pixels.shape[1:]}."
        )
    names = tuple(str(label) for label in range(classes))
    return ArraySource(train, test, names, source=str(path))


def as_pixels(images: NDArray, where: str) -> Pixels:
    """Images as they are held in memory: uint8, or float32 in [0, 1], with a channel axis.

    Args:
        images: An array from a stranger.
        where: What it is called in an error.

    Raises:
        DataError: The shape, type or range is another.
    """
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or 0 in images.shape:
        raise DataError(
            f"{where} must have shape (images, height, width) or (images, height, width, 1 or 3). "
            f"Received: {images.shape}."
        )
    if images.dtype == np.uint8:
        return images
    if not np.issubdtype(images.dtype, np.floating):
        raise DataError(f"{where} must be uint8 or floats in [0, 1]. Received: {images.dtype}.")
    low, high = float(images.min()), float(images.max())
    if np.isnan(low):
        bad = np.flatnonzero(np.isnan(images).any(axis=(1, 2, 3)))
        raise DataError(
            f"{where} must be uint8 or floats in [0, 1]. Received: NaN in {len(bad):,} of "
            f"{len(images):,} images, first in the one at index {bad[0]}."
        )
    if not (low >= 0.0 and high <= 1.0):
        raise DataError(
            f"{where} must be uint8 or floats in [0, 1]. "
            f"Received: {images.dtype} from {low:g} to {high:g}."
        )
    return images.astype(np.float32, copy=False)


def as_labels(labels: NDArray, where: str) -> NDArray[np.int32]:
    """Labels as int32 of shape `(images,)`.

    Args:
        labels: An array from a stranger.
        where: What it is called in an error.

    Raises:
        DataError: The shape, type or range is another.
    """
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or not len(labels) or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(
            f"{where} must be integers of shape (images,). "
            f"Received: {labels.dtype} of shape {labels.shape}."
        )
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= 2**31:
        raise DataError(f"{where} must count classes from 0. Received: {low} to {high}.")
    return labels.astype(np.int32)


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
