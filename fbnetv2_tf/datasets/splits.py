"""A data set as it is handed to a run: four parts that share no image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ..augmentation import Augmentation, augmentation
from ..errors import DataError
from ..printable import printable
from .epochs import MakeEpoch, augmentation_seed, counted, order_seed
from .unreadable import UnreadableImages, image_errors


class Examples(Protocol):
    """Where images come from: `ArrayExamples` (memory) or `FileExamples` (decoded when needed)."""

    @property
    def labels(self) -> NDArray[np.int32]:
        """The class of each example, shape `(images,)`."""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of every image."""

    @property
    def unreadable(self) -> UnreadableImages | None:
        """The files that were left out so far, where that is what was asked for."""

    def epoch(
        self,
        order: tf.Tensor,
        batch_size: int,
        *,
        drop_remainder: bool = False,
        augment: Augmentation | None = None,
        seed: tf.Tensor | None = None,
        classes: int = 0,
        is_training: bool = False,
        first_batch: tf.Tensor | int = 0,
    ) -> tf.data.Dataset:
        """The images at the positions in `order`, in batches of `(images, labels)`."""


@dataclass(frozen=True, eq=False)
class Split:
    """One part of a data set.

    Attributes:
        name: `weights`, `architecture`, `validation`, `test`, or `train` for the first two joined.
        examples: Where the images come from; shared with the other parts.
        indices: Positions of this part's images in `examples`, int64, shape `(size,)`.
        classes: Number of classes of the whole data set.
    """

    name: str
    examples: Examples
    indices: NDArray[np.int64]
    classes: int

    @property
    def size(self) -> int:
        """Number of images."""
        return len(self.indices)

    @property
    def labels(self) -> NDArray[np.int32]:
        """Class of each image in the part's own order, int32, shape `(size,)`."""
        return self.examples.labels[self.indices]

    def images(self, count: int | None = None) -> NDArray[np.float32]:
        """The first `count` images (all when `None`) in the part's own order.

        Returns:
            Array of shape `(count, height, width, channels)`, float32 in [0, 1]; shorter by the
            unreadable images where those are skipped.

        Raises:
            DataError: An image cannot be read.
        """
        with tf.device("CPU:0"):
            positions = tf.constant(self.indices[:count])
        with image_errors():
            batches = [images.numpy() for images, _ in self.examples.epoch(positions, 64)]
        return np.concatenate(batches or [np.zeros((0, *self.examples.image_shape), np.float32)])

    def steps(self, batch_size: int, *, drop_remainder: bool = False) -> int:
        """Number of batches in an epoch."""
        return self.size // batch_size if drop_remainder else -(-self.size // batch_size)

    def epoch(
        self,
        batch_size: int,
        epoch: int | tf.Tensor,
        *,
        shuffle_seed: int | None = None,
        augment: Augmentation | str | None = None,
        drop_remainder: bool = False,
        first_batch: tf.Tensor | int = 0,
    ) -> tf.data.Dataset:
        """One epoch; a pure function of its arguments.

        Args:
            batch_size: Images in a batch, at least 1.
            epoch: Number of the epoch, also as an int64 tensor; it matters to shuffling and
                augmentation alone.
            shuffle_seed: Seed of the order and of the augmentation; `None` keeps the part's own
                order (and seed 0).
            augment: An `Augmentation` or a preset's name.
            drop_remainder: Whether a last, smaller batch is left out, which makes the batch
                dimension static.
            first_batch: Where to start, for a run that goes on within an epoch; what comes before
                is not read.

        Returns:
            Data set of `(images, labels)`: float32 in [0, 1] of shape `(batch, height, width,
            channels)`, and int32 of shape `(batch,)`, or float32 of shape `(batch, classes)` with
            mixup.

        Raises:
            DataError: The batch size is not positive, or larger than a part of which no remainder
                is kept.
        """
        self._require_batches(batch_size, drop_remainder)
        recipe = augmentation(augment)
        with tf.device("CPU:0"):
            order = tf.constant(self.indices)
        if shuffle_seed is not None:
            order = tf.random.experimental.stateless_shuffle(order, order_seed(shuffle_seed, epoch))
        return self.examples.epoch(
            order,
            batch_size,
            drop_remainder=drop_remainder,
            augment=recipe,
            seed=augmentation_seed(shuffle_seed or 0, epoch),
            classes=self.classes,
            is_training=shuffle_seed is not None or recipe is not None,
            first_batch=first_batch,
        )

    def dataset(
        self,
        batch_size: int,
        *,
        shuffle_seed: int | None = None,
        augment: Augmentation | str | None = None,
        first_epoch: int = 0,
        drop_remainder: bool = False,
    ) -> tf.data.Dataset:
        """A finite data set for `keras.Model.fit` and `evaluate`.

        With a seed or an augmentation, its n-th complete iteration is epoch `first_epoch + n` of
        `epoch()`, whatever process iterates it; without them every iteration is the same.

        Args:
            batch_size: As in `epoch`.
            shuffle_seed: As in `epoch`.
            augment: As in `epoch`.
            first_epoch: The epoch that the first iteration gives; more than 0 when a run is
                resumed.
            drop_remainder: As in `epoch`.

        Returns:
            Data set as in `epoch`, prefetched.

        Raises:
            DataError: As in `epoch`.

        Example:
            >>> from fbnetv2_tf.datasets import load_dataset
            >>> splits = load_dataset("fashion_mnist_10k")
            >>> data = splits.train.dataset(64, shuffle_seed=1, augment="light")
            >>> int(data.cardinality())
            110
        """
        make_epoch = self.epochs(
            batch_size, shuffle_seed=shuffle_seed, augment=augment, drop_remainder=drop_remainder
        )
        if shuffle_seed is None and augmentation(augment) is None:
            return make_epoch(tf.constant(0, tf.int64), 0)
        steps = self.steps(batch_size, drop_remainder=drop_remainder)
        return counted(make_epoch, steps, first_epoch)

    def epochs(
        self,
        batch_size: int,
        *,
        shuffle_seed: int | None = None,
        augment: Augmentation | str | None = None,
        drop_remainder: bool = False,
    ) -> MakeEpoch:
        """A function from an epoch's number to its batches, as `counted` and `endless` take it."""

        def make_epoch(number: tf.Tensor, first_batch: tf.Tensor | int) -> tf.data.Dataset:
            batches = self.epoch(
                batch_size,
                number,
                shuffle_seed=shuffle_seed,
                augment=augment,
                drop_remainder=drop_remainder,
                first_batch=first_batch,
            )
            return batches.prefetch(tf.data.AUTOTUNE)

        return make_epoch

    def _require_batches(self, batch_size: int, drop_remainder: bool) -> None:
        if batch_size < 1:
            raise DataError(f"`batch_size` must be at least 1. Received: {batch_size}.")
        if drop_remainder and batch_size > self.size:
            raise DataError(
                f"`batch_size` must not exceed the {self.size} images of the {self.name} part when "
                f"the last, smaller batch is dropped. Received: {batch_size}."
            )


