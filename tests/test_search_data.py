"""Two data sets in one, each batch with its phase."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.errors import DataError
from fbnetv2_tf.search_data import (
    ARCHITECTURE_PHASE,
    WEIGHTS_PHASE,
    split_batches,
    two_phase,
)


def numbered(start: int, stop: int) -> tf.data.Dataset:
    """Images whose pixels all are the image's number, labelled with it."""
    labels = tf.range(start, stop)
    images = tf.cast(labels, tf.float32)[:, None, None, None] * tf.ones((1, 2, 2, 1))
    return tf.data.Dataset.from_tensor_slices((images, labels))


def phases_and_labels(dataset: tf.data.Dataset) -> list[tuple[int, list[int]]]:
    return [(int(phase), labels.numpy().tolist()) for _, labels, phase in dataset]


def test_all_weight_batches_come_before_all_architecture_batches() -> None:
    joined = two_phase(numbered(0, 5).batch(2), numbered(10, 13).batch(2))
    assert phases_and_labels(joined) == [
        (WEIGHTS_PHASE, [0, 1]),
        (WEIGHTS_PHASE, [2, 3]),
        (WEIGHTS_PHASE, [4]),
        (ARCHITECTURE_PHASE, [10, 11]),
        (ARCHITECTURE_PHASE, [12]),
    ]


def test_every_iteration_is_a_whole_epoch_of_both_phases() -> None:
    joined = two_phase(numbered(0, 4).batch(2), numbered(4, 6).batch(2))
    assert phases_and_labels(joined) == phases_and_labels(joined)
    assert len(phases_and_labels(joined.repeat(3))) == 9


def test_images_pass_unchanged_beside_their_labels() -> None:
    for images, labels, _ in two_phase(numbered(0, 4).batch(2), numbered(4, 6).batch(2)):
        assert np.array_equal(images[:, 0, 0, 0], labels)


def test_phase_is_an_int32_scalar_and_the_batch_dimension_stays_static() -> None:
    joined = two_phase(
        numbered(0, 8).batch(4, drop_remainder=True), numbered(8, 12).batch(4, drop_remainder=True)
    )
    images, labels, phase = joined.element_spec
    assert images.shape == (4, 2, 2, 1)
    assert labels.shape == (4,)
    assert (phase.shape, phase.dtype) == ((), tf.int32)


def test_cardinality_is_the_sum_when_both_are_known() -> None:
    assert two_phase(numbered(0, 5).batch(2), numbered(5, 8).batch(2)).cardinality() == 5
    unknown = numbered(0, 5).batch(2).filter(lambda images, labels: True)
    joined = two_phase(unknown, numbered(5, 8).batch(2))
    assert joined.cardinality() == tf.data.UNKNOWN_CARDINALITY


def test_inputs_of_other_types_are_refused() -> None:
    floats = numbered(0, 4).map(lambda images, labels: (images, tf.cast(labels, tf.float32)))
    with pytest.raises(DataError, match="same element types"):
        two_phase(numbered(0, 4).batch(2), floats.batch(2))


def test_elements_that_are_no_pairs_are_refused() -> None:
    with pytest.raises(DataError, match=r"`architecture` must give \(images, labels\)"):
        two_phase(numbered(0, 4).batch(2), tf.data.Dataset.range(4).batch(2))


def test_a_data_set_without_end_is_refused() -> None:
    with pytest.raises(DataError, match="`weights` must be finite"):
        two_phase(numbered(0, 4).batch(2).repeat(), numbered(4, 6).batch(2))


def test_every_fifth_batch_is_for_the_architecture() -> None:
    split = split_batches(numbered(0, 20).batch(2))
    assert split.cardinality() == 10
    assert phases_and_labels(split) == [
        *((WEIGHTS_PHASE, [2 * at, 2 * at + 1]) for at in (0, 1, 2, 3, 5, 6, 7, 8)),
        *((ARCHITECTURE_PHASE, [2 * at, 2 * at + 1]) for at in (4, 9)),
    ]


@pytest.mark.parametrize("share", [0.1, 0.25, 1 / 3, 0.5, 0.75])
def test_any_share_divides_all_batches(share: float) -> None:
    split = phases_and_labels(split_batches(numbered(0, 60).batch(1), share))
    assert sorted(labels[0] for _, labels in split) == list(range(60))
    assert sum(phase for phase, _ in split) == round(60 * share)


def test_a_data_set_of_unknown_size_can_be_divided() -> None:
    unknown = numbered(0, 10).batch(1).filter(lambda images, labels: True)
    assert [phase for phase, _ in phases_and_labels(split_batches(unknown))] == [0] * 8 + [1] * 2


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, float("nan")])
def test_a_share_outside_the_open_interval_is_refused(share: float) -> None:
    with pytest.raises(DataError, match="`architecture_share` must be between 0 and 1"):
        split_batches(numbered(0, 10).batch(1), share)


def test_too_few_batches_for_both_phases_are_refused() -> None:
    with pytest.raises(DataError, match=r"batches for both phases .* Received: 4 batches"):
        split_batches(numbered(0, 4).batch(1))
