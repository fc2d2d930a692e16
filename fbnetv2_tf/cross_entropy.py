"""Labels as classes or as probabilities, and a cross-entropy that takes both."""

from __future__ import annotations

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="fbnetv2_tf")
class CrossEntropy(keras.losses.Loss):  # type: ignore[misc]
    """The cross-entropy of logits, `-sum_c p_c log softmax(z)_c`, averaged over the batch.

    Call arguments:
        y_true: classes, (batch,), or their probabilities p, (batch, classes), as mixup makes them.
        y_pred: logits z, (batch, classes).

    Example:
        >>> loss, logits = CrossEntropy(), tf.constant([[2.0, 0.0], [0.0, 1.0]])
        >>> float(loss([0, 1], logits)) == float(loss([[1.0, 0.0], [0.0, 1.0]], logits))
        True
    """

    def __init__(self, name: str = "cross_entropy", **kwargs: str) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        y_true, y_pred = tf.convert_to_tensor(y_true), tf.convert_to_tensor(y_pred)
        if y_true.shape.rank < y_pred.shape.rank:
            y_true = tf.one_hot(tf.cast(y_true, tf.int32), y_pred.shape[-1])
        return keras.losses.categorical_crossentropy(y_true, y_pred, from_logits=True)


def with_one_hot_labels(batches: tf.data.Dataset, classes: int) -> tf.data.Dataset:
    """Labels as rows of `classes` probabilities, unless an augmentation has made them so."""
    if batches.element_spec[1].dtype.is_floating:
        return batches
    return batches.map(lambda images, labels: (images, tf.one_hot(labels, classes)))
