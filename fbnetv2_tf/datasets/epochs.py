"""Epochs that differ from each other and can all be had again.

Everything random in an epoch (order, crops, flips) is drawn by stateless operations from `(seed,
epoch, position)`, so an epoch is a pure function of its number. What is left is to count epochs,
and there are two ways:

- `counted`: a finite data set that gives the next epoch each time it is iterated anew, as
  `keras.Model.fit` does. The number lives in a variable beside the pipeline and advances when the
  *last* batch of an epoch is taken, so that a look at the first batch (which Keras takes under a
  distribution strategy) costs no epoch.
- `endless`: one stream without end that starts at any step of any epoch, for a run that is resumed.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from ..errors import DataError

MakeEpoch = Callable[[tf.Tensor, "tf.Tensor | int"], tf.data.Dataset]
"""From an epoch's number (int64 scalar tensor) and the element that it starts at (the same, or 0)
to a finite data set; a pure function."""

_ORDER, _AUGMENTATION = 1, 2


def order_seed(seed: int, epoch: tf.Tensor | int) -> tf.Tensor:
    """The seed, shape `(2,)`, of the order of an epoch."""
    return _fold(seed, _ORDER, epoch)


def augmentation_seed(seed: int, epoch: tf.Tensor | int) -> tf.Tensor:
    """The seed, shape `(2,)`, of the augmentation of an epoch; fold in a position for each draw."""
    return _fold(seed, _AUGMENTATION, epoch)


def _fold(seed: int, purpose: int, epoch: tf.Tensor | int) -> tf.Tensor:
    start = tf.constant([seed, purpose], tf.int64)
    return tf.random.fold_in(start, tf.cast(epoch, tf.int64))


def counted(make_epoch: MakeEpoch, elements: int, first_epoch: int = 0) -> tf.data.Dataset:
    """A finite data set whose n-th complete iteration is epoch `first_epoch + n`.

    Args:
        make_epoch: Gives the data set of an epoch.
        elements: How many elements (batches) each epoch has, at least 1.
        first_epoch: The epoch that the first iteration gives: 0, or where a resumed run goes on.

    Returns:
        A data set with the cardinality and element types of one epoch. An iteration that is
        abandoned before its last element does not count: the next one gives the same epoch again.

    Raises:
        DataError: `first_epoch` is negative, or an epoch has no elements.
    """
    _require_not_negative("first_epoch", first_epoch)
    _require_batches(elements)
    with tf.device("CPU:0"):
        epoch = tf.Variable(first_epoch, dtype=tf.int64, trainable=False, name="epoch")

    @tf.autograph.experimental.do_not_convert
    def numbered(number: tf.Tensor) -> tf.data.Dataset:
        return (
            make_epoch(number, 0).enumerate(1).map(lambda place, element: (number, place, element))
        )

    @tf.autograph.experimental.do_not_convert
    def count(number: tf.Tensor, place: tf.Tensor, element: tuple[tf.Tensor, ...]) -> object:
        after = tf.where(place == elements, number + 1, epoch)
        with tf.control_dependencies([epoch.assign(after)]):
            return tf.nest.map_structure(tf.identity, element)

    now = tf.data.Dataset.from_tensors(0).map(lambda _: epoch.read_value())
    result = now.flat_map(numbered).map(count)
    result = result.apply(tf.data.experimental.assert_cardinality(elements))
    # The functions of a data set hold their variables weakly.
    result._epoch = epoch
    return result


def endless(make_epoch: MakeEpoch, elements: int, first_step: int = 0) -> tf.data.Dataset:
    """All epochs one after the other, from a step on.

    Every iterator starts at `first_step`: the stream has no state, and step `s` is the same element
    in every run. Give `keras.Model.fit` its `steps_per_epoch`.

    Args:
        make_epoch: Gives the data set of an epoch, or what is left of it.
        elements: How many elements (batches) each epoch has, at least 1.
        first_step: Steps already taken, counted from the start of epoch 0.

    Returns:
        An infinite data set with the element types of one epoch.

    Raises:
        DataError: `first_step` is negative, or an epoch has no elements.
    """
    _require_not_negative("first_step", first_step)
    _require_batches(elements)
    first_epoch, taken = divmod(first_step, elements)

    @tf.autograph.experimental.do_not_convert
    def batches(epoch: tf.Tensor) -> tf.data.Dataset:
        already = tf.where(
            epoch == first_epoch, tf.constant(taken, tf.int64), tf.constant(0, tf.int64)
        )
        left = tf.data.experimental.assert_cardinality(elements - already)
        return make_epoch(epoch, already).apply(left)

    stream = tf.data.Dataset.counter(first_epoch).flat_map(batches)
    return stream.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))


def _require_batches(elements: int) -> None:
    if elements < 1:
        raise DataError(f"An epoch must have at least 1 batch. Received: {elements} batches.")


def _require_not_negative(name: str, value: int) -> None:
    if value < 0:
        raise DataError(f"`{name}` must not be negative. Received: {value}.")
