"""One data set for two optimizers: each batch says whether it trains weights or the architecture.

A search trains the weights on 80 % of the images and the architecture variables on the other 20 %,
one after the other in every epoch (FBNetV2, arXiv:2004.05565). Keras feeds `train_step` from one
data set, so the phase travels with the batch.
"""

from __future__ import annotations

from fractions import Fraction

import tensorflow as tf

from .errors import DataError

WEIGHTS_PHASE = 0
"""The phase of a batch that trains the weights."""

ARCHITECTURE_PHASE = 1
"""The phase of a batch that trains the architecture variables."""


def two_phase(weights: tf.data.Dataset, architecture: tf.data.Dataset) -> tf.data.Dataset:
    """Joins two batched data sets into one that names the phase of each batch.

    In every epoch all batches of `weights` come first, then all batches of `architecture`.

    Args:
        weights: Finite data set of `(images, labels)`, batched.
        architecture: Finite data set of the same element types, of images that `weights` has not.

    Returns:
        Data set of `(images, labels, phase)`; the phase is an int32 scalar tensor, `WEIGHTS_PHASE`
        or `ARCHITECTURE_PHASE`. Its cardinality is known when both inputs' are, and the batch
        dimension is static when both have the same static one (`drop_remainder=True`).

    Raises:
        DataError: An element is not a pair, the element types differ, or an input has no end.

    Example:
        >>> import tensorflow as tf
        >>> from fbnetv2_tf.search_data import two_phase
        >>> images, labels = tf.zeros((10, 8, 8, 1)), tf.zeros(10, tf.int32)
        >>> data = tf.data.Dataset.from_tensor_slices((images, labels))
        >>> joined = two_phase(data.take(8).batch(2), data.skip(8).batch(2))
        >>> [int(phase) for _, _, phase in joined]
        [0, 0, 0, 0, 1]
    """
    for name, dataset in (("weights", weights), ("architecture", architecture)):
        _require_pairs(name, dataset)
        _require_an_end(name, dataset)
    try:
        return joined(weights, architecture)
    except TypeError as error:
        raise DataError(
            "`weights` and `architecture` must have the same element types. "
            f"Received: {weights.element_spec} and {architecture.element_spec}."
        ) from error


def joined(weights: tf.data.Dataset, architecture: tf.data.Dataset) -> tf.data.Dataset:
    """`two_phase` without its checks, for use within the functions of a data set."""
    return for_weights(weights).concatenate(_in_phase(architecture, ARCHITECTURE_PHASE))


def for_weights(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """A data set of which every batch trains the weights."""
    return _in_phase(dataset, WEIGHTS_PHASE)


def split_batches(dataset: tf.data.Dataset, architecture_share: float = 0.2) -> tf.data.Dataset:
    """Makes a two-phase data set of one plain data set, by the position of its batches.

    With a share of 0.2 every fifth batch is for the architecture. The data set is read twice in an
    epoch, once for each phase. **The phases see different images only if the data set gives the
    same batches in the same order each time**: one that shuffles anew
    (`shuffle(..., reshuffle_each_iteration=True)`, the default) trains both on the same images.
    Split the images first and use `two_phase` then.

    Args:
        dataset: Finite data set of `(images, labels)`, batched.
        architecture_share: Share of the batches that train the architecture, in (0, 1).

    Returns:
        Data set as of `two_phase`.

    Raises:
        DataError: The share is outside (0, 1), the data set has no end, or it has too few batches
            for both phases.
    """
    if not 0.0 < architecture_share < 1.0:
        raise DataError(
            f"`architecture_share` must be between 0 and 1. Received: {architecture_share}."
        )
    _require_pairs("dataset", dataset)
    _require_an_end("dataset", dataset)
    share = Fraction(architecture_share).limit_denominator(1000)

    def is_architecture(position: tf.Tensor) -> tf.Tensor:
        before = position * share.numerator // share.denominator
        return (position + 1) * share.numerator // share.denominator > before

    def part(wanted: bool, batches: int) -> tf.data.Dataset:
        numbered = dataset.enumerate().filter(lambda at, _: is_architecture(at) == wanted)
        chosen = numbered.map(lambda _, batch: batch)
        return chosen.apply(tf.data.experimental.assert_cardinality(batches)) if batches else chosen

    total = int(dataset.cardinality())
    for_architecture = 0
    if total >= 0:
        for_architecture = total * share.numerator // share.denominator
        if not 0 < for_architecture < total:
            raise DataError(
                f"`dataset` must have batches for both phases at a share of {architecture_share}. "
                f"Received: {total} batches."
            )
    return two_phase(
        part(wanted=False, batches=max(total, 0) - for_architecture),
        part(wanted=True, batches=for_architecture),
    )


def _in_phase(dataset: tf.data.Dataset, phase: int) -> tf.data.Dataset:
    return dataset.map(lambda images, labels: (images, labels, tf.constant(phase, tf.int32)))


def _require_pairs(name: str, dataset: tf.data.Dataset) -> None:
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) != 2:
        raise DataError(f"`{name}` must give (images, labels). Received elements: {spec}.")


def _require_an_end(name: str, dataset: tf.data.Dataset) -> None:
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise DataError(
            f"`{name}` must be finite, because the phases take turns in every epoch. "
            "Received: a data set without end (take `repeat()` away)."
        )
