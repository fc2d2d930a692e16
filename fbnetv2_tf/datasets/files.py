"""Images that stay in their files until a batch needs them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ..augmentation import Augmentation
from ..pixels import to_unit_floats
from .decoding import central_part, decode, random_part, resize
from .unreadable import UnreadableImages, as_text, decoding_error, require_readable

_DECODED_AT_ONCE = 16
_BOX = 0


@dataclass(frozen=True, eq=False)
class FileExamples:
    """Image files and their labels.

    Attributes:
        paths: The files, bytes.
        labels: Classes, int32, shape `(images,)`.
        is_bmp: Whether each file is BMP, bool, shape `(images,)`.
        orientations: EXIF orientations, uint8, shape `(images,)`.
        image_shape: Height, width and channels of every image.
        unreadable: Where files that cannot be decoded are noted and then left out; `None` stops
            with an error at the first.
    """

    paths: tuple[bytes, ...]
    labels: NDArray[np.int32]
    is_bmp: NDArray[np.bool_]
    orientations: NDArray[np.uint8]
    image_shape: tuple[int, int, int]
    unreadable: UnreadableImages | None = None

    @cached_property
    def _tensors(self) -> tuple[tf.Tensor, ...]:
        with tf.init_scope(), tf.device("CPU:0"):
            columns = (list(self.paths), self.labels, self.is_bmp, self.orientations)
            return tuple(tf.constant(column) for column in columns)

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
        """The images at the positions in `order`, in batches, decoded in parallel.

        A random resized crop is cut from the whole image as it is in the file.

        Args:
            order: Positions, int64, shape `(images of the epoch,)`.
            batch_size: Images in a batch.
            drop_remainder: Whether a last, smaller batch is left out.
            augment: What is done to the images; needs `seed`.
            seed: Seed of the epoch's augmentation, shape `(2,)`.
            classes: Number of classes, for labels that an augmentation mixes.
            is_training: Where unreadable files are left out: whether others of the epoch take their
                places, so that the number of batches is known.
            first_batch: The batch to start at. What comes before is read only where unreadable
                files are left out, because they move those after them.

        Returns:
            Data set of `(images, labels)`: float32 in [0, 1] of shape `(batch, height, width,
            channels)`, and int32 of shape `(batch,)` (or what the augmentation makes of it).
        """
        area = augment.random_resized_crop if augment else None
        rest = dataclasses.replace(augment, random_resized_crop=None) if augment else None

        @tf.autograph.experimental.do_not_convert
        def batch(
            step: tf.Tensor, element: tuple[tf.Tensor, tf.Tensor]
        ) -> tuple[tf.Tensor, tf.Tensor]:
            images, labels = element
            if rest is None:
                return to_unit_floats(images), labels
            return rest(images, labels, seed=tf.random.fold_in(seed, step), classes=classes)

        # Twice: where files are left out, those at the start of the order take their places.
        passes = 2 if self.unreadable is not None and is_training else 1
        first = tf.cast(first_batch, tf.int64)
        cut = first if self.unreadable is None else tf.constant(0, tf.int64)
        count = tf.size(order, tf.int64) - cut * batch_size
        images = self._readable(self._decoded(order, area, seed, passes, cut * batch_size))
        batches = images.take(count).batch(batch_size, drop_remainder=drop_remainder)
        if self.unreadable is None or is_training:
            steps = count // batch_size if drop_remainder else -(-count // batch_size)
            batches = batches.apply(tf.data.experimental.assert_cardinality(steps))
        return (
            batches.skip(first - cut)
            .enumerate(first)
            .map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        )

    def _decoded(
        self,
        order: tf.Tensor,
        area: tuple[float, float] | None,
        seed: tf.Tensor | None,
        passes: int,
        start: tf.Tensor,
    ) -> tf.data.Dataset:
        """Elements `(image, label, position, is readable)`, from a place in the order on."""
        height, width, channels = self.image_shape
        paths, labels, is_bmp, orientations = self._tensors

        @tf.autograph.experimental.do_not_convert
        def load(place: tf.Tensor, position: tf.Tensor) -> tuple[tf.Tensor, ...]:
            image = decode(paths[position], is_bmp[position], orientations[position], channels)
            if area is None:
                image = central_part(image, height, width)
            else:
                place_seed = tf.random.fold_in(tf.random.fold_in(seed, place), _BOX)
                image = random_part(image, area, place_seed)
            image = tf.ensure_shape(resize(image, height, width), self.image_shape)
            return image, labels[position], position, True

        @tf.autograph.experimental.do_not_convert
        def load_or_not(place: tf.Tensor, position: tf.Tensor) -> tf.data.Dataset:
            # An operation that fails can be caught only as the end of a data set of its own.
            loaded = tf.data.Dataset.from_tensors((place, position)).map(load).ignore_errors()
            blank = tf.zeros(self.image_shape, tf.uint8)
            failed = tf.data.Dataset.from_tensors((blank, labels[position], position, False))
            return loaded.concatenate(failed).take(1)

        return (
            tf.data.Dataset.from_tensor_slices(order[start:])
            .enumerate(start)
            .repeat(passes)
            .interleave(
                load_or_not,
                cycle_length=_DECODED_AT_ONCE,
                num_parallel_calls=tf.data.AUTOTUNE,
                deterministic=True,
            )
        )

    def _readable(self, decoded: tf.data.Dataset) -> tf.data.Dataset:
        """Elements `(image, label)` of the images that could be decoded."""
        paths = self._tensors[0]

        @tf.autograph.experimental.do_not_convert
        def require(
            image: tf.Tensor, label: tf.Tensor, position: tf.Tensor, is_readable: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor]:
            with tf.control_dependencies([require_readable(is_readable, paths[position])]):
                return tf.identity(image), label

        def note(position: np.int64) -> np.bool_:
            path = self.paths[position]
            reason = decoding_error(path) or "could not be read at that moment"
            if self.unreadable is not None:
                self.unreadable.add(as_text(path), reason)
            return np.False_

        @tf.autograph.experimental.do_not_convert
        def keep(
            image: tf.Tensor, label: tf.Tensor, position: tf.Tensor, is_readable: tf.Tensor
        ) -> tf.Tensor:
            return tf.cond(
                is_readable,
                lambda: True,
                lambda: tf.ensure_shape(tf.numpy_function(note, [position], tf.bool), ()),
            )

        if self.unreadable is None:
            return decoded.map(require)
        return decoded.filter(keep).map(lambda image, label, position, is_readable: (image, label))
