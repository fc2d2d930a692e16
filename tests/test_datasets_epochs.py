"""Epochs that differ and can be had again."""

from __future__ import annotations

import gc
from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.datasets.epochs import augmentation_seed, counted, endless, order_seed
from fbnetv2_tf.errors import DataError


def tens(epoch: tf.Tensor, first: tf.Tensor | int) -> tf.data.Dataset:
    """Three elements that tell their epoch: 10, 11, 12 in epoch 1."""
    return tf.data.Dataset.range(first, 3).map(lambda place: (10 * epoch + place, place))


def values(dataset: tf.data.Dataset) -> list[int]:
    return [int(value) for value, _ in dataset]


def test_each_iteration_is_the_next_epoch() -> None:
    dataset = counted(tens, 3)
    assert dataset.cardinality() == 3
    assert [values(dataset) for _ in range(3)] == [[0, 1, 2], [10, 11, 12], [20, 21, 22]]


def test_counting_goes_on_where_a_run_is_resumed() -> None:
    assert values(counted(tens, 3, first_epoch=7)) == [70, 71, 72]


def test_an_abandoned_iteration_does_not_count() -> None:
    dataset = counted(tens, 3)
    next(iter(dataset))
    assert values(dataset.take(2)) == [0, 1]
    assert values(dataset) == [0, 1, 2]
    assert values(dataset) == [10, 11, 12]


def test_taking_exactly_all_elements_counts() -> None:
    # Keras takes as many elements as the cardinality says and never asks for one more.
    dataset = counted(tens, 3)
    iterator = iter(dataset)
    for _ in range(3):
        next(iterator)
    assert values(dataset) == [10, 11, 12]


def test_repeating_goes_through_the_epochs() -> None:
    assert values(counted(tens, 3).repeat(2)) == [0, 1, 2, 10, 11, 12]


def test_the_number_outlives_the_name_of_the_data_set() -> None:
    dataset = counted(tens, 3).map(lambda value, place: (value, place)).prefetch(1)
    gc.collect()
    assert [values(dataset), values(dataset)] == [[0, 1, 2], [10, 11, 12]]


def test_two_data_sets_count_apart() -> None:
    first, second = counted(tens, 3), counted(tens, 3)
    values(first)
    assert values(second) == [0, 1, 2]


@pytest.mark.parametrize("first_step", [0, 1, 2, 3, 7])
def test_endless_stream_starts_at_any_step(first_step: int) -> None:
    whole = [0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41]
    stream = endless(tens, 3, first_step)
    assert stream.cardinality() == tf.data.INFINITE_CARDINALITY
    assert values(stream.take(5)) == whole[first_step : first_step + 5]
    assert values(stream.take(2)) == whole[first_step : first_step + 2]


@pytest.mark.parametrize("count", [counted, endless])
def test_epochs_without_batches_are_refused(count: Callable) -> None:
    with pytest.raises(DataError, match=r"An epoch must have at least 1 batch. Received: 0"):
        count(tens, 0)


@pytest.mark.parametrize("elements", [2, 4])
@pytest.mark.parametrize("count", [counted, endless])
def test_a_wrong_number_of_batches_is_noticed(count: Callable, elements: int) -> None:
    with pytest.raises(tf.errors.OpError, match="expected to contain"):
        values(count(tens, elements).take(8))


def test_negative_starts_are_refused() -> None:
    with pytest.raises(DataError, match=r"`first_epoch` must not be negative. Received: -1"):
        counted(tens, 3, -1)
    with pytest.raises(DataError, match=r"`first_step` must not be negative. Received: -2"):
        endless(tens, 3, -2)


def test_seeds_differ_by_seed_epoch_and_purpose() -> None:
    drawn = [
        tuple(make(seed, epoch).numpy())
        for make in (order_seed, augmentation_seed)
        for seed in (0, 1)
        for epoch in (0, 1, 2)
    ]
    assert len(set(drawn)) == len(drawn)
    assert np.array_equal(order_seed(1, 2), order_seed(1, tf.constant(2, tf.int64)))
