"""The cross-entropy of classes and of probabilities, against NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.cross_entropy import CrossEntropy, with_one_hot_labels

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(size=(6, 4)).astype(np.float32)
CLASSES = RANDOM.integers(0, 4, 6)
MIXED = RANDOM.dirichlet(np.ones(4), 6).astype(np.float32)


@pytest.mark.parametrize("labels", [CLASSES, np.eye(4)[CLASSES], MIXED], ids=["int", "one", "mix"])
def test_it_is_the_mean_over_the_batch(labels: np.ndarray) -> None:
    probabilities = labels if labels.ndim == 2 else np.eye(4)[labels]
    logarithms = LOGITS - np.log(np.exp(LOGITS).sum(axis=1, keepdims=True))
    expected = -(probabilities * logarithms).sum(axis=1).mean()
    assert float(CrossEntropy()(labels, LOGITS)) == pytest.approx(expected, rel=1e-5)


def test_it_is_saved_by_its_name() -> None:
    config = keras.saving.serialize_keras_object(CrossEntropy())
    assert isinstance(keras.saving.deserialize_keras_object(config), CrossEntropy)


def test_labels_become_rows_once() -> None:
    batches = tf.data.Dataset.from_tensors((tf.zeros([6, 1]), tf.constant(CLASSES)))
    rows = with_one_hot_labels(batches, 4)
    np.testing.assert_array_equal(next(iter(rows))[1], np.eye(4)[CLASSES])
    assert with_one_hot_labels(rows, 4) is rows
