"""Folders of images: which files there are, their classes, and what their headers say."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..errors import DataError
from .assignment import content_hash
from .image_header import ImageFormat, exif_orientation, has_colour_palette, image_format

EXTENSIONS = (b".jpg", b".jpeg", b".png", b".gif", b".bmp", b".webp")
"""The endings, in any case, of files that are taken for images; others are passed over."""

PART_FOLDERS = {
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
"""Subfolders that divide a data set, when one of them is `train` and there is nothing else."""

_HEAD, _SAMPLE = 4096, 1024
_TRIAL, _SLOW_SECONDS, _THREADS = 256, 0.001, 32


@dataclass(frozen=True)
class ImageFile:
    """One file, as far as it is known without decoding it.

    Attributes:
        path: Absolute path, as bytes because file names need not be text.
        fault: Why it cannot be an image, or the empty string.
        is_bmp: Whether it is a BMP file, whose fourth channel means nothing.
        orientation: EXIF orientation, 1 to 8.
        hash: Of its size and of 1 KiB from its beginning, middle and end; equal for equal files.
    """

    path: bytes
    fault: str
    is_bmp: bool = False
    orientation: int = 1
    hash: int = 0


def part_folders(root: Path) -> dict[str, Path]:
    """The folders of the parts of a data set.

    Args:
        root: A folder of class folders, or of `train` and maybe `val` and `test` folders of such.

    Returns:
        Folder by part (`train`, `validation`, `test`); `{"train": root}` for a folder of classes.

    Raises:
        DataError: `root` is no folder that can be listed, or has two folders for one part.
    """
    names = _subfolders(root)
    if "train" not in names or not set(names) <= set(PART_FOLDERS):
        return {"train": root}
    parts: dict[str, Path] = {}
    for name in names:
        part = PART_FOLDERS[name]
        if part in parts:
            raise DataError(
                f"'{root}' must have one folder for the {part} part. "
                f"Received: '{parts[part].name}' and '{name}'."
            )
        parts[part] = root / name
    return parts


def class_folders(root: Path) -> tuple[str, ...]:
    """The names of the classes: the visible subfolders, sorted.

    Raises:
        DataError: There are fewer than two.
    """
    names = _subfolders(root)
    if len(names) < 2:
        found = f"one class, '{names[0]}'" if names else "no folder"
        raise DataError(
            f"'{root}' must have at least two class folders of images. Received: {found}."
        )
    return tuple(names)


def list_images(root: Path, classes: tuple[str, ...]) -> list[list[bytes]]:
    """The image files of each class, at any depth below its folder, sorted by path.

    Args:
        root: The folder of class folders; one that is missing has no images.
        classes: Names of the class folders.

    Returns:
        Absolute paths, one list for each class.
    """
    return [sorted(_walk(os.fsencode(root.absolute() / name))) for name in classes]


def inspect_images(paths: list[bytes], seed: int = 0) -> list[ImageFile]:
    """Inspects each file, one after the other, or many at once where a file takes long to open.

    Args:
        paths: The files.
        seed: As for `content_hash`.

    Returns:
        What is known of each file, in the order of `paths`. 100,000 files on a local disk take a
        few seconds.
    """
    started = time.perf_counter()
    found = [inspect_image(path, seed) for path in paths[:_TRIAL]]
    rest = paths[_TRIAL:]
    # Threads hide the delay of a network; on a local disk they only get in each other's way.
    if time.perf_counter() - started > _TRIAL * _SLOW_SECONDS:
        with ThreadPoolExecutor(_THREADS) as threads:
            return found + list(threads.map(lambda path: inspect_image(path, seed), rest))
    return found + [inspect_image(path, seed) for path in rest]


def inspect_image(path: bytes, seed: int = 0) -> ImageFile:
    """Reads the header and a sample of one file, and hashes the sample with the seed."""
    try:
        # Non-blocking, so that a pipe with an image's name cannot stop everything.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            size = os.fstat(descriptor).st_size
            head = sample = os.pread(descriptor, _HEAD, 0)
            if size > _HEAD:
                sample = head[-_SAMPLE:]
                sample += os.pread(descriptor, _SAMPLE, size // 2)
                sample += os.pread(descriptor, _SAMPLE, size - _SAMPLE)
        finally:
            os.close(descriptor)
    except OSError as error:
        return ImageFile(path, (error.strerror or str(error)).lower())
    if not head:
        return ImageFile(path, "empty file")
    kind = image_format(head)
    if kind is None:
        return ImageFile(path, "not a JPEG, PNG, GIF, BMP or WebP file")
    if kind == ImageFormat.BMP and has_colour_palette(head):
        return ImageFile(path, "a BMP file with a colour palette, which TensorFlow does not decode")
    return ImageFile(
        path,
        fault="",
        is_bmp=kind == ImageFormat.BMP,
        orientation=exif_orientation(head) if kind == ImageFormat.JPEG else 1,
        hash=content_hash(b"%d:" % size + sample, seed),
    )


def _subfolders(root: Path) -> list[str]:
    try:
        with os.scandir(root) as entries:
            folders = (entry.name for entry in entries if entry.is_dir())
            return sorted(name for name in folders if not name.startswith("."))
    except OSError as error:
        raise DataError(f"'{root}' is not a folder that can be read: {error.strerror}.") from error


def _walk(folder: bytes) -> Iterator[bytes]:
    visited = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        status = os.stat(place)
        if (status.st_dev, status.st_ino) in visited:
            # A link back to a folder above would go round for ever.
            folders.clear()
            continue
        visited.add((status.st_dev, status.st_ino))
        folders[:] = [name for name in folders if not name.startswith(b".")]
        for name in files:
            if name.lower().endswith(EXTENSIONS) and not name.startswith(b"."):
                yield os.path.join(place, name)
