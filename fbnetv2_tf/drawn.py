"""What a hard sample has drawn: numbers of channels, and the parts of parameters that they leave.

All counts and slices of a block are made before its branches: inside, each would be handed to the
branch's gradient by two operations, together with the shapes and places that it was made from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from .masked_block import MaskedBlock
from .rounding import hidden_channels, se_channels

Count = Any
"""A number of channels: an int where there is no choice, else an int32 scalar tensor."""

Places = Mapping[str, Any]
"""Field of a block -> place of the drawn alternative, int32; `input`: the width that it reads."""


def drawn(table: Any, *places: Any) -> Count:
    """The entry of an integer table at drawn places.

    Args:
        table: integers, of one axis for each place.
        places: int32 scalars; the number 0 where an axis has one entry.

    Example:
        >>> int(drawn([[8, 16], [24, 32]], tf.constant(1), tf.constant(0)))
        24
        >>> drawn([8, 8], tf.constant(1))
        8
    """
    entries = np.asarray(table)
    if (entries == entries.flat[0]).all():
        return int(entries.flat[0])
    at: Any = 0
    for extent, place in zip(entries.shape, places, strict=True):
        at = at * extent + place
    return tf.gather(tf.constant(entries.ravel(), tf.int32), at)


def prefix(tensor: tf.Tensor, *counts: Count) -> tf.Tensor:
    """The first entries along the first axes, so many of each.

    Args:
        tensor: of a static shape.
        counts: of the entries, one for each of the first axes.

    Example:
        >>> prefix(tf.constant([[1, 2], [3, 4]]), 2, tf.constant(1)).numpy().tolist()
        [[1], [3]]
    """
    if list(counts) == tensor.shape[: len(counts)]:
        return tensor
    extents = tensor.shape.as_list()
    part = tensor[: counts[0]] if len(extents) == 1 else _part(tensor, counts)
    static = [count if isinstance(count, int) else None for count in counts]
    part.set_shape([*static, *extents[len(counts) :]])
    return part


def _part(tensor: tf.Tensor, counts: Sequence[Count]) -> tf.Tensor:
    """`prefix` of a matrix or more: the gradient of TensorFlow's own slice is slow to pad one."""
    extents = tensor.shape.as_list()
    sizes = tf.stack([*counts, *extents[len(counts) :]])

    @tf.custom_gradient
    def cut(tensor: tf.Tensor) -> Any:
        def gradient(dy: tf.Tensor) -> tf.Tensor:
            after = tf.stack([tf.zeros_like(sizes), extents - sizes], axis=1)
            return tf.pad(dy, after)

        return tf.slice(tensor, [0] * len(extents), sizes), gradient

    return cut(tensor)


def channels_of(x: tf.Tensor) -> Count:
    """How many channels a map has."""
    return tf.shape(x)[-1] if x.shape[-1] is None else x.shape[-1]


def input_count(layer: MaskedBlock, places: Places) -> Count:
    """The channels that a block reads."""
    return drawn(layer.input_channels, places.get("input", 0))


def output_count(layer: MaskedBlock, places: Places) -> Count:
    """The channels that a block writes."""
    return drawn(layer.output_channels, places.get("channels", 0))


def hidden_count(layer: MaskedBlock, places: Places) -> Count:
    """The channels after the expansion."""
    return drawn(_hidden_table(layer), places.get("input", 0), places.get("expansion", 0))


def squeezed_count(layer: MaskedBlock, places: Places) -> Count:
    """The channels between the layers of squeeze-and-excite, 0 where it was not drawn."""
    table = se_channels(_hidden_table(layer)[..., None], np.array(layer.block.se))
    return drawn(table, *(places.get(field, 0) for field in ("input", "expansion", "se")))


def same_width(layer: MaskedBlock, places: Places) -> Any:
    """Whether the output has the input's shape: a bool, or a bool scalar tensor."""
    if layer.block.stride[0] > 1:
        return False
    width, output = input_count(layer, places), output_count(layer, places)
    if isinstance(width, int) and isinstance(output, int):
        return width == output
    return tf.equal(width, output)


def _hidden_table(layer: MaskedBlock) -> np.ndarray:
    """The hidden width by input width and expansion."""
    inputs = np.array(layer.input_channels)[:, None]
    expansions = np.array(layer.block.expansion or (0,))[None, :]
    return hidden_channels(inputs, expansions) if layer.block.expansion else inputs