@dataclass(frozen=True, eq=False)
class DataSplits:
    """A data set divided into four parts that share no image.

    Attributes:
        name: The name it was asked for by.
        source: Where it came from, for a person to read.
        weights: Trains the weights during a search.
        architecture: Trains the architecture variables during a search.
        validation: Compares networks: architectures, epochs, settings.
        test: The final figure, looked at once.
        class_names: One name for each class, in label order.
        image_shape: Height, width, channels.
    """

    name: str
    source: str
    weights: Split
    architecture: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def unreadable(self) -> tuple[tuple[str, str], ...]:
        """Path and reason of each image that was left out so far (`on_bad_image="skip"`)."""
        return tuple(self.train.examples.unreadable or ())

    @property
    def train(self) -> Split:
        """The weights and architecture parts joined, to train a network that has been found."""
        indices = np.concatenate([self.weights.indices, self.architecture.indices])
        return Split("train", self.weights.examples, indices, self.classes)

    def describe(self) -> str:
        """One line: name, image shape, images in each part, and how unequal the classes are."""
        height, width, channels = self.image_shape
        counts = ", ".join(
            f"{part.size:,} {part.name}"
            for part in (self.weights, self.architecture, self.validation, self.test)
        )
        in_class = np.bincount(self.train.labels, minlength=self.classes)
        smallest, largest = int(in_class.min()), int(in_class.max())
        if smallest == largest:
            balance = f"{smallest:,} training images in each class"
        else:
            places = int(in_class.argmin()), int(in_class.argmax())
            few, many = (printable(self.class_names[place]) for place in places)
            ratio = f"{largest / smallest:.1f} to 1" if smallest else "a class without any"
            balance = (
                f"{smallest:,} ({few}) to {largest:,} ({many}) training images in a class, {ratio}"
            )
        return (
            f"{self.name}: {height}x{width}x{channels}, {self.classes} classes; {counts} images; "
            f"{balance} ({printable(self.source)})"
        )
