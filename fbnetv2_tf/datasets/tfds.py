"""Data sets of TensorFlow Datasets, which is installed by whoever wants it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from ..errors import DataError
from .decoding import central_part, resize, with_channels
from .source import ArraySource, LabelledImages

_MOST_BYTES = 8 << 30


def read_tfds(
    name: str, data_dir: Path | None, *, image_side: int | None, channels: int | None
) -> ArraySource:
    """Reads a classification data set of TensorFlow Datasets into memory.

    Args:
        name: As for `tfds.load`, without the `tfds:`.
        data_dir: Where prepared data sets lie; the library's own place when `None`.
        image_side: Height and width that images are cut and resized to; may be `None` when all
            images have one size.
        channels: 1 or 3; the data set's own when `None`.

    Raises:
        DataError: The package is not installed, it has no such data set, the data set has no images
            with labels, or it does not fit into 8 GiB at that size.
    """
    builder = _prepared(name, data_dir)
    features = builder.info.features
    if "image" not in features or "label" not in features or "train" not in builder.info.splits:
        raise DataError(
            f"'tfds:{name}' must have the features image and label and a train split. "
            f"Received: {', '.join(sorted(features))}; {', '.join(builder.info.splits)}."
        )
    height, width, present = features["image"].shape
    sides = (image_side, image_side) if image_side else (height, width)
    if None in sides:
        raise DataError(
            f"'tfds:{name}' has images of many sizes: say which one they are to get (image_side)."
        )
    shape = (*sides, channels or present or 3)
    train = _read_split(builder, "train", shape, name)
    has_test = "test" in builder.info.splits
    test = _read_split(builder, "test", shape, name) if has_test else None
    names = tuple(features["label"].names)
    return ArraySource(train, test, names, source=f"tfds:{builder.info.full_name}")


def _prepared(name: str, data_dir: Path | None) -> Any:
    try:
        import tensorflow_datasets
    except ImportError as error:
        raise DataError(
            f"'tfds:{name}' needs the package tensorflow-datasets, which is not installed."
        ) from error
    try:
        builder = tensorflow_datasets.builder(name, data_dir=data_dir)
        builder.download_and_prepare()
    except Exception as error:  # Whatever a data set's own script raises.
        reason = next(
            (line for line in str(error).splitlines() if line.strip()), type(error).__name__
        )
        raise DataError(f"'tfds:{name}' could not be prepared: {reason.rstrip('.')}.") from error
    return builder


def _read_split(builder: Any, split: str, shape: tuple[int, int, int], name: str) -> LabelledImages:
    count = builder.info.splits[split].num_examples
    height, width, channels = shape
    if count * height * width * channels > _MOST_BYTES:
        raise DataError(
            f"'tfds:{name}' must fit into {_MOST_BYTES >> 30} GiB. Received: {count:,} images of "
            f"{height}x{width}x{channels}; write them to class folders (the data set 'directory')."
        )

    @tf.autograph.experimental.do_not_convert
    def fit(example: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.cast(example["image"], tf.uint8)
        image = with_channels(image, channels)
        if example["image"].shape[:2] != (height, width):
            image = resize(central_part(image, height, width), height, width)
        return image, tf.cast(example["label"], tf.int32)

    examples = builder.as_dataset(split=split, shuffle_files=False)
    pixels, labels = np.empty((count, *shape), np.uint8), np.empty(count, np.int32)
    read = examples.map(fit, num_parallel_calls=tf.data.AUTOTUNE).batch(256)
    at = 0
    for images, classes in read:
        pixels[at : at + len(images)], labels[at : at + len(images)] = images, classes
        at += len(images)
    return LabelledImages(pixels, labels)
