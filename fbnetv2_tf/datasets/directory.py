"""Class folders of image files as a data set; the files are decoded when a batch needs them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .assignment import Shares, assign, require_parts
from .files import FileExamples
from .folders import ImageFile, class_folders, inspect_images, list_images, part_folders
from .splits import DataSplits, Split
from .unreadable import UnreadableImages, as_text, refuse

_SIDE, _CHANNELS = 224, 3
_TEST, _VALIDATION, _ARCHITECTURE = 0.1, 0.1, 0.2


def read_directory(
    root: Path,
    *,
    image_side: int | None = None,
    channels: int | None = None,
    seed: int = 0,
    skip_unreadable: bool = False,
) -> DataSplits:
    """Finds the images below a folder and divides them; decodes none.

    Every visible subfolder is a class and every image at any depth in it belongs to that class. If
    the subfolders are `train` and maybe `val` (or `valid`, `validation`) and `test`, those hold the
    class folders and are parts of their own; what is missing is taken from `train`.

    An image is cut to its largest central square and resized to `image_side`.

    Args:
        root: The folder.
        image_side: Height and width of the images in pixels; 224 when `None`.
        channels: 1 or 3; 3 when `None`.
        seed: Another seed gives another division.
        skip_unreadable: Whether files that are no images are named and left out; otherwise they are
            an error, now if their first bytes show it, else when they are decoded.

    Raises:
        DataError: There are no two classes, a class has no image, a file cannot be an image, or
            there are too few images.
    """
    folders = part_folders(root)
    classes = class_folders(folders["train"])
    skipped = UnreadableImages() if skip_unreadable else None
    files, labels, part_of_file = _inspect(folders, classes, seed, skipped)
    side = image_side or _SIDE
    examples = FileExamples(
        paths=tuple(file.path for file in files),
        labels=labels,
        is_bmp=np.array([file.is_bmp for file in files], bool),
        orientations=np.array([file.orientation for file in files], np.uint8),
        image_shape=(side, side, channels or _CHANNELS),
        unreadable=skipped,
    )
    hashes = np.array([file.hash for file in files], np.uint64)
    parts = _divide(hashes, labels, part_of_file, list(folders))
    require_parts(parts, len(files), f"'{root}'")
    splits = {part: Split(part, examples, at, len(classes)) for part, at in parts.items()}
    return DataSplits(
        name="directory",
        source=str(root),
        class_names=classes,
        image_shape=examples.image_shape,
        **splits,
    )


def _inspect(
    folders: dict[str, Path],
    classes: tuple[str, ...],
    seed: int,
    skipped: UnreadableImages | None,
) -> tuple[list[ImageFile], NDArray[np.int32], NDArray[np.int64]]:
    """The files that can be images, with the class and the number of the part of each."""
    paths: list[bytes] = []
    labels: list[int] = []
    parts: list[int] = []
    for number, (part, folder) in enumerate(folders.items()):
        if part != "train":
            _require_known_classes(folder, classes)
        for label, found in enumerate(list_images(folder, classes)):
            if part == "train" and not found:
                raise DataError(f"The class folder '{folder / classes[label]}' has no images.")
            paths += found
            labels += [label] * len(found)
            parts += [number] * len(found)
    files = inspect_images(paths, seed)
    faults = [(as_text(file.path), file.fault) for file in files if file.fault]
    if skipped is not None:
        for path, fault in faults:
            skipped.add(path, fault)
    elif faults:
        raise refuse(faults, len(files), os.path.commonpath(folders.values()))
    good = np.array([not file.fault for file in files], bool)
    return (
        [file for file in files if not file.fault],
        np.array(labels, np.int32)[good],
        np.array(parts, np.int64)[good],
    )


def _require_known_classes(folder: Path, classes: tuple[str, ...]) -> None:
    unknown = sorted(set(class_folders(folder)) - set(classes))
    if unknown:
        raise DataError(
            f"'{folder}' must have the classes of the training images. Received: '{unknown[0]}'."
        )


def _divide(
    hashes: NDArray[np.uint64],
    labels: NDArray[np.int32],
    part_of_file: NDArray[np.int64],
    own: list[str],
) -> dict[str, NDArray[np.int64]]:
    test = 0.0 if "test" in own else _TEST
    validation = 0.0 if "validation" in own else _VALIDATION
    shares = Shares(test, validation, _ARCHITECTURE * (1.0 - test - validation))
    train = np.flatnonzero(part_of_file == own.index("train"))
    parts = {part: train[at] for part, at in assign(hashes[train], labels[train], shares).items()}
    for part in own:
        if part != "train":
            parts[part] = np.flatnonzero(part_of_file == own.index(part))
    return parts
