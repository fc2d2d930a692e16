"""Images held in memory as one array of bytes (or of floats), turned into floats batch by batch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ..augmentation import Augmentation
from ..pixels import fit_channels, to_unit_floats


@dataclass(frozen=True, eq=False)
class ArrayExamples:
    """Images and labels in memory.

    Attributes:
        pixels: Images as they are stored, uint8 or float32 in [0, 1], shape `(images, height,
            width, channels)`.
        labels: Classes, int32, shape `(images,)`.
        image_shape: Height, width and channels that batches have; other than those of `pixels`,
            images are resized (bilinear, antialiased when shrinking) and their channels converted
            in each batch.
    """

    pixels: NDArray[np.uint8] | NDArray[np.float32]
    labels: NDArray[np.int32]
    image_shape: tuple[int, int, int]

    unreadable = None

    @cached_property
    def _tensors(self) -> tuple[tf.Tensor, tf.Tensor]:
        # Eager constants of bytes would go to the accelerator, where tf.data cannot use them.
        with tf.init_scope(), tf.device("CPU:0"):
            return tf.constant(self.pixels), tf.constant(self.labels)

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
        """The images at the positions in `order`, in batches.

        Args:
            order: Positions, int64, shape `(images of the epoch,)`.
            batch_size: Images in a batch.
            drop_remainder: Whether a last, smaller batch is left out.
            augment: What is done to the images; needs `seed`.
            seed: Seed of the epoch's augmentation, shape `(2,)`.
            classes: Number of classes, for labels that an augmentation mixes.
            is_training: Of no meaning here: every image in memory can be read.
            first_batch: The batch to start at; what comes before is not read.

        Returns:
            Data set of `(images, labels)`: float32 in [0, 1] of shape `(batch, height, width,
            channels)`, and int32 of shape `(batch,)` (or what the augmentation makes of it).
        """
        pixels, labels = self._tensors

        @tf.autograph.experimental.do_not_convert
        def batch(step: tf.Tensor, positions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            images = self._at_image_shape(tf.gather(pixels, positions))
            classes_of_images = tf.gather(labels, positions)
            if augment is None:
                return to_unit_floats(images), classes_of_images
            return augment(
                images, classes_of_images, seed=tf.random.fold_in(seed, step), classes=classes
            )

        first = tf.cast(first_batch, tf.int64)
        positions = tf.data.Dataset.from_tensor_slices(order[first * batch_size :])
        positions = positions.batch(batch_size, drop_remainder=drop_remainder).enumerate(first)
        return positions.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    def _at_image_shape(self, images: tf.Tensor) -> tf.Tensor:
        height, width, channels = self.image_shape
        images = fit_channels(images, channels)
        if images.shape[1:3] != (height, width):
            images = tf.image.resize(to_unit_floats(images), (height, width), antialias=True)
            images = tf.clip_by_value(images, 0.0, 1.0)
        return images
