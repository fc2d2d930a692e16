"""Arrays on their way from a file to the four parts of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .arrays import ArrayExamples
from .assignment import NO_TEST, OWN_TEST, Shares, assign, content_hashes, require_parts
from .splits import DataSplits, Split

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.float32]
"""Images in memory: uint8, or float32 in [0, 1], shape `(images, height, width, channels)`."""


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images and their classes.

    Attributes:
        pixels: uint8, or float32 in [0, 1], shape `(images, height, width, channels)`.
        labels: int32, shape `(images,)`.
    """

    pixels: Pixels
    labels: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class ArraySource:
    """A data set in memory, not yet divided.

    Attributes:
        train: Images to train with.
        test: The data set's own test images, of the same shape, if it has any.
        class_names: One name for each class, in label order.
        source: Where it came from, for a person to read.
    """

    train: LabelledImages
    test: LabelledImages | None
    class_names: tuple[str, ...]
    source: str

    def divided(
        self,
        name: str,
        *,
        image_side: int | None = None,
        channels: int | None = None,
        seed: int = 0,
        shares: Shares | None = None,
    ) -> DataSplits:
        """Divides the images by the hash of each image's bytes.

        Args:
            name: What the data set is called.
            image_side: Height and width that images get; `None` keeps theirs.
            channels: Channels that images get; `None` keeps theirs.
            seed: Another seed gives another division.
            shares: The fractions; by default those for a data set with or without test images.

        Returns:
            The four parts.

        Raises:
            DataError: There are too few images.
        """
        height, width, present = self.train.pixels.shape[1:]
        sides = (image_side, image_side) if image_side else (height, width)
        image_shape = (*sides, channels or present)
        pixels, labels = self.train.pixels, self.train.labels
        examples = ArrayExamples(pixels, labels, image_shape)
        hashes = content_hashes((image.tobytes() for image in pixels), seed)
        if shares is None:
            shares = NO_TEST if self.test is None else OWN_TEST
        parts = assign(hashes, labels, shares)
        held = dict.fromkeys(parts, examples)
        if self.test is not None:
            held["test"] = ArrayExamples(self.test.pixels, self.test.labels, image_shape)
            parts["test"] = np.arange(len(self.test.labels))
        require_parts(parts, len(labels), f"'{self.source}'")
        splits = {
            part: Split(part, held[part], positions, len(self.class_names))
            for part, positions in parts.items()
        }
        return DataSplits(
            name=name,
            source=self.source,
            class_names=self.class_names,
            image_shape=image_shape,
            **splits,
        )
