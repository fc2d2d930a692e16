"""A part of a data set as Keras reads it: orders, epochs, resuming."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from fbnetv2_tf.datasets import DataSplits, Split, endless, load_dataset
from fbnetv2_tf.datasets.arrays import ArrayExamples
from fbnetv2_tf.errors import DataError
from fbnetv2_tf.search_data import two_phase


def numbered_split(images: int = 20, image_shape: tuple[int, int, int] = (4, 4, 1)) -> Split:
    """Image k is of the grey k and labelled k % 3."""
    pixels = np.repeat(np.arange(images, dtype=np.uint8), 16).reshape(images, 4, 4, 1)
    labels = (np.arange(images) % 3).astype(np.int32)
    examples = ArrayExamples(pixels, labels, image_shape)
    return Split("weights", examples, np.arange(images), classes=3)


def numbers(dataset: tf.data.Dataset) -> list[list[int]]:
    """Which images came, batch by batch."""
    return [
        np.round(images[:, 0, 0, 0].numpy() * 255.0).astype(int).tolist() for images, _ in dataset
    ]


def flat(batches: list[list[int]]) -> list[int]:
    return [number for batch in batches for number in batch]


def test_without_a_seed_the_order_is_the_part_s_own_each_time() -> None:
    dataset = numbered_split(10).dataset(4)
    assert numbers(dataset) == numbers(dataset) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert dataset.cardinality() == 3


def test_bytes_become_floats_in_the_unit_interval_with_their_labels() -> None:
    ((images, labels),) = numbered_split(6).dataset(6)
    assert (images.dtype, labels.dtype) == (tf.float32, tf.int32)
    assert np.allclose(images[:, 2, 3, 0], np.arange(6) / 255.0)
    assert labels.numpy().tolist() == [0, 1, 2, 0, 1, 2]


def test_each_epoch_has_every_image_once_in_another_order() -> None:
    dataset = numbered_split().dataset(8, shuffle_seed=1)
    epochs = [flat(numbers(dataset)) for _ in range(3)]
    assert all(sorted(epoch) == list(range(20)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_labels_stay_with_their_images() -> None:
    for images, labels in numbered_split().dataset(8, shuffle_seed=1):
        order = np.round(images[:, 0, 0, 0].numpy() * 255.0).astype(int)
        assert labels.numpy().tolist() == (order % 3).tolist()


def test_order_is_a_function_of_seed_and_epoch() -> None:
    first = numbered_split().dataset(8, shuffle_seed=1)
    numbers(first)
    second_epoch = numbers(first)
    resumed = numbered_split().dataset(8, shuffle_seed=1, first_epoch=1)
    assert numbers(resumed) == second_epoch
    assert numbers(numbered_split().epoch(8, 1, shuffle_seed=1)) == second_epoch
    assert numbers(numbered_split().dataset(8, shuffle_seed=2, first_epoch=1)) != second_epoch


def test_augmentation_is_new_in_each_epoch_and_the_same_when_resumed() -> None:
    split = load_dataset("fashion_mnist_10k").validation
    dataset = split.dataset(500, shuffle_seed=3, augment="light", drop_remainder=True)
    epochs = [np.concatenate([images for images, _ in dataset]) for _ in range(2)]
    assert not np.array_equal(epochs[0], epochs[1])
    resumed = split.dataset(
        500, shuffle_seed=3, augment="light", drop_remainder=True, first_epoch=1
    )
    again = np.concatenate([images for images, _ in resumed])
    assert np.array_equal(again, epochs[1])


def test_augmentation_is_new_in_each_epoch_without_shuffling_too() -> None:
    dataset = load_dataset("fashion_mnist_10k").validation.dataset(1000, augment="light")
    first, second = (next(iter(dataset.take(1)))[0].numpy() for _ in range(2))
    assert not np.array_equal(first, second)


def test_a_stream_can_go_on_at_any_step() -> None:
    split = numbered_split()
    make_epoch = split.epochs(8, shuffle_seed=1)
    whole = numbers(split.dataset(8, shuffle_seed=1).repeat(3))
    for step in (0, 2, 4):
        stream = endless(make_epoch, split.steps(8), first_step=step)
        assert numbers(stream.take(4)) == whole[step : step + 4]


def test_augmentation_goes_on_within_an_epoch() -> None:
    split = load_dataset("fashion_mnist_10k").validation
    whole = [images.numpy() for images, _ in split.epoch(200, 3, shuffle_seed=1, augment="light")]
    rest = split.epoch(200, 3, shuffle_seed=1, augment="light", first_batch=3)
    for (images, _), expected in zip(rest, whole[3:], strict=True):
        np.testing.assert_array_equal(images, expected)


def test_remainder_is_dropped_on_request_and_the_batch_is_static_then() -> None:
    split = numbered_split(10)
    dataset = split.dataset(4, shuffle_seed=0, drop_remainder=True)
    assert dataset.element_spec[0].shape == (4, 4, 4, 1)
    assert dataset.element_spec[1].shape == (4,)
    assert [len(batch) for batch in numbers(dataset)] == [4, 4]
    assert (split.steps(4), split.steps(4, drop_remainder=True)) == (3, 2)
    assert dataset.cardinality() == 2


def test_mixed_labels_are_probabilities_of_all_classes() -> None:
    from fbnetv2_tf.augmentation import Augmentation

    dataset = numbered_split().dataset(8, shuffle_seed=0, augment=Augmentation(mixup=0.2))
    _, labels = next(iter(dataset))
    assert labels.shape == (8, 3)
    assert np.allclose(labels.numpy().sum(1), 1.0)


@pytest.mark.parametrize("image_shape", [(4, 4, 3), (7, 7, 1), (2, 2, 3)])
def test_images_are_fitted_to_another_shape(image_shape: tuple[int, int, int]) -> None:
    split = numbered_split(5, image_shape)
    images = split.images()
    assert images.shape == (5, *image_shape)
    # An image of one grey keeps its grey.
    greys = np.broadcast_to(np.arange(5).reshape(5, 1, 1, 1) / 255.0, images.shape)
    assert np.allclose(images, greys, atol=1e-6)


def test_images_and_labels_come_in_the_part_s_own_order() -> None:
    examples = numbered_split().examples
    split = Split("test", examples, np.array([7, 3, 11]), classes=3)
    assert np.round(split.images()[:, 0, 0, 0] * 255).tolist() == [7, 3, 11]
    assert split.images(2).shape == (2, 4, 4, 1)
    assert split.images(0).shape == (0, 4, 4, 1)
    assert split.labels.tolist() == [1, 0, 2]
    assert split.size == 3


@pytest.mark.parametrize("batch_size", [0, -3])
def test_a_batch_without_images_is_refused(batch_size: int) -> None:
    with pytest.raises(DataError, match="`batch_size` must be at least 1"):
        numbered_split().dataset(batch_size)


def test_a_batch_larger_than_the_part_is_refused_when_remainders_are_dropped() -> None:
    with pytest.raises(DataError, match=r"must not exceed the 20 images of the weights part"):
        numbered_split().dataset(21, drop_remainder=True)
    assert [len(batch) for batch in numbers(numbered_split().dataset(21))] == [20]


class RememberLabels(keras.Model):
    """Learns nothing and writes down the labels it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = tf.Variable([0], shape=[None], dtype=tf.int32, trainable=False)

    def train_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        self.seen.assign(tf.concat([self.seen, data[1]], 0))
        return {"loss": tf.constant(0.0)}


