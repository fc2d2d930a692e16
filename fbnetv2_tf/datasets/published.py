"""MNIST, Fashion-MNIST, CIFAR-10 and CIFAR-100: from a local copy, or by Keras's download."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path

import numpy as np

from ..errors import DataError
from .cifar import CIFAR10_CLASSES, read_cifar10, read_cifar100
from .fashion_mnist import CLASS_NAMES as FASHION_CLASSES
from .idx import read_idx
from .npz import as_labels, as_pixels, read_npz
from .source import ArraySource, LabelledImages

CLASS_NAMES = {
    "mnist": tuple(str(digit) for digit in range(10)),
    "fashion_mnist": FASHION_CLASSES,
    "cifar10": CIFAR10_CLASSES,
    "cifar100": tuple(str(label) for label in range(100)),
}
"""The data sets that Keras knows too, and their classes."""

_FOLDERS = {
    "mnist": ("mnist", "MNIST/raw"),
    "fashion_mnist": ("fashion_mnist", "fashion-mnist", "FashionMNIST/raw"),
    "cifar10": ("cifar-10-batches-bin", "cifar10", "cifar10/cifar-10-batches-bin"),
    "cifar100": ("cifar-100-binary", "cifar100", "cifar100/cifar-100-binary"),
}
_MARKS = {
    "mnist": "train-images-idx3-ubyte*",
    "fashion_mnist": "train-images-idx3-ubyte*",
    "cifar10": "data_batch_1.bin",
    "cifar100": "train.bin",
}
_FORMATS = {
    "mnist": "the four idx files (train-images-idx3-ubyte.gz and so on)",
    "fashion_mnist": "the four idx files (train-images-idx3-ubyte.gz and so on)",
    "cifar10": "the binary version (data_batch_1.bin and so on)",
    "cifar100": "the binary version (train.bin and test.bin)",
}
_DEBIAN_FOLDER = Path("/usr/share/datasets")


def read_published(name: str, data_dir: Path | None) -> ArraySource:
    """Reads one of the data sets in `CLASS_NAMES`.

    With a folder: the files in it, in a subfolder with the data set's usual name, or a file
    `<name>.npz`; nothing is downloaded. Without: the copy of Debian's packages
    (`dataset-fashion-mnist`) where there is one, else Keras's own cache or download.

    Args:
        name: `mnist`, `fashion_mnist`, `cifar10` or `cifar100`.
        data_dir: A folder with a local copy, or `None`.

    Raises:
        DataError: The folder has no copy, a file is damaged, or the download fails.
    """
    if data_dir is not None:
        return _read_local(name, data_dir)
    folder = _folder_of(name, _DEBIAN_FOLDER)
    return _read_folder(name, folder) if folder else _download(name)


def _read_local(name: str, data_dir: Path) -> ArraySource:
    folder = _folder_of(name, data_dir)
    if folder is not None:
        return _read_folder(name, folder)
    archive = data_dir / f"{name}.npz"
    if archive.is_file():
        found = read_npz(archive)
        if len(found.class_names) > len(CLASS_NAMES[name]):
            raise DataError(
                f"'{archive}' must have labels below {len(CLASS_NAMES[name])}. "
                f"Received: {len(found.class_names) - 1}."
            )
        return dataclasses.replace(found, class_names=CLASS_NAMES[name])
    pickled = any(data_dir.glob("**/data_batch_1")) or any(data_dir.glob("**/cifar-100-python"))
    hint = " (The Python version is not read, because pickles can run code.)" if pickled else ""
    raise DataError(
        f"'{data_dir}' must hold {name}: {_FORMATS[name]}, or {name}.npz. Received: neither.{hint}"
    )


def _folder_of(name: str, root: Path) -> Path | None:
    places = (root, *(root / folder for folder in _FOLDERS[name]))
    return next((place for place in places if any(place.glob(_MARKS[name]))), None)


def _read_folder(name: str, folder: Path) -> ArraySource:
    if name == "cifar10":
        return read_cifar10(folder)
    if name == "cifar100":
        return read_cifar100(folder)
    parts = []
    for part in ("train", "t10k"):
        images, labels = (
            read_idx(_idx_file(folder, f"{part}-{kind}-ubyte"))
            for kind in ("images-idx3", "labels-idx1")
        )
        where = f"'{folder}' ({part})"
        if len(images) != len(labels):
            raise DataError(
                f"{where} must have one label for each image. "
                f"Received: {len(images)} images and {len(labels)} labels."
            )
        parts.append(LabelledImages(as_pixels(images, where), as_labels(labels, where)))
    return ArraySource(parts[0], parts[1], CLASS_NAMES[name], source=str(folder))


def _idx_file(folder: Path, stem: str) -> Path:
    packed = folder / f"{stem}.gz"
    return packed if packed.is_file() else folder / stem


def _download(name: str) -> ArraySource:
    module = importlib.import_module(f"keras.datasets.{name}")
    try:
        train, test = module.load_data()
    except Exception as error:  # Keras raises bare exceptions for what goes wrong in a download.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"The data set '{name}' could not be downloaded ({reason.rstrip('.')}); give a folder "
            f"with {_FORMATS[name]} as data_dir."
        ) from error
    parts = [
        LabelledImages(as_pixels(np.asarray(images), name), as_labels(np.asarray(labels), name))
        for images, labels in (train, test)
    ]
    return ArraySource(parts[0], parts[1], CLASS_NAMES[name], source="downloaded by Keras")
