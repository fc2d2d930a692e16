"""RandAugment of Keras's own layers, fast enough for tf.data and a pure function of a seed."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf

from .stateless_seeds import StatelessSeeds

_GREATEST_SHEAR = 0.3
_GREATEST_TRANSLATION = 0.45
_GREATEST_TURN = 30 / 360
_GREATEST_CHANGE_OF_COLOUR = 0.9
_FEWEST_BITS, _BITS = 4, 8


class RandAugment:
    """Changes images by operations drawn at random, all of one strength.

    The images of a batch are dealt into groups; each group draws its operations, and each image its
    direction and amount up to the strength, with the ranges of the paper at strength 1 (shear 0.3,
    translation 0.45 of the side, turn 30 degrees, brightness, contrast, colour and sharpness 0.9,
    posterization to 4 bits).

    `keras.layers.RandAugment` computes all eleven operations for every image and keeps one, and
    draws from a variable; here the same Keras layers do the work, but only those that are drawn
    run, and their seeds come from the caller.

    Args:
        strength: In (0, 1].
        operations: How many operations each image goes through, one after the other.
        groups: How many operations are drawn independently in a batch.

    References:
        - [RandAugment, arXiv:1909.13719](https://arxiv.org/abs/1909.13719)
    """

    def __init__(self, strength: float, operations: int = 2, groups: int = 8) -> None:
        self.operations = operations
        self.groups = groups
        # A layer creates variables, which cannot be done in the function of a data set.
        with tf.init_scope():
            self.layers = operation_layers(strength)

    def __call__(self, images: tf.Tensor, *, seed: tf.Tensor) -> tf.Tensor:
        """Changes a batch; the same seed gives the same batch.

        Args:
            images: float32 in [0, 1], shape `(batch, height, width, channels)`.
            seed: Integers of shape `(2,)`.

        Returns:
            Images of the same shape, float32 in [0, 1].
        """
        batch = tf.shape(images)[0]
        shape = images.shape[1:]
        in_group = -(-batch // self.groups)
        # The last images stand in where the batch does not fill all groups, and are cut off below.
        places = tf.minimum(tf.range(in_group * self.groups), batch - 1)
        grouped = tf.reshape(tf.gather(images, places), (self.groups, in_group, *shape))
        seeds = tf.stack([tf.random.fold_in(seed, number) for number in range(self.groups)])
        changed = tf.map_fn(
            lambda group: self._change_group(*group),
            (grouped, seeds),
            fn_output_signature=tf.TensorSpec((None, *shape), tf.float32),
        )
        changed = tf.reshape(changed, (-1, *shape))[:batch]
        return tf.ensure_shape(changed, images.shape)

    def _change_group(self, images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        shape = images.shape

        def operate(number: tf.Tensor, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            choice_seed, layer_seed = (
                tf.random.fold_in(seed, 2 * number + place) for place in range(2)
            )
            drawn = tf.random.stateless_uniform((), choice_seed, 0, len(self.layers), tf.int32)
            branches = [_apply(layer, images, layer_seed) for layer in self.layers]
            images = tf.ensure_shape(tf.switch_case(drawn, branches), shape)
            return number + 1, tf.clip_by_value(images, 0.0, 1.0)

        # A loop of the graph: the eleven branches are traced once, which takes seconds.
        _, images = tf.while_loop(
            lambda number, _: number < self.operations, operate, (tf.constant(0), images)
        )
        return images


def _apply(
    layer: keras.layers.Layer, images: tf.Tensor, seed: tf.Tensor
) -> Callable[[], tf.Tensor]:
    def apply() -> tf.Tensor:
        drawn = layer.get_random_transformation(images, training=True, seed=StatelessSeeds(seed))
        return layer.transform_images(images, drawn, training=True)

    return apply


def operation_layers(strength: float) -> tuple[keras.layers.Layer, ...]:
    """The eleven operations of RandAugment at a strength in (0, 1].

    Returns:
        Keras layers for float32 images in [0, 1], whatever the global dtype policy is.
    """
    shear, move = strength * _GREATEST_SHEAR, strength * _GREATEST_TRANSLATION
    colour = strength * _GREATEST_CHANGE_OF_COLOUR
    sharpness = (0.5 - colour / 2, 0.5 + colour / 2)
    bits = _BITS - round(strength * (_BITS - _FEWEST_BITS))
    black = {"fill_mode": "constant", "dtype": "float32"}
    unit = {"value_range": (0.0, 1.0), "dtype": "float32"}
    return (
        keras.layers.RandomShear(shear, shear, **black),
        keras.layers.RandomTranslation(move, move, **black),
        keras.layers.RandomRotation(strength * _GREATEST_TURN, **black),
        keras.layers.RandomBrightness(colour, **unit),
        keras.layers.RandomColorDegeneration(colour, **unit),
        keras.layers.RandomContrast((colour, colour), **unit),
        keras.layers.RandomSharpness(sharpness, **unit),
        keras.layers.RandomPosterization((bits, bits), **unit),
        keras.layers.Solarization(threshold_factor=(1.0 - strength, 1.0 - strength), **unit),
        keras.layers.AutoContrast(**unit),
        keras.layers.Equalization(**unit),
    )