def fitted_labels(dataset: tf.data.Dataset, **settings: object) -> list[int]:
    model = RememberLabels()
    model.compile(loss="mse")
    model.fit(dataset, verbose=0, **settings)
    return model.seen.numpy()[1:].tolist()


def test_keras_fit_sees_the_epochs_in_order() -> None:
    split = numbered_split()
    expected = [
        label
        for epoch in range(3)
        for _, labels in split.epoch(8, epoch, shuffle_seed=5)
        for label in labels.numpy().tolist()
    ]
    assert fitted_labels(split.dataset(8, shuffle_seed=5), epochs=3) == expected
    stream = endless(split.epochs(8, shuffle_seed=5), split.steps(8))
    assert fitted_labels(stream, epochs=3, steps_per_epoch=3) == expected
    resumed = split.dataset(8, shuffle_seed=5, first_epoch=2)
    assert fitted_labels(resumed, epochs=3, initial_epoch=2) == expected[40:]


def test_both_phases_of_a_search_are_shuffled_anew_in_each_epoch() -> None:
    examples = numbered_split().examples
    weights = Split("weights", examples, np.arange(16), 3).dataset(4, shuffle_seed=1)
    architecture = Split("architecture", examples, np.arange(16, 20), 3).dataset(4, shuffle_seed=1)
    joined = two_phase(weights, architecture)
    assert joined.cardinality() == 5
    epochs = []
    for _ in range(2):
        batches = list(joined)
        assert [int(phase) for _, _, phase in batches] == [0, 0, 0, 0, 1]
        epochs.append(flat(numbers((images, labels) for images, labels, _ in batches)))
    assert [sorted(epoch[:16]) for epoch in epochs] == [list(range(16))] * 2
    assert epochs[0][:16] != epochs[1][:16]
    assert epochs[0][16:] != epochs[1][16:]


def splits_with(labels: list[int]) -> DataSplits:
    pixels = np.zeros((len(labels), 2, 2, 1), np.uint8)
    examples = ArrayExamples(pixels, np.array(labels, np.int32), (2, 2, 1))
    everything = Split("weights", examples, np.arange(len(labels)), 2)
    nothing = Split("none", examples, np.arange(0), 2)
    return DataSplits(
        name="made",
        source="here",
        weights=everything,
        architecture=nothing,
        validation=nothing,
        test=nothing,
        class_names=("cat", "dog"),
        image_shape=(2, 2, 1),
    )


def test_description_names_counts_and_imbalance() -> None:
    splits = load_dataset("fashion_mnist_10k")
    assert splits.describe() == (
        "fashion_mnist_10k: 28x28x1, 10 classes; 5,600 weights, 1,400 architecture, "
        "1,000 validation, 2,000 test images; 700 training images in each class (in the package)"
    )
    assert "1 (dog) to 4 (cat) training images in a class, 4.0 to 1" in (
        splits_with([0, 0, 1, 0, 0]).describe()
    )
    assert "a class without any" in splits_with([0, 0]).describe()


def test_training_part_joins_weights_and_architecture() -> None:
    splits = load_dataset("fashion_mnist_10k")
    joined = np.concatenate([splits.weights.indices, splits.architecture.indices])
    assert np.array_equal(splits.train.indices, joined)
    assert (splits.train.size, splits.train.name, splits.classes) == (7000, "train", 10)
    assert splits.unreadable == ()
