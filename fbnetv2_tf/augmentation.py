"""What is done to training images, drawn anew in every epoch and the same again for the same epoch.

Every random number comes from a stateless operation on a seed that the caller derives from (seed,
epoch, position), so an augmented batch is a pure function of its place in the run. Whole batches
are processed at once.
"""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import tensorflow as tf

from .errors import DataError
from .pixels import to_unit_floats
from .rand_augment import RandAugment
from .stateless_seeds import StatelessSeeds

_FLIP, _CROP, _BOX, _RAND_AUGMENT, _MIXUP = range(5)
_ASPECT_RATIOS = (3 / 4, 4 / 3)


@dataclass(frozen=True)
class Augmentation:
    """A recipe of random changes to a batch of images, applied in the order of its attributes.

    Attributes:
        flip: Whether half of the images are mirrored left to right.
        crop_padding: Pixels of zeros put around an image before a crop of the old size is cut out;
            0 for none.
        random_resized_crop: Smallest and largest share of the image's area, in (0, 1], that a
            random box of aspect ratio 3/4 to 4/3 covers before it is resized to the whole image;
            `None` for none.
        rand_augment: Strength of RandAugment (two operations, `keras.layers.RandAugment`) in [0,
            1]; 0 for none.
        mixup: Concentration of the Beta distribution by which pairs of images and their labels are
            blended; 0 for none. With mixup, labels become float32 of shape `(batch, classes)`: the
            loss must be categorical.

    Raises:
        DataError: An attribute is outside its range.

    Example:
        >>> from fbnetv2_tf.augmentation import PRESETS, Augmentation
        >>> Augmentation(flip=True, crop_padding=2) == PRESETS["light"]
        True

    References:
        - [RandAugment, arXiv:1909.13719](https://arxiv.org/abs/1909.13719)
        - [mixup, arXiv:1710.09412](https://arxiv.org/abs/1710.09412)
    """

    flip: bool = False
    crop_padding: int = 0
    random_resized_crop: tuple[float, float] | None = None
    rand_augment: float = 0.0
    mixup: float = 0.0

    def __post_init__(self) -> None:
        if self.crop_padding < 0:
            raise DataError(f"`crop_padding` must not be negative. Received: {self.crop_padding}.")
        if self.random_resized_crop is not None:
            low, high = self.random_resized_crop
            if not 0.0 < low <= high <= 1.0:
                raise DataError(
                    "`random_resized_crop` must be two shares of the area, 0 < low <= high <= 1. "
                    f"Received: {self.random_resized_crop}."
                )
        if not 0.0 <= self.rand_augment <= 1.0:
            raise DataError(f"`rand_augment` must be in [0, 1]. Received: {self.rand_augment}.")
        if not (0.0 <= self.mixup < math.inf):
            raise DataError(f"`mixup` must be 0 or positive. Received: {self.mixup}.")

    @property
    def mixes_labels(self) -> bool:
        """Whether labels become class probabilities, which need a categorical loss."""
        return self.mixup > 0.0

    def __call__(
        self, images: tf.Tensor, labels: tf.Tensor, *, seed: tf.Tensor, classes: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Changes a batch; the same seed gives the same batch.

        Args:
            images: uint8, or float32 in [0, 1], shape `(batch, height, width, channels)`.
            labels: Classes, int32, shape `(batch,)`.
            seed: Integers of shape `(2,)`, another for each batch.
            classes: Number of classes; used by mixup alone.

        Returns:
            Images, float32 in [0, 1], of the same shape; labels as given, or float32 of shape
            `(batch, classes)` when `mixup` is positive.
        """
        if self.flip:
            images = mirror_half(images, tf.random.fold_in(seed, _FLIP))
        images = to_unit_floats(images)
        if self.crop_padding:
            images = shift(images, self.crop_padding, tf.random.fold_in(seed, _CROP))
        if self.random_resized_crop is not None:
            images = zoom(images, self.random_resized_crop, tf.random.fold_in(seed, _BOX))
        if self._rand_augment is not None:
            images = self._rand_augment(images, seed=tf.random.fold_in(seed, _RAND_AUGMENT))
        if self.mixup:
            labels = tf.one_hot(labels, classes)
            seeds = StatelessSeeds(tf.random.fold_in(seed, _MIXUP))
            drawn = self._mixup_layer.get_random_transformation(images, training=True, seed=seeds)
            images = self._mixup_layer.transform_images(images, drawn)
            labels = self._mixup_layer.transform_labels(labels, drawn)
        return images, labels

    @cached_property
    def _mixup_layer(self) -> keras.layers.MixUp:
        # A layer creates variables, which cannot be done in the function of a data set.
        with tf.init_scope():
            return keras.layers.MixUp(alpha=self.mixup, dtype="float32")

    @cached_property
    def _rand_augment(self) -> RandAugment | None:
        return RandAugment(self.rand_augment) if self.rand_augment else None


def mirror_half(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Mirrors each image of a batch left to right with probability one half."""
    batch = tf.shape(images)[0]
    is_mirrored = tf.random.stateless_uniform((batch,), seed) < 0.5
    places = tf.where(is_mirrored)
    # Touching half of the images is faster than choosing between two whole batches.
    return tf.tensor_scatter_nd_update(
        images, places, tf.reverse(tf.gather_nd(images, places), [2])
    )


def shift(images: tf.Tensor, padding: int, seed: tf.Tensor) -> tf.Tensor:
    """Pads each image with zeros and crops it to its old size at a random place.

    Args:
        images: float32, shape `(batch, height, width, channels)`.
        padding: Pixels on every side; the crop moves by up to so many in each direction.
        seed: Integers of shape `(2,)`.

    Returns:
        Images of the same shape.
    """
    batch = tf.shape(images)[0]
    sides = images.shape[1:3]
    moves = tf.random.stateless_uniform((batch, 2), seed, -padding, padding + 1, tf.int32)
    # Windows that reach over the border are filled with zeros, so nothing has to be padded.
    return tf.ensure_shape(
        tf.image.extract_glimpse(
            images,
            sides,
            tf.cast(moves, tf.float32),
            centered=False,
            normalized=False,
            noise="zero",
        ),
        images.shape,
    )


def zoom(images: tf.Tensor, area: tuple[float, float], seed: tf.Tensor) -> tf.Tensor:
    """Resizes a random box of each image to the whole image (bilinear).

    Args:
        images: float32, shape `(batch, height, width, channels)`.
        area: Smallest and largest share of the image in a box.
        seed: Integers of shape `(2,)`.

    Returns:
        Images of the same shape.
    """
    batch = tf.shape(images)[0]
    height, width = images.shape[1:3]
    boxes = random_boxes(batch, height, width, area, seed)
    return tf.image.crop_and_resize(images, boxes, tf.range(batch), (height, width))


def random_boxes(
    count: int | tf.Tensor,
    height: int | tf.Tensor,
    width: int | tf.Tensor,
    area: tuple[float, float],
    seed: tf.Tensor,
) -> tf.Tensor:
    """Draws boxes within an image, with uniform area and log-uniform aspect ratio.

    Args:
        count: How many.
        height: Height of the image in pixels.
        width: Width of the image in pixels.
        area: Smallest and largest share of the image that a box covers; less where the aspect ratio
            leaves no room.
        seed: Integers of shape `(2,)`.

    Returns:
        Boxes `(top, left, bottom, right)` as fractions of the image's sides, float32, shape
        `(count, 4)`.
    """
    uniform = tf.random.stateless_uniform((4, count), seed)
    low, high = area
    share = low + (high - low) * uniform[0]
    first, last = (math.log(ratio) for ratio in _ASPECT_RATIOS)
    ratio = tf.exp(first + (last - first) * uniform[1])
    # In fractions of the sides, a box of pixel aspect ratio r is r * height / width as wide as it
    # is high.
    ratio = ratio * tf.cast(height, tf.float32) / tf.cast(width, tf.float32)
    box_height = tf.minimum(tf.sqrt(share / ratio), 1.0)
    box_width = tf.minimum(tf.sqrt(share * ratio), 1.0)
    top = uniform[2] * (1.0 - box_height)
    left = uniform[3] * (1.0 - box_width)
    return tf.stack([top, left, top + box_height, left + box_width], axis=1)


PRESETS = {
    "none": Augmentation(),
    "flip": Augmentation(flip=True),
    "light": Augmentation(flip=True, crop_padding=2),
    "strong": Augmentation(flip=True, random_resized_crop=(0.35, 1.0), rand_augment=0.5, mixup=0.2),
}
"""The recipes that have a name."""


_TOKEN = re.compile(r"(flip)|(crop|zoom|rand|mixup)(\d{1,3}(?:\.\d{1,6})?)")


def augmentation(recipe: Augmentation | str | None) -> Augmentation | None:
    """The recipe of a preset's name, or of a text of tokens.

    The tokens are `flip`; `crop2`, pixels of padding; `zoom0.35`, the smallest share of the area
    in a random resized crop; `rand0.5`, the strength of RandAugment; and `mixup0.2`.

    Args:
        recipe: `"none"`, `"flip"`, `"light"`, `"strong"`, tokens joined by `_`, a recipe, or
            `None`.

    Returns:
        The recipe; `None` for one that changes nothing.

    Raises:
        DataError: No preset has that name, and it is no such text.

    Example:
        >>> augmentation("light").crop_padding
        2
        >>> augmentation("flip_zoom0.35_rand0.5_mixup0.2") == PRESETS["strong"]
        True
    """
    if isinstance(recipe, str):
        recipe = PRESETS[recipe] if recipe in PRESETS else _of_tokens(recipe)
    return None if recipe == Augmentation() else recipe


def _of_tokens(text: str) -> Augmentation:
    """The recipe of `flip_crop2_mixup0.2`."""
    found: dict[str, Any] = {}
    for token in text.split("_"):
        match = _TOKEN.fullmatch(token)
        kind = (match[1] or match[2]) if match else ""
        if match is None or kind in found:
            near = difflib.get_close_matches(text, PRESETS, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise DataError(
                f"`augment` must be one of {', '.join(PRESETS)}, or some of flip, crop2, zoom0.35, "
                f"rand0.5 and mixup0.2, each once and joined by '_'. Received: '{text:.80}'.{hint}"
            )
        found[kind] = True if kind == "flip" else float(match[3])
    zoom_from = found.get("zoom")
    return Augmentation(
        flip="flip" in found,
        crop_padding=int(found.get("crop", 0)),
        random_resized_crop=None if zoom_from is None else (zoom_from, 1.0),
        rand_augment=found.get("rand", 0.0),
        mixup=found.get("mixup", 0.0),
    )
