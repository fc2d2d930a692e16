"""What is compared between replicas: sums of bits; `test_distribution` has two."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from fbnetv2_tf.replica_agreement import ReplicaAgreement, bit_sums


def test_the_sums_are_those_of_the_bits() -> None:
    random = np.random.default_rng(0)
    single = random.normal(size=(3, 5)).astype(np.float32)
    double, whole = random.normal(size=4), random.integers(-9, 9, 6).astype(np.int32)
    half, truth = np.array([1.5, -2.0], np.float16), np.array([True, True, False])
    expected = [
        np.add.reduce(single.view(np.int32), axis=None, dtype=np.int32),
        np.add.reduce(double.view(np.int32), dtype=np.int32),
        whole.sum(),
        -1,
        2,
    ]
    found = bit_sums([tf.constant(array) for array in (single, double, whole, half, truth)])
    np.testing.assert_array_equal(found, expected)


def test_the_last_bit_of_one_number_changes_the_sum() -> None:
    weights = np.random.default_rng(1).normal(size=1000).astype(np.float32)
    other = weights.copy()
    other[500] = np.nextafter(other[500], np.float32(9))
    first, second = (int(bit_sums([tf.constant(array)])[0]) for array in (weights, other))
    assert abs(first - second) == 1


def test_one_replica_agrees_with_itself() -> None:
    model = keras.Sequential([keras.Input([2]), keras.layers.Dense(1)])
    model.compile("sgd")
    agreement = ReplicaAgreement()
    agreement.set_model(model)
    agreement.on_train_begin()
    agreement.on_epoch_end(0)
