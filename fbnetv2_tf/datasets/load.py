"""Data sets by name."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Literal

from ..errors import DataError
from .directory import read_directory
from .fashion_mnist import CLASS_NAMES, SHIPPED_SHARES, read_shipped
from .npz import read_npz
from .published import CLASS_NAMES as PUBLISHED
from .published import read_published
from .source import ArraySource, LabelledImages
from .splits import DataSplits
from .tfds import read_tfds

NAMES = ("fashion_mnist_10k", *PUBLISHED, "npz", "directory")
"""The names that `load_dataset` knows, besides `tfds:<name>`."""

_TFDS = "tfds:"
_SHIPPED = "fashion_mnist_10k"


def load_dataset(
    name: str,
    data_dir: str | Path | None = None,
    *,
    image_side: int | None = None,
    channels: int | None = None,
    seed: int = 0,
    on_bad_image: Literal["fail", "skip"] = "fail",
) -> DataSplits:
    """Loads a data set and divides it into weights, architecture, validation and test parts.

    | name | is | `data_dir` |
    |---|---|---|
    | `fashion_mnist_10k` | 10,000 images of Fashion-MNIST, in the package | |
    | `mnist`, `fashion_mnist` | 70,000 images, 28x28x1 | folder of idx files, or `None` |
    | `cifar10`, `cifar100` | 60,000 images, 32x32x3 | folder of the binary version, or `None` |
    | `npz` | arrays x_train, y_train (x_test, y_test) | the .npz file |
    | `directory` | class folders of image files | the folder |
    | `tfds:<name>` | a data set of TensorFlow Datasets | where it is prepared, or `None` |

    The division depends on the images alone: each is ranked by a hash of its content within its
    class. 10 % are for validation; 10 % for the test, unless the data set has its own test images;
    the rest is divided 80/20 between weights and architecture. Equal images land in the same part.
    The division of `fashion_mnist_10k` is part of the data set and never changes.

    Args:
        name: See the table.
        data_dir: See the table. `None` where the table allows it means a download by the data set's
            own library, into its own cache.
        image_side: Height and width that images are resized to, in pixels, 1 to 4096; `None` keeps
            the data set's own (224 for `directory`).
        channels: 1 or 3; `None` keeps the data set's own (3 for `directory`).
        seed: Another seed gives another division.
        on_bad_image: What becomes of files of `directory` that cannot be read: `"fail"` raises an
            error that names them, `"skip"` names them in the log, counts them and goes on without
            them.

    Returns:
        The four parts, with their classes.

    Raises:
        DataError: There is no such data set, or it is missing, damaged or not of the form expected;
            the message says which.

    Example:
        >>> from fbnetv2_tf.datasets import load_dataset
        >>> splits = load_dataset("fashion_mnist_10k")
        >>> splits.weights.size, splits.architecture.size, splits.validation.size, splits.test.size
        (5600, 1400, 1000, 2000)
    """
    _check(name, image_side, channels, on_bad_image)
    folder = Path(data_dir) if data_dir is not None else None
    if name == "directory":
        return read_directory(
            _needed(folder, name, "the folder of the class folders"),
            image_side=image_side,
            channels=channels,
            seed=seed,
            skip_unreadable=on_bad_image == "skip",
        )
    shares, split_seed = None, seed
    if name == _SHIPPED:
        if folder is not None:
            raise DataError(
                f"The data set '{name}' is in the package and has no `data_dir`; 'directory' has "
                f"the class folders of one, 'npz' a file. Received: '{folder}'."
            )
        source = ArraySource(LabelledImages(*read_shipped()), None, CLASS_NAMES, "in the package")
        shares, split_seed = SHIPPED_SHARES, 0
    elif name == "npz":
        source = read_npz(_needed(folder, name, "the .npz file"))
    elif name.startswith(_TFDS):
        source = read_tfds(
            name.removeprefix(_TFDS), folder, image_side=image_side, channels=channels
        )
    else:
        source = read_published(name, folder)
    return source.divided(
        name, image_side=image_side, channels=channels, seed=split_seed, shares=shares
    )


def _check(name: str, image_side: int | None, channels: int | None, on_bad_image: str) -> None:
    if name not in NAMES and not name.startswith(_TFDS):
        near = difflib.get_close_matches(name, NAMES, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise DataError(
            f"A data set's name must be one of {', '.join(NAMES)}, tfds:<name>. "
            f"Received: '{name}'.{hint}"
        )
    if image_side is not None and not 1 <= image_side <= 4096:
        raise DataError(f"`image_side` must be 1 to 4096 pixels. Received: {image_side}.")
    if channels not in (None, 1, 3):
        raise DataError(f"`channels` must be 1 or 3. Received: {channels}.")
    if on_bad_image not in ("fail", "skip"):
        raise DataError(f"`on_bad_image` must be 'fail' or 'skip'. Received: '{on_bad_image}'.")


def _needed(path: Path | None, name: str, what: str) -> Path:
    if path is None:
        raise DataError(f"The data set '{name}' needs `data_dir`: {what}.")
    return path
