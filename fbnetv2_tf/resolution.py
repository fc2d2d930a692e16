"""Input resolutions: the nearest subset of a map, and the paper's choice among resolutions.

FBNetV2 section 3.2. Padding the smaller candidates would misalign pixels, and convolving a map with
zeros in between would shrink the receptive field; so an operation runs on a dense subset of the
pixels, and its result goes back to where they came from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .errors import SpaceError


def nearest_places(side: int, smaller: int) -> np.ndarray:
    """Which of `side` pixels the `smaller` subset has: `index(i) = floor(i * side / smaller)`.

    Example:
        >>> nearest_places(6, 4).tolist()
        [0, 1, 3, 4]
    """
    if not 0 < smaller <= side:
        raise SpaceError(
            f"A resolution must be from 1 to the {side} pixels of the images. Received: {smaller}."
        )
    return np.arange(smaller) * side // smaller


def nearest_subset(images: tf.Tensor, side: int) -> tf.Tensor:
    """Every image at `side` pixels: its nearest subset, as it is where it has that side.

    Args:
        images: (batch, side, side, channels), square; where the graph does not know their side,
            the result's is known.
        side: wanted, at most theirs.

    Raises:
        SpaceError: where the images are smaller.

    Example:
        >>> images = tf.reshape(tf.range(16.0), [1, 4, 4, 1])
        >>> nearest_subset(images, 2)[0, :, :, 0].numpy().tolist()
        [[0.0, 2.0], [8.0, 10.0]]
    """
    if images.shape[1] == side:
        return images
    if images.shape[1] is None:
        dynamic = tf.range(side) * tf.shape(images)[1] // side
        subset = tf.gather(tf.gather(images, dynamic, axis=1), dynamic, axis=2)
        return tf.ensure_shape(subset, [None, side, side, images.shape[3]])
    places = nearest_places(int(images.shape[1]), side)
    return tf.gather(tf.gather(images, places, axis=1), places, axis=2)


def scattered(maps: tf.Tensor, side: int) -> tf.Tensor:
    """Puts a dense subset back on the large grid, interspersed with zeros.

    Args:
        maps: (batch, smaller, smaller, channels).
        side: of the grid.
    """
    smaller = int(maps.shape[1])
    if smaller == side:
        return maps
    matrix = np.zeros((side, smaller), np.float32)
    matrix[nearest_places(side, smaller), np.arange(smaller)] = 1
    spread = tf.constant(matrix, maps.dtype)
    return tf.einsum("yh,xw,bhwc->byxc", spread, spread, maps)


def side_of_step(sides: Sequence[int], step: int, seed: int) -> int:
    """The input resolution that a weight step runs, pixels.

    Steps come in rounds of random order. The smallest and the largest resolution are in a round
    twice, those between them once: these learn from the steps of both neighbours too (the sandwich
    rule of Yu and Huang 2019, arXiv:1903.05134, one resolution a step). How often one is trained
    does not depend on its probability, so none leads the search for being trained more for a lead.

    Args:
        sides: the alternatives.
        step: of the search, from 0.
        seed: the same seed gives the same order.

    Example:
        >>> sorted(side_of_step((14, 20, 28), step, seed=0) for step in range(5))
        [14, 14, 20, 28, 28]
    """
    ends = [min(sides), max(sides)] if len(sides) > 2 else []
    members = [*sides, *ends]
    this_round, place = divmod(step, len(members))
    noise = tf.random.stateless_uniform([len(members)], tf.constant([this_round, seed], tf.int64))
    return members[int(tf.argsort(noise)[place])]


@keras.saving.register_keras_serializable(package="fbnetv2_tf")
class ResolutionChoice(keras.layers.Layer):
    """The paper's choice among resolutions of one map: `y = sum_r g_r scatter_r(F(gather_r(x)))`.

    For a whole network prefer a space with `hw96/128/160`: there every resolution is evaluated as
    the child computes it. This layer is for choosing the resolution of a part.

    Args:
        operation: what runs on each subset and keeps its side; a layer or a function.
        sides: the resolutions, the largest first or last; the map has the largest.

    Call arguments:
        x: (batch, side, side, channels) with the largest side.
        weights: (sides,), of the resolutions.

    Returns:
        (batch, side, side, channels'), at one-hot weights the result of that resolution
        interspersed with zeros.

    Example:
        >>> double = ResolutionChoice(lambda x: 2 * x, sides=(2, 4))
        >>> y = double(tf.ones([1, 4, 4, 1]), tf.constant([1.0, 0.0]))
        >>> y[0, :, :, 0].numpy().tolist()[0]
        [2.0, 0.0, 2.0, 0.0]
        >>> float(double.mean(y, tf.constant([1.0, 0.0]))[0, 0])
        2.0
    """

    def __init__(
        self, operation: Callable[[tf.Tensor], tf.Tensor], sides: Sequence[int], **kwargs: Any
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        if len(sides) < 2 or len(set(sides)) < len(sides):
            raise SpaceError(
                f"`sides` must be at least two resolutions, none twice. Received: {list(sides)}."
            )
        self.operation = operation
        self.sides = tuple(sides)

    def call(self, x: tf.Tensor, weights: Any) -> tf.Tensor:
        grid = max(self.sides)
        if x.shape[1] != grid or x.shape[2] != grid:
            raise SpaceError(
                f"The map must have the largest side, {grid} pixels. Received: {tuple(x.shape)}."
            )
        parts = []
        for place, side in enumerate(self.sides):
            y = self.operation(nearest_subset(x, side))
            if y.shape[1] != side or y.shape[2] != side:
                raise SpaceError(
                    f"`operation` must keep the side of its map, {side} pixels. "
                    f"Received: {tuple(y.shape)}."
                )
            parts.append(tf.cast(weights[place], y.dtype) * scattered(y, grid))
        return tf.add_n(parts)

    def mean(self, y: tf.Tensor, weights: Any) -> tf.Tensor:
        """The mean over the pixels that are there: `sum_xy y / sum_r g_r side_r^2`.

        Args:
            y: what `call` returned.
            weights: (sides,), the same.

        Returns:
            (batch, channels).
        """
        areas = tf.constant(self.sides, tf.float32) ** 2
        pixels = tf.tensordot(areas, tf.cast(weights, tf.float32), 1)
        return tf.reduce_sum(y, axis=[1, 2]) / tf.cast(pixels, y.dtype)

    def get_config(self) -> dict[str, Any]:
        operation = keras.saving.serialize_keras_object(self.operation)
        return {**super().get_config(), "operation": operation, "sides": list(self.sides)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ResolutionChoice:
        operation = keras.saving.deserialize_keras_object(config["operation"])
        return cls(**{**config, "operation": operation})
